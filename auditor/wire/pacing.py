"""One attempt on the network: take a slot, send, read the whole body within its limits, give the slot back, tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any, Final, Protocol

import httpx2
import msgspec

from auditor.errors import NotAnApi
from auditor.records import Attempt, Usage
from auditor.wire.clock import Clock
from auditor.wire.context import ELAPSED, READABLE, context_of
from auditor.wire.limits import WireLimits
from auditor.wire.redact import Redactor
from auditor.wire.usage import read_usage, tokens_of

# True of the bytes on the network, not of the decoded body that goes on from here.
_NETWORK_HEADERS: Final = frozenset(
    {"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"}
)

_UNKNOWN: Final = Usage()


class Signal(msgspec.Struct, frozen=True):
    """What one finished attempt tells the limiter. ``status`` None: no response, and ``error`` says why.

    ``headers`` have lower-case names; ``tokens`` are those in and out together, 0 if unknown.
    """

    status: int | None
    headers: Mapping[str, str]
    elapsed_s: float
    error: str = ""
    purpose: str = ""
    tokens: int = 0


class Limiter(Protocol):
    """Decides how many attempts may be in flight; a controller that learns from the signals can stand here."""

    @property
    def limit(self) -> int:
        """Slots there are now."""

    async def acquire(self) -> None:
        """Wait for a slot, first come first served."""

    def release(self, signal: Signal) -> None:
        """Give a slot back with what the attempt taught."""


class FixedLimiter:
    """Always the same number of slots."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots = asyncio.Semaphore(limit)

    @property
    def limit(self) -> int:
        """Slots there are."""
        return self._limit

    async def acquire(self) -> None:
        """Wait for a slot."""
        await self._slots.acquire()

    def release(self, signal: Signal) -> None:
        """Give a slot back."""
        self._slots.release()


class PacingTransport(httpx2.AsyncBaseTransport):
    """Sends single attempts through ``network``, each within one slot, one deadline and one size limit.

    The response it gives is complete: its body is read and decoded, and the extension ``auditor_elapsed_s`` says how
    long that took. ``on_attempt`` hears of every attempt, also failed and cancelled ones; it must not raise.

    Raises httpx2.RequestError for any failure that ended the attempt (time-outs as httpx2.TimeoutException), and
    NotAnApi for a body above ``limits.max_body_bytes``.
    """

    def __init__(
        self,
        network: httpx2.AsyncBaseTransport,
        *,
        endpoint: str,
        limits: WireLimits,
        limiter: Limiter,
        clock: Clock,
        redactor: Redactor,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        self._network = network
        self._endpoint = endpoint
        self._limits = limits
        self._limiter = limiter
        self._clock = clock
        self._redactor = redactor
        self._on_attempt = on_attempt
        silence = limits.read_timeout_s
        # Waiting for a connection is waiting for a slot, which has no limit.
        self._timeout: dict[str, Any] = {
            "connect": limits.connect_timeout_s,
            "read": silence,
            "write": silence,
            "pool": None,
        }

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Make one attempt."""
        context = context_of(request)
        # Whatever the caller's client believes: SDKs bring time-outs of their own.
        request.extensions["timeout"] = self._timeout
        deadline = self._limits.deadline_of(context.purpose)
        wanted = self._clock.monotonic()
        await self._limiter.acquire()
        began = self._clock.monotonic()
        response: httpx2.Response | None = None
        headers: dict[str, str] = {}
        usage = _UNKNOWN
        error = ""
        elapsed = 0.0
        try:
            async with asyncio.timeout(deadline):
                response = await self._network.handle_async_request(request)
                headers = _plain(response.headers)
                body = await self._read(response, headers)
            elapsed = self._clock.monotonic() - began
            usage, whole = read_usage(body, headers.get("content-type", ""))
            return httpx2.Response(
                response.status_code,
                headers={name: value for name, value in headers.items() if name not in _NETWORK_HEADERS},
                content=body,
                request=request,
                extensions={ELAPSED: elapsed, READABLE: whole},
            )
        except TimeoutError as fault:
            error = f"no complete answer within {deadline:g} s"
            raise httpx2.ReadTimeout(error, request=request) from fault
        except asyncio.CancelledError:
            error = "cancelled"
            raise
        except Exception as fault:
            error = self._redactor.words(f"{type(fault).__name__}: {fault}")
            raise
        finally:
            elapsed = elapsed or self._clock.monotonic() - began
            status = response.status_code if response is not None else None
            self._limiter.release(Signal(status, headers, elapsed, error, context.purpose, tokens_of(usage)))
            if self._on_attempt is not None:
                waited = began - wanted + context.backoff_s
                self._on_attempt(
                    Attempt(
                        self._endpoint,
                        context.purpose,
                        status,
                        elapsed,
                        waited,
                        error,
                        usage,
                        context.model,
                        context.key,
                    )
                )

    async def aclose(self) -> None:
        """Close the network."""
        await self._network.aclose()

    async def _read(self, response: httpx2.Response, headers: Mapping[str, str]) -> bytes:
        limit = self._limits.max_body_bytes
        if response.is_stream_consumed:
            # A double gave a finished response; there is no stream to watch.
            self._check_size(len(response.content), limit)
            return response.content
        declared = headers.get("content-length", "")
        length = int(declared) if declared.isdecimal() else None
        packed = "content-encoding" in headers
        chunks: list[bytes] = []
        size = 0
        try:
            self._check_size(length or 0, limit)
            # Where there is nothing to unpack, httpx2's way through its decoders costs more than reading a small body.
            async for chunk in response.aiter_bytes() if packed else _raw(response):
                size += len(chunk)
                self._check_size(size, limit)
                chunks.append(chunk)
        finally:
            await response.aclose()
        came = response.num_bytes_downloaded if packed else size
        if length is not None and came != length and "transfer-encoding" not in headers:
            raise httpx2.RemoteProtocolError(f"the body broke off after {came} of {length} bytes")
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _check_size(self, size: int, limit: int) -> None:
        if size > limit:
            what = f"{self._endpoint} sent an answer larger than {limit / 2**20:g} MiB, which no API reply is"
            raise NotAnApi(what, "Check that the base URL is the API's, not a page or a file.")


def _raw(response: httpx2.Response) -> AsyncIterable[bytes]:
    assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - what an async transport gives
    return response.stream


def _plain(headers: httpx2.Headers) -> dict[str, str]:
    # Once, because looking names up in httpx2's own type costs as much as reading a small body.
    return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in headers.raw}
