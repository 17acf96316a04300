"""Opening a wire: the layers of one endpoint put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

import httpx2

from auditor.errors import AuditorError
from auditor.records import Attempt, Exchange
from auditor.wire.adaptive import LimitChange
from auditor.wire.clock import Clock, SystemClock
from auditor.wire.limiter import AdaptiveLimiter
from auditor.wire.limits import WireLimits
from auditor.wire.network import open_network
from auditor.wire.pacing import Limiter, PacingTransport
from auditor.wire.redact import Redactor
from auditor.wire.retry import RetryTransport
from auditor.wire.tape import Tape, TapeMode
from auditor.wire.transport_tape import TapeTransport


class Wire:
    """The way to one endpoint. ``client`` has no base URL: send absolute URLs.

    A request may carry the internal headers ``x-auditor-sample`` (int, tells identical questions apart) and
    ``x-auditor-purpose`` (str, for the ledger); they never reach the network.
    """

    def __init__(self, client: httpx2.AsyncClient, transport: TapeTransport, limiter: Limiter) -> None:
        self.client = client
        self._transport = transport
        self._limiter = limiter

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return self._limiter.limit

    def unused(self) -> list[Exchange]:
        """Give what is recorded for this endpoint but was never asked through this wire."""
        return self._transport.unused()

    async def aclose(self) -> None:
        """Close client and connections, not the tape."""
        await self.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def open_wire(
    endpoint: str,
    *,
    tape: Tape,
    mode: TapeMode = "auto",
    network: httpx2.AsyncBaseTransport | None = None,
    limits: WireLimits = WireLimits(),  # noqa: B008 - frozen
    clock: Clock = SystemClock(),  # noqa: B008 - stateless
    on_attempt: Callable[[Attempt], None] | None = None,
    on_limit: Callable[[LimitChange], None] | None = None,
    secrets: Iterable[str] = (),
    limiter: Limiter | None = None,
) -> Wire:
    """Open the wire of the server at ``endpoint`` (its base URL, and its name on the tape).

    ``network`` defaults to real HTTP through the environment's proxy; in ``replay`` mode there is none. ``secrets`` are
    masked wherever something is kept or shown. ``limiter`` defaults to an adaptive one within ``limits``, whose every
    change ``on_limit`` hears of. The tape stays the caller's to close.

    Requests raise CassetteMiss (replay), Unreachable, Exhausted, NotAnApi (endless body). An SDK may hide these
    behind its own connection error; ``hidden_error`` finds them again. All HTTP answers that are not transient faults come back
    as responses.
    """
    redactor = Redactor(secrets)
    limiter = limiter or AdaptiveLimiter(limits, clock, on_limit=on_limit)
    retry: RetryTransport | None = None
    if mode != "replay":
        pacing = PacingTransport(
            network or open_network(endpoint),
            endpoint=endpoint,
            limits=limits,
            limiter=limiter,
            clock=clock,
            redactor=redactor,
            on_attempt=on_attempt,
        )
        retry = RetryTransport(pacing, endpoint=endpoint, limits=limits, clock=clock, redactor=redactor)
    transport = TapeTransport(retry, endpoint=endpoint, tape=tape, mode=mode, redactor=redactor)
    client = httpx2.AsyncClient(
        transport=transport,
        follow_redirects=False,
        headers={"user-agent": "auditor"},
        timeout=None,
    )
    return Wire(client, transport, limiter)


def hidden_error(error: BaseException) -> AuditorError | None:
    """Find our error behind the one an SDK made of it: anthropic wraps what a transport raises, openai does not."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, AuditorError):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None
