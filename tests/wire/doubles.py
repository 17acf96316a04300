"""A clock that only moves when someone sleeps, and networks made of functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2

from auditor.records import Attempt
from auditor.wire import Limiter, MemoryTape, Tape, TapeMode, Wire, WireLimits, open_wire

ENDPOINT = "http://models.example/v1"
CHAT = f"{ENDPOINT}/chat/completions"
Handler = Callable[[httpx2.Request], Any]


class FakeClock:
    """Starts at a fixed time of day; sleeping is instant and noted."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds


class Script:
    """A network that gives the next item for each request: a response, or an exception to raise. The last one repeats."""

    def __init__(self, *items: httpx2.Response | Exception | Callable[[], httpx2.Response]) -> None:
        self.items = list(items)
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        item = self.items.pop(0) if len(self.items) > 1 else self.items[0]
        if isinstance(item, Exception):
            raise item
        return item if isinstance(item, httpx2.Response) else item()


class Pieces(httpx2.AsyncByteStream):
    """A body that comes in pieces and may end in an exception."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def reply(text: str = "hello", status: int = 200, **headers: str) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json={"text": text}, headers=names)


def wire(
    network: Handler | None,
    *,
    tape: Tape | None = None,
    mode: TapeMode = "auto",
    clock: FakeClock | None = None,
    attempts: list[Attempt] | None = None,
    secrets: tuple[str, ...] = (),
    limits: WireLimits | None = None,
    limiter: Limiter | None = None,
) -> Wire:
    return open_wire(
        ENDPOINT,
        tape=MemoryTape() if tape is None else tape,
        mode=mode,
        network=None if network is None else httpx2.MockTransport(network),
        clock=clock or FakeClock(),
        on_attempt=None if attempts is None else attempts.append,
        secrets=secrets,
        limits=limits or WireLimits(),
        limiter=limiter,
    )


async def ask(wire: Wire, text: str = "hi", *, sample: int = 0, purpose: str = "reply", **more: Any) -> httpx2.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer sk-0123456789abcdef",
        "x-auditor-sample": str(sample),
        "x-auditor-purpose": purpose,
    }
    return await wire.client.post(CHAT, content=json.dumps(body), headers=headers)
