"""How many requests an endpoint gets at once: a controller that learns from what comes back.

It is a pure state machine: signals and times in, a limit and a pause out. It puts together what two
neighbours found out (Inspect's adaptive connections: slow start, one cut per cooldown, no growth unless the limit is
used, 5xx never cuts; promptfoo's scheduler: quota headers and a latency gradient) with one thing of its own: whether
slower answers are worth it is told by the throughput, because a batching server answers each request more slowly while
it answers more of them.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from auditor.wire.pacing import Signal
from auditor.wire.policy import RATE_LIMITED
from auditor.wire.quota import Quota, quota_reset, quotas, retry_after

Reason = Literal["slow_start", "steady", "rate_limited", "quota", "latency"]

MEMORY: Final = 0.02
"""Weight of the newest attempt in the share of those that were too many."""
SPORADIC: Final = 0.05
"""Under this share they are chance: some providers send a few away however little they are asked. They pause, not cut."""
COOLDOWN_S: Final = 15.0
"""After a cut no other one: what still fails then was sent before it."""
ROUND: Final = 16
"""Answers that make up a round, or one for each slot if there are more slots: the limit grows once a round at most."""
SATURATED: Final = 0.8
"""Share of the limit that must have been in flight at once for growth: who does not use it does not need more."""
TROUBLED: Final = 0.25
"""5xx, time-outs and broken connections for each answer: with more of them in a round the limit does not grow."""
GROWTH: Final = 1.05
CUT: Final = 0.8
SLOW_START_CUT: Final = 0.5
"""Slow start doubles, so that the last limit that held is the half."""
CLEARLY_MORE: Final = 4 / 3
"""The limit has grown by this much since its throughput was last judged: enough to tell a gain from chance."""
GAIN: Final = 1.15
"""Throughput that such growth has to bring; less is none, and the requests only queue at the server."""
RISEN: Final = 1.25
"""Answers must be at least this much slower for growth to be judged vain: what does not queue does not wait."""
SLOWER: Final = 1.5
"""Answers this much slower than when the limit was last judged: no growth."""
TOO_SLOW: Final = 2.0
"""Slower than this without our doing: the server is busy with something else, and gets less from us."""
HOLD: Final = 10
"""Rounds without growth after growth in vain; each time twice as many."""
MAX_HOLD: Final = 320
FORGET: Final = 1.02
"""The fastest round counts for less every round, so that a server that got slower for good is not punished for ever."""
LOW: Final = 0.1
"""Share of a quota under which requests are spaced out."""
EASED: Final = 0.2
OWN_SHARE: Final = 0.25
"""Share of the answers' time that our own program may have taken. Above it they say nothing about the server: it is we who
are slow, and to ask less of the server would make nothing faster."""
TURNS: Final = 2.0
"""A request waits for the event loop when it is sent, when its answer comes, and when that is handed on: about twice as long
as a timer does, which runs when all others had their turn."""
COMPARABLE: Final = frozenset({"", "reply", "judge"})
"""Purposes whose durations are compared; questions for one token would pass for a fast server."""
TOKENS_EACH: Final = 1000.0
"""Tokens of one request until one is known."""


class LimitChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change of an endpoint's limit, or a pause of the whole endpoint: when (Unix time), from what to what, and why."""

    at: float
    before: int
    limit: int
    reason: Reason
    detail: str = ""
    pause_s: float = 0.0


class _Round:
    """What was seen since the limit was last looked at."""

    __slots__ = ("answers", "began", "compared", "late", "peak", "seconds", "troubles")

    def __init__(self, began: float | None = None) -> None:
        self.began = began
        self.answers = 0
        self.troubles = 0
        self.compared = 0
        self.seconds = 0.0
        self.late = 0.0
        self.peak = 0

    @property
    def mean(self) -> float | None:
        """Mean seconds of an answer, None where too few were compared or the time was our own."""
        if self.compared < ROUND // 2 or TURNS * self.late > OWN_SHARE * self.seconds:
            return None
        return self.seconds / self.compared


