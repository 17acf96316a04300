"""The mock: answers every chat request with the same body after a fixed time, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import multiprocessing
import random
from collections.abc import Iterator
from multiprocessing.connection import Connection

WORDS = ["the", " of", " and", "ing", " to", " a", " in", " is", "ed", " 4", "2", " so", " that", ".", "\n", " x", "s"]


def small() -> bytes:
    """A reply of ordinary size, about 750 bytes."""
    text = "Six times seven is forty-two, because seven sixes are forty-two. " * 4 + "The answer is 42."
    return _body({"role": "assistant", "content": text}, None, 64)


def logprobs(positions: int = 64, alternatives: int = 20) -> bytes:
    """The same with 64 positions of 20 alternatives each, about 100 kilobytes."""
    rng = random.Random(1)
    listed = []
    for _ in range(positions):
        weights = sorted((rng.expovariate(1.0) ** 2 for _ in range(alternatives)), reverse=True)
        total = 1.05 * sum(weights)
        top = []
        for weight in weights:
            token = rng.choice(WORDS) + str(rng.randrange(1000))
            top.append({"token": token, "logprob": math.log(weight / total), "bytes": list(token.encode())})
        listed.append({**top[0], "top_logprobs": top})
    return _body({"role": "assistant", "content": "The answer is 42."}, {"content": listed}, positions)


def _body(message: dict[str, str], listed: object, tokens: int) -> bytes:
    choice = {"index": 0, "message": message, "logprobs": listed, "finish_reason": "stop"}
    usage = {"prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": 20 + tokens}
    whole = {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": 1,
        "model": "mock",
        "system_fingerprint": "mock-1",
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(whole).encode()


BODIES = {"small": small, "logprobs": logprobs}


class _Mock(asyncio.Protocol):
    def __init__(self, answer: bytes, delay: float) -> None:
        self._answer = answer
        self._delay = delay
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._send)
            else:
                self._send()

    def _send(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._answer)


async def _serve(ready: Connection, kind: str, delay: float) -> None:
    body = BODIES[kind]()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    server = await asyncio.get_running_loop().create_server(lambda: _Mock(answer, delay), "127.0.0.1", 0, backlog=1024)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _main(ready: Connection, kind: str, delay: float) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(ready, kind, delay))


@contextlib.contextmanager
def mock(kind: str, delay: float) -> Iterator[str]:
    """Serve ``kind`` of body after ``delay`` seconds while the block runs; gives the base URL."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(there, kind, delay), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
        process.join()
