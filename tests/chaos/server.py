"""A server on loopback that answers as another ASGI app would, and on the way does to the answers what networks do.

It speaks HTTP/1.1 over raw sockets, because most of its faults lie below what a web framework can express. Which fault
meets a request depends on the seed, on the request's body and on how often it was asked before, so a run meets the same
faults whatever its timing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from hashlib import blake2b

import httpx2
import msgspec
from starlette.types import ASGIApp

PAGE = b"<!doctype html><title>Gateway</title><p>Please sign in."
HUGE = 10 * 2**20
STORMED = 8
"""A storm does not last: so often it may meet one question."""

FATAL = (
    "limited",
    "limited_date",
    "error",
    "unavailable",
    "reset",
    "closed",
    "page",
    "cut",
    "garbage",
    "comments",
    "stale",
)
"""The client can't have an answer from these."""
HARMLESS = ("drip", "text", "nan", "huge", "twice", "late")
"""The whole answer comes, in a way that one could trip over."""

JSON = "application/json"


class Tokens(msgspec.Struct):
    """What was sent and could be read: answers, and tokens in and out."""

    answers: int = 0
    prompt: int = 0
    completion: int = 0


class ChaosServer:
    """Counts what it truly delivered. ``weights`` give each fault its share of requests; the rest is left alone.

    No question meets more than ``in_a_row`` fatal faults, so that a patient client gets every answer, and none of the
    slow ones ("comments") twice. The first ``calm`` requests are left alone: a server that begins with a page is taken for
    a wrong address. All requests numbered within a ``storms`` range get a 429.
    """

    def __init__(
        self,
        upstream: ASGIApp,
        weights: Mapping[str, float],
        *,
        seed: int = 0,
        in_a_row: int = 4,
        calm: int = 3,
        storms: tuple[range, ...] = (),
        most: Mapping[str, int] | None = None,
    ) -> None:
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(upstream), base_url="http://upstream.invalid")
        self._weights = dict(weights)
        self._seed = seed
        self._in_a_row = in_a_row
        self._calm = calm
        self._storms = storms
        self._most = dict(most or {})
        self._asked: Counter[bytes] = Counter()
        self._slow: set[bytes] = set()
        self._drenched: Counter[bytes] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self.requests = 0
        self.met: Counter[str] = Counter()
        self.delivered = Tokens()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve while the block runs; gives the base URL."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await server.wait_closed()
            await self._client.aclose()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        poisoned = False
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                method, path, _ = first.split(" ")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                # After a doubled answer the client has to throw this connection away, whatever is sent on it now.
                fault = "stale" if poisoned else self._fault(path, body)
                self.met[fault] += 1
                if not await self._answer(writer, fault, method, path, headers, body):
                    break
                poisoned = poisoned or fault == "twice"
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _fault(self, path: str, body: bytes) -> str:
        number = self.requests
        self.requests += 1
        digest = blake2b(path.encode() + body, digest_size=12).digest()
        nth = self._asked[digest]
        self._asked[digest] += 1
        if number < self._calm:
            fault = ""
        elif any(number in storm for storm in self._storms) and self._drenched[digest] < STORMED:
            self._drenched[digest] += 1
            fault = "limited"
        elif nth >= self._in_a_row:
            fault = ""
        else:
            rng = random.Random(f"{self._seed}/{digest.hex()}/{nth}")
            kinds = [*self._weights, ""]
            shares = [*self._weights.values(), 1 - sum(self._weights.values())]
            (fault,) = rng.choices(kinds, shares)
        if fault == "comments":
            fault = "" if digest in self._slow else fault
            self._slow.add(digest)
        if fault and self.met[fault] >= self._most.get(fault, 10**9):
            fault = ""
        return fault

    async def _answer(
        self, writer: asyncio.StreamWriter, fault: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> bool:
        """Answer one request; whether the connection may be used on."""
        match fault:
            case "limited":
                return await send(writer, 429, b'{"error": {"message": "slow down"}}', {"retry-after-ms": "40"})
            case "limited_date":
                # Read against a clock that jumps by hours, this date would be far away.
                told = {
                    "retry-after": formatdate(2_000_000_001, usegmt=True),
                    "date": formatdate(2_000_000_000, usegmt=True),
                }
                return await send(writer, 429, b'{"error": {"message": "slow down"}}', told)
            case "error":
                return await send(writer, 500, b'{"error": {"message": "internal error"}}')
            case "unavailable":
                return await send(writer, 503, PAGE, {"retry-after": "1"}, content_type="text/html")
            case "page":
                return await send(writer, 200, PAGE, content_type="text/html; charset=utf-8")
            case "garbage":
                return await send(writer, 200, b'{"choices": [}\xff\xfe not json')
            case "closed":
                return False
            case "comments":
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                while True:
                    writer.write(b"e\r\n: keep-alive\n\n\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            case _:
                pass
        response = await self._client.request(
            method, path, content=body, headers={"content-type": headers.get("content-type", JSON)}
        )
        answer, kind = response.content, response.headers["content-type"]
        if fault == "cut":
            return await send(writer, 200, answer[: len(answer) // 2], content_type=kind)
        if fault == "reset":
            writer.write(_head(200, len(answer), content_type=kind) + answer[: len(answer) // 2])
            await writer.drain()
            abort(writer)
            return False
        if fault != "stale":
            self._count(response)
        return await self._deliver(writer, fault, response.status_code, answer, kind)

    async def _deliver(self, writer: asyncio.StreamWriter, fault: str, status: int, answer: bytes, kind: str) -> bool:
        if fault == "late":
            # Answers overtake each other: this one is sent after others that were asked later.
            await asyncio.sleep(0.02)
        if fault == "drip":
            writer.write(_head(status, len(answer), content_type=kind))
            step = max(1, len(answer) // 20)
            for begin in range(0, len(answer), step):
                writer.write(answer[begin : begin + step])
                await writer.drain()
                await asyncio.sleep(0.001)
            return True
        if fault == "text" and answer[:1] == b"{":
            return await send(writer, status, answer, content_type="text/html")
        if fault == "nan" and answer[:1] == b"{":
            return await send(writer, status, b'{"x_score": NaN, "x_range": [-Infinity, Infinity], ' + answer[1:])
        if fault == "huge" and answer[:1] == b"{":
            return await send(writer, status, b'{"x_padding": "' + b"x" * HUGE + b'", ' + answer[1:])
        whole = _head(status, len(answer), content_type=kind) + answer
        writer.write(whole * 2 if fault == "twice" else whole)
        await writer.drain()
        return True

    def _count(self, response: httpx2.Response) -> None:
        lines = response.text.splitlines()
        events = [line.removeprefix("data: ") for line in lines if '"usage":{' in line]
        used = json.loads(events[-1])["usage"] if response.status_code == 200 and events else None
        if used:
            self.delivered.answers += 1
            self.delivered.prompt += used["prompt_tokens"]
            self.delivered.completion += used["completion_tokens"]


async def send(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    content_type: str = JSON,
) -> bool:
    """Write a whole response; gives True."""
    writer.write(_head(status, len(body), headers, content_type) + body)
    await writer.drain()
    return True


def abort(writer: asyncio.StreamWriter) -> None:
    """Send a reset, not an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _head(status: int, length: int, headers: Mapping[str, str] | None = None, content_type: str = JSON) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-type: {content_type}", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()