class Controller:
    """Decides the limit of one endpoint from signals. Pure: monotonic ``now`` and Unix ``wall`` are passed in.

    The limit stays within 1 and ``most``. 429 and 498, unless there are few, cut it once per cooldown (which a longer retry-after extends) and
    pause the endpoint; 5xx, time-outs and broken connections never cut it, many of them only keep it from growing. A pause
    longer than ``max_pause_s`` is not made: the retry policy gives such requests up.
    """

    def __init__(
        self, *, most: int, start: int, max_pause_s: float, backoff_first_s: float = 0.5, backoff_max_s: float = 20.0
    ) -> None:
        self._most = most
        self._limit = float(min(start, most))
        self._least_for_latency = min(start, most)
        self._max_pause_s = max_pause_s
        self._backoff = (backoff_first_s, backoff_max_s)
        self._slow_start = True
        self._round = _Round()
        self._floor: float | None = None
        self._judged: tuple[int, float] | None = None
        self._hold = HOLD
        self._holding = 0
        self._cooldown_until = float("-inf")
        self._paused_until = float("-inf")
        self._episodes = 0
        self._refused_share = 0.0
        self._gaps: dict[str, float] = {}
        self._last_start = float("-inf")
        self._tokens_each = TOKENS_EACH

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._limit)

    @property
    def tokens_each(self) -> float:
        """Tokens of a usual request, in and out together."""
        return self._tokens_each

    def pause(self, now: float) -> float:
        """Seconds until the next request may start; 0 if it may now."""
        spaced = self._last_start + max(self._gaps.values(), default=0.0)
        return max(0.0, self._paused_until - now, spaced - now if self._gaps else 0.0)

    def started(self, now: float) -> None:
        """A request starts."""
        self._last_start = now

    def observe(
        self, signal: Signal, *, now: float, wall: float, in_flight: int, late: float = 0.0
    ) -> LimitChange | None:
        """Learn from one finished attempt; ``in_flight`` counts it too, ``late`` is by how many seconds our own program
        runs behind. Gives the change it caused, if any.
        """
        self._round.peak = max(self._round.peak, in_flight)
        status = signal.status
        if signal.error == "cancelled":
            return None
        self._refused_share += MEMORY * ((status in RATE_LIMITED) - self._refused_share)
        if status in RATE_LIMITED:
            return self._rate_limited(signal, now, wall)
        if status is None or signal.error or status >= 500 or status in {408, 409, 425}:
            asked = retry_after(signal.headers, wall) if status is not None else None
            if asked is not None and asked <= self._max_pause_s:
                self._paused_until = max(self._paused_until, now + asked)
            # A server in trouble is no reason to ask less of it, and none to ask more.
            self._round.troubles += 1
            return None
        self._episodes = 0
        if signal.tokens:
            self._tokens_each += 0.1 * (signal.tokens - self._tokens_each)
        if (change := self._watch_quotas(quotas(signal.headers, wall), now, wall)) is not None:
            return change
        if status >= 300 or now < self._cooldown_until:
            return None
        current = self._round
        if current.began is None:
            current.began = now - signal.elapsed_s
        current.answers += 1
        if signal.purpose in COMPARABLE:
            current.compared += 1
            current.seconds += signal.elapsed_s
            current.late += late
        return self._end_round(now, wall) if current.answers >= max(ROUND, self.limit) else None

    def _rate_limited(self, signal: Signal, now: float, wall: float) -> LimitChange | None:
        asked = retry_after(signal.headers, wall)
        if asked is None:
            asked = quota_reset(signal.headers, wall)
            if asked is None or asked > self._max_pause_s:
                first, most = self._backoff
                asked = min(first * 2.0 ** min(self._episodes, 32), most)
        pause = asked if asked <= self._max_pause_s else 0.0
        self._paused_until = max(self._paused_until, now + pause)
        if now < self._cooldown_until:
            self._cooldown_until = max(self._cooldown_until, self._paused_until)
            return None
        self._episodes += 1
        if self._refused_share < SPORADIC:
            return (
                LimitChange(wall, self.limit, self.limit, "rate_limited", "once", round(pause, 3))
                if pause >= 1
                else None
            )
        self._slow_start, shrink = False, SLOW_START_CUT if self._slow_start else CUT
        used = min(self._limit, max(self._round.peak, 1))
        return self._cut(used * shrink, "rate_limited", f"status {signal.status}", now, wall, pause=pause)

    def _watch_quotas(self, found: list[Quota], now: float, wall: float) -> LimitChange | None:
        tightest: Quota | None = None
        for quota in found:
            need = 1.0 if quota.kind == "requests" else self._tokens_each
            gap = need / quota.refill if quota.refill else 0.0
            name = f"{quota.kind}/{quota.limit:g}"
            if quota.share >= EASED or gap > self._max_pause_s:
                self._gaps.pop(name, None)
            elif quota.share < LOW or quota.remaining < need:
                self._gaps[name] = gap
                if tightest is None or quota.share < tightest.share:
                    tightest = quota
        if tightest is None or now < self._cooldown_until:
            return None
        self._slow_start = False
        told = f"{tightest.remaining:g} of {tightest.limit:g} {tightest.kind} left"
        return self._cut(self._limit * CUT, "quota", told, now, wall)

    def _end_round(self, now: float, wall: float) -> LimitChange | None:
        ended, self._round = self._round, _Round(now)
        if ended.peak < SATURATED * self.limit or ended.began is None or ended.troubles > TROUBLED * ended.answers:
            return None
        throughput = ended.answers / max(now - ended.began, 1e-9)
        mean = ended.mean
        slower = 1.0
        if mean is not None and self._floor is not None:
            self._floor = min(mean, self._floor * FORGET)
            slower = mean / max(self._floor, 1e-9)
        told = f"answers {slower:.1f} times as slow, {throughput:.3g} a second"
        if self._judged is None:
            self._judge(throughput, mean)
            return self._grow(told, wall)
        limit_then, throughput_then = self._judged
        if self.limit >= CLEARLY_MORE * limit_then:
            if slower > RISEN and throughput < GAIN * throughput_then:
                self._slow_start = False
                self._holding, self._hold = self._hold, min(self._hold * 2, MAX_HOLD)
                return self._cut(limit_then, "latency", told, now, wall)
            self._judge(throughput, mean)
            self._hold = HOLD
            return self._grow(told, wall)
        if slower > TOO_SLOW:
            self._slow_start = False
            self._judged = None
            return self._cut(max(self._limit * CUT, self._least_for_latency), "latency", told, now, wall)
        if self._holding:
            self._holding -= 1
            if not self._holding:
                self._judge(throughput, mean)
            return None
        return self._grow(told, wall) if slower <= SLOWER else None

    def _judge(self, throughput: float, mean: float | None) -> None:
        """Take what was just seen as what later growth is measured by."""
        self._judged = (self.limit, throughput)
        self._floor = mean

    def _grow(self, told: str, wall: float) -> LimitChange | None:
        before = self.limit
        target = self._limit * 2 if self._slow_start else max(self._limit * GROWTH, before + 1)
        self._limit = min(target, float(self._most))
        if self.limit == before:
            return None
        return LimitChange(wall, before, self.limit, "slow_start" if self._slow_start else "steady", told)

    def _cut(
        self, to: float, reason: Reason, detail: str, now: float, wall: float, *, pause: float = 0.0
    ) -> LimitChange | None:
        before = self.limit
        self._limit = min(self._limit, max(1.0, float(int(to))))
        self._round = _Round(now)
        if reason != "latency":
            self._cooldown_until = max(now + COOLDOWN_S, self._paused_until)
            self._judged = None
        if self.limit == before and pause < 1:
            return None
        return LimitChange(wall, before, self.limit, reason, detail, round(pause, 3))
