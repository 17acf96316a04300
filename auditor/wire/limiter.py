"""Slots on one endpoint: as many as the controller says, given out in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from auditor.wire.adaptive import Controller, LimitChange
from auditor.wire.clock import Clock
from auditor.wire.lateness import Lateness
from auditor.wire.limits import WireLimits
from auditor.wire.pacing import Signal
from auditor.wire.rates import Rate

KEPT_CHANGES: Final = 200


class AdaptiveLimiter:
    """Slots whose number the controller decides, pauses of the whole endpoint, and the limits per minute of the plan.

    ``changes`` keeps the last 200; ``on_limit`` hears of each, and must not raise.
    """

    def __init__(
        self, limits: WireLimits, clock: Clock, *, on_limit: Callable[[LimitChange], None] | None = None
    ) -> None:
        self.changes: deque[LimitChange] = deque(maxlen=KEPT_CHANGES)
        self._controller = Controller(
            most=limits.concurrency,
            start=limits.first,
            max_pause_s=limits.max_retry_after_s,
            backoff_first_s=limits.backoff_first_s,
            backoff_max_s=limits.backoff_max_s,
        )
        self._clock = clock
        self._on_limit = on_limit
        self._requests = Rate(limits.requests_per_minute) if limits.requests_per_minute else None
        # Tokens are known only afterwards: a few seconds' worth may run ahead, or every long reply would stop the rest.
        self._tokens = (
            Rate(limits.tokens_per_minute, burst=limits.tokens_per_minute / 12) if limits.tokens_per_minute else None
        )
        self._reserved: deque[float] = deque()
        self._in_flight = 0
        self._lateness = Lateness()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._doorman: asyncio.Task[None] | None = None

    @property
    def limit(self) -> int:
        """Slots there are now."""
        return self._controller.limit

    async def acquire(self) -> None:
        """Wait for a slot, first come first served."""
        if not self._queue and self._free(now := self._clock.monotonic()):
            self._take(now)
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._put_back()
            if all(waiting.done() for waiting in self._queue) and self._doorman is not None:
                self._doorman.cancel()
            raise

    def release(self, signal: Signal) -> None:
        """Give a slot back with what the attempt taught."""
        now = self._clock.monotonic()
        change = self._controller.observe(
            signal, now=now, wall=self._clock.time(), in_flight=self._in_flight, late=self._lateness.seconds
        )
        self._left()
        if self._tokens is not None:
            # Nobody says what a failed attempt cost; most count the request and no tokens.
            self._tokens.take(signal.tokens - self._reserved.popleft(), now)
        if change is not None:
            self.changes.append(change)
            if self._on_limit is not None:
                self._on_limit(change)
        self._admit()

    def _admit(self) -> None:
        """Let in all for whom there is room, at once: one after the other they would need a turn of the event loop each."""
        while self._queue:
            now = self._clock.monotonic()
            if not self._free(now):
                if (pause := self._pause(now)) > 0 and self._doorman is None:
                    self._doorman = asyncio.get_running_loop().create_task(self._wait_out(pause))
                return
            turn = self._queue.popleft()
            if not turn.done():
                self._take(now)
                turn.set_result(None)

    async def _wait_out(self, pause: float) -> None:
        try:
            await self._clock.sleep(pause)
        finally:
            self._doorman = None
        self._admit()

    def _free(self, now: float) -> bool:
        return self._in_flight < self._controller.limit and self._pause(now) <= 0

    def _take(self, now: float) -> None:
        self._in_flight += 1
        self._lateness.start(asyncio.get_running_loop())
        self._controller.started(now)
        if self._requests is not None:
            self._requests.take(1, now)
        if self._tokens is not None:
            self._reserved.append(self._controller.tokens_each)
            self._tokens.take(self._reserved[-1], now)

    def _put_back(self) -> None:
        """A slot that was given to somebody who had gone."""
        now = self._clock.monotonic()
        self._left()
        if self._requests is not None:
            self._requests.take(-1, now)
        if self._tokens is not None:
            self._tokens.take(-self._reserved.pop(), now)
        self._admit()

    def _left(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._lateness.stop()

    def _pause(self, now: float) -> float:
        pause = self._controller.pause(now)
        for rate in (self._requests, self._tokens):
            if rate is not None:
                pause = max(pause, rate.wait(now))
        return pause
