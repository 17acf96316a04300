"""Faults that a server can be told to have. Off by default; which request is hit depends on its number alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from auditor.simulator.draws import uniform

FaultKind = Literal["rate_limited", "server_error", "reset", "html", "invalid_json", "slow", "no_logprobs"]
FAULT_KINDS: Final[tuple[FaultKind, ...]] = (
    "rate_limited",
    "server_error",
    "reset",
    "html",
    "invalid_json",
    "slow",
    "no_logprobs",
)
Sleep = Callable[[float], Awaitable[None]]


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Rates in [0, 1], together at most 1: a request has at most one fault. Raises ValueError otherwise.

    Attributes:
        rate_limited: 429 with retry-after.
        server_error: 500.
        reset: the connection breaks in the middle of the body.
        html: status 200 with an HTML body, as proxies send.
        invalid_json: status 200 with half a JSON body.
        slow: answered after ``slow_s`` seconds.
        no_logprobs: the logprobs that were asked for are missing.
        retry_after_s: seconds that the 429 asks to wait.
    """

    seed: int = 0
    rate_limited: float = 0.0
    server_error: float = 0.0
    reset: float = 0.0
    html: float = 0.0
    invalid_json: float = 0.0
    slow: float = 0.0
    no_logprobs: float = 0.0
    retry_after_s: float = 1.0
    slow_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse rates that can't all happen."""
        rates = [self.rate(kind) for kind in FAULT_KINDS]
        if min(rates) < 0 or sum(rates) > 1 + 1e-9:
            raise ValueError("fault rates must not be negative and together at most 1")

    def rate(self, kind: FaultKind) -> float:
        """The rate of one kind."""
        value: float = getattr(self, kind)
        return value

    def of_request(self, number: int) -> FaultKind | None:
        """The fault of the request with this number (0, 1, …), if it has one."""
        draw = uniform(self.seed, "fault", number)
        for kind in FAULT_KINDS:
            draw -= self.rate(kind)
            if draw < 0:
                return kind
        return None


class _BrokenResponse(Response):
    """Promises a body and breaks off half-way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(2 * len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        raise ConnectionResetError("planted fault: connection reset in the middle of the body")


async def faulty_response(kind: FaultKind, faults: Faults, sleep: Sleep = asyncio.sleep) -> Response | None:
    """The response that a fault puts in place of the answer; None where the answer still follows (slow, no_logprobs)."""
    match kind:
        case "rate_limited":
            error = {"message": "Rate limit reached (planted fault)", "type": "rate_limit_error", "code": "rate_limit"}
            retry_after = f"{faults.retry_after_s:g}"
            return JSONResponse({"error": error}, status_code=429, headers={"retry-after": retry_after})
        case "server_error":
            error = {"message": "Internal error (planted fault)", "type": "server_error", "code": "internal_error"}
            return JSONResponse({"error": error}, status_code=500)
        case "reset":
            return _BrokenResponse(b'{"id": "chatcmpl-synthetic", "object": "chat.comp')
        case "html":
            return HTMLResponse("<!doctype html><title>Synthetic gateway</title><p>Please sign in (planted fault).</p>")
        case "invalid_json":
            return Response(b'{"id": "chatcmpl-synthetic", "choices": [{"ind', media_type="application/json")
        case "slow":
            await sleep(faults.slow_s)
            return None
        case "no_logprobs":
            return None
