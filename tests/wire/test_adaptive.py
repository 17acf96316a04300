from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.wire import KEPT_CHANGES, AdaptiveLimiter, Controller, LimitChange, Signal, WireLimits
from auditor.wire.adaptive import COOLDOWN_S, ROUND
from auditor.wire.lateness import Lateness
from tests.wire.doubles import FakeClock, Script, ask, reply, wire

NOW = 1000.0
WALL = 1_700_000_000.0


def controller(*, most: int = 64, start: int = 4) -> Controller:
    return Controller(most=most, start=start, max_pause_s=120)


def ok(elapsed: float = 1.0, **more: Any) -> Signal:
    return Signal(200, more.pop("headers", {}), elapsed, purpose="reply", **more)


def feed(
    learner: Controller, signals: list[Signal], *, now: float = NOW, in_flight: int | None = None
) -> list[LimitChange]:
    changes = []
    for signal in signals:
        flying = learner.limit if in_flight is None else in_flight
        change = learner.observe(signal, now=now, wall=WALL, in_flight=flying)
        if change is not None:
            changes.append(change)
    return changes


def simulate(
    learner: Controller, service: Callable[[int], float], *, answers: int, limit_per_s: float | None = None
) -> list[int]:
    """A server on a clock of its own: an answer takes ``service(in flight)`` seconds; gives the limit at each answer."""
    now, flying = NOW, 0
    seen: list[int] = []
    due: list[tuple[float, int, float, bool]] = []
    started: list[float] = []
    number = 0
    while len(seen) < answers:
        while flying < learner.limit and learner.pause(now) <= 0:
            learner.started(now)
            flying += 1
            number += 1
            started = [moment for moment in started if moment > now - 1]
            refused = limit_per_s is not None and len(started) >= limit_per_s
            if not refused:
                started.append(now)
            took = 0.01 if refused else service(flying)
            heapq.heappush(due, (now + took, number, took, refused))
        if not due or (flying < learner.limit and now + learner.pause(now) < due[0][0]):
            now += learner.pause(now)
            continue
        now, _, took, refused = heapq.heappop(due)
        signal = Signal(429, {"retry-after": "1"}, took, purpose="reply") if refused else ok(took)
        learner.observe(signal, now=now, wall=WALL + now, in_flight=flying)
        flying -= 1
        seen.append(learner.limit)
    return seen


# --- growth


def test_slow_start_doubles_to_the_most() -> None:
    assert max(simulate(controller(), lambda _: 1.0, answers=400)) == 64
    learner = controller()
    assert [change.limit for change in feed(learner, [ok()] * 16)] == [8]
    (change,) = feed(learner, [ok()] * 16)
    assert (change.before, change.limit, change.reason, change.at) == (8, 16, "slow_start", WALL)


def test_no_growth_unless_the_limit_is_used() -> None:
    learner = controller(start=10)
    assert feed(learner, [ok()] * 100, in_flight=7) == []
    assert [change.limit for change in feed(learner, [ok()] * ROUND, in_flight=8)] == [20]


@pytest.mark.parametrize(
    "fault",
    [
        Signal(500, {}, 1),
        Signal(503, {}, 1),
        Signal(529, {}, 1),
        Signal(408, {}, 1),
        Signal(None, {}, 1, "ReadError: reset"),
        Signal(200, {}, 1, "no complete answer within 600 s"),
    ],
)
def test_trouble_pauses_growth_and_never_cuts(fault: Signal) -> None:
    learner = controller()
    assert feed(learner, ([ok()] * 3 + [fault]) * 50) == []
    assert feed(learner, [fault] * 1000) == []
    assert learner.limit == 4
    assert learner.pause(NOW) == 0
    feed(learner, [ok()] * ROUND)
    assert [change.limit for change in feed(learner, ([ok()] * 5 + [fault]) * 4)] == [8]


def test_cancelled_attempts_and_refusals_teach_nothing() -> None:
    learner = controller()
    nothing = [Signal(None, {}, 1, "cancelled"), Signal(400, {}, 1), Signal(404, {}, 1)] * 30
    assert feed(learner, nothing) == []


# --- too many requests


def test_one_cut_per_cooldown_and_slow_start_ends_at_the_half() -> None:
    learner = controller(start=32)
    limited = Signal(429, {"retry-after": "2"}, 0.1)
    *once, change = feed(learner, [limited] * 30)
    assert [(one.before, one.limit, one.detail, one.pause_s) for one in once] == [(32, 32, "once", 2)] * 2
    assert (change.before, change.limit, change.reason, change.pause_s) == (32, 16, "rate_limited", 2)
    assert learner.pause(NOW) == 2
    assert learner.pause(NOW + 2) == 0
    assert feed(learner, [ok()] * 100, now=NOW + 3) == [], "answers to what was sent before the cut"
    (again,) = feed(learner, [limited], now=NOW + COOLDOWN_S)
    assert (again.before, again.limit) == (16, 12)
    later = NOW + 2 * COOLDOWN_S
    assert [(change.limit, change.reason) for change in feed(learner, [ok()] * ROUND, now=later)] == [(13, "steady")]


def test_a_longer_retry_after_extends_the_cooldown() -> None:
    learner = controller(start=32)
    feed(learner, [Signal(429, {"retry-after": "100"}, 0.1)] * 3)
    assert learner.pause(NOW + 40) == 60
    assert feed(learner, [Signal(429, {}, 0.1)], now=NOW + 90) == []
    assert feed(learner, [Signal(429, {}, 0.1)], now=NOW + 101) != []


def test_the_cut_begins_at_what_was_really_in_flight() -> None:
    learner = controller(start=60)
    feed(learner, [ok()] * 10, in_flight=10)
    change = feed(learner, [Signal(429, {}, 0.1)] * 3, in_flight=7)[-1]
    assert (change.before, change.limit) == (60, 5)


def test_a_few_sent_away_by_chance_pause_but_do_not_cut() -> None:
    learner = controller(start=16)
    sporadic = [Signal(429, {"retry-after": "1"}, 0.1), *[ok()] * 49]
    changes = []
    for number in range(20):
        changes += feed(learner, sporadic, now=NOW + 100 * number)
    assert {change.reason for change in changes} == {"rate_limited", "slow_start"}
    assert learner.limit == 64
    assert all(change.limit == change.before for change in changes if change.reason == "rate_limited")


def test_pauses_double_while_the_server_does_not_say_how_long() -> None:
    learner = controller()
    pauses = []
    now = NOW
    for _ in range(9):
        feed(learner, [Signal(429, {}, 0.1)], now=now)
        pauses.append(learner.pause(now))
        now += 100
    assert pauses == [0.5, 1, 2, 4, 8, 16, 20, 20, 20]
    feed(learner, [ok(), Signal(429, {}, 0.1)], now=now)
    assert learner.pause(now) == 0.5


def test_a_wait_that_nobody_waits_for_does_not_stop_the_rest() -> None:
    learner = controller()
    feed(learner, [Signal(429, {"retry-after": "86400"}, 0.1)])
    assert learner.pause(NOW) == 0


def test_a_server_in_trouble_may_say_for_how_long() -> None:
    learner = controller()
    assert feed(learner, [Signal(503, {"retry-after": "7"}, 0.1)]) == []
    assert learner.pause(NOW) == 7


def test_a_server_that_takes_so_many_a_second_gets_about_as_many() -> None:
    learner = controller()
    simulate(learner, lambda _: 1.0, answers=3000, limit_per_s=20)
    limits = simulate(learner, lambda _: 1.0, answers=2000, limit_per_s=20)
    assert 10 <= sum(limits) / len(limits) <= 30


# --- quotas


def openai(remaining: int, reset: str = "30s", limit: int = 100) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(limit),
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-reset-requests": reset,
    }


def test_a_quota_near_its_end_cuts_and_spaces_out() -> None:
    learner = controller(start=20)
    assert feed(learner, [ok(headers=openai(15))]) == []
    (change,) = feed(learner, [ok(headers=openai(9))] * 5)
    assert (change.before, change.limit, change.reason) == (20, 16, "quota")
    assert change.detail == "9 of 100 requests left"
    learner.started(NOW)
    assert learner.pause(NOW) == pytest.approx(30 / 91)
    feed(learner, [ok(headers=openai(50))])
    assert learner.pause(NOW) == 0


def test_tokens_are_spaced_by_what_a_request_usually_takes() -> None:
    learner = controller()
    headers = {
        "anthropic-ratelimit-tokens-limit": "60000",
        "anthropic-ratelimit-tokens-remaining": "100",
        "anthropic-ratelimit-tokens-reset": "2023-11-14T22:14:20Z",
    }
    feed(learner, [ok(tokens=500)] * 200, in_flight=1)
    feed(learner, [ok(headers=headers, tokens=500)])
    learner.started(NOW)
    assert learner.pause(NOW) == pytest.approx(500 * 60 / 59900, rel=0.01)


def test_a_quota_of_the_day_does_not_stop_everything() -> None:
    learner = controller()
    feed(learner, [ok(headers=openai(1, "23h0m0s", 200))])
    learner.started(NOW)
    assert learner.pause(NOW) == 0


@pytest.mark.parametrize("headers", [openai(0, limit=0), openai(-1, limit=-1), {"x-ratelimit-remaining-requests": "0"}])
def test_azures_empty_quotas_are_none(headers: dict[str, str]) -> None:
    learner = controller()
    assert feed(learner, [ok(headers=headers)]) == []
    assert learner.pause(NOW) == 0


# --- latency


def test_a_server_with_four_slots_that_queues_the_rest_is_not_pushed() -> None:
    learner = controller()
    limits = simulate(learner, lambda flying: max(1.0, flying / 4), answers=3000)
    assert max(limits) <= 8
    assert sum(limits[100:]) / 2900 <= 5


def test_a_batching_server_that_gets_slower_but_does_more_is() -> None:
    limits = simulate(controller(), lambda flying: 1 + flying / 40, answers=1500)
    assert limits[-1] >= 48


def test_a_server_that_gets_slow_by_itself_is_asked_less_but_not_less_than_at_first() -> None:
    learner = controller(most=40, start=4)
    simulate(learner, lambda _: 1.0, answers=500)
    before = learner.limit
    after = simulate(learner, lambda _: 5.0, answers=2000)
    assert before == 40
    assert 4 <= min(after) < before
    assert simulate(learner, lambda _: 1.0, answers=3000)[-1] > min(after)


def test_a_program_that_is_slow_itself_does_not_take_the_server_for_slow() -> None:
    """The answers queue in our own event loop: with more in flight each takes longer, and asking less helps nobody."""
    for late, told in ((0.0, {"latency", "slow_start"}), (0.03, {"slow_start"})):
        learner = controller(most=32, start=4)
        reasons = set()
        for number in range(2000):
            signal = ok(0.005 * learner.limit)
            change = learner.observe(signal, now=NOW + number * 0.005, wall=WALL, in_flight=learner.limit, late=late)
            reasons |= {change.reason} if change else set()
        assert told <= reasons
        assert ("latency" in reasons) == ("latency" in told)
        assert late == 0.0 or learner.limit == 32


def test_lateness_is_how_long_a_timer_waits_beyond_its_time() -> None:
    loop = TimerLoop()
    lateness = Lateness()
    lateness.start(loop)  # type: ignore[arg-type]
    lateness.start(loop)  # type: ignore[arg-type]
    assert len(loop.waiting) == 1
    loop.ring(late=0.0)
    assert lateness.seconds == 0.0
    for _ in range(20):
        loop.ring(late=0.2)
    assert lateness.seconds == pytest.approx(0.2, rel=0.01)
    lateness.stop()
    assert loop.waiting == []
    assert lateness.seconds > 0


class TimerLoop:
    """As much of an event loop as a timer needs, with a time of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting: list[TimerLoop] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, ring: Callable[..., None], *with_: Any) -> TimerLoop:
        self.when, self.call = when, (ring, with_)
        self.waiting.append(self)
        return self

    def cancel(self) -> None:
        self.waiting.clear()

    def ring(self, *, late: float) -> None:
        self.now = self.when + late
        self.waiting.clear()
        ring, with_ = self.call
        ring(*with_)


def test_one_token_questions_do_not_pass_for_a_fast_server() -> None:
    learner = controller()
    for _ in range(20):
        feed(learner, [Signal(200, {}, 0.1, purpose="first_token")] * (ROUND // 2) + [ok(2.0)] * (ROUND // 2))
    assert feed(learner, [ok(2.0)] * 640) == []
    assert learner.limit == 64


# --- always

SIGNALS = st.builds(
    Signal,
    st.sampled_from([None, 200, 200, 200, 400, 429, 498, 500, 503, 529]),
    st.fixed_dictionaries(
        {},
        optional={
            "retry-after": st.sampled_from(["0", "1", "30", "500", "soon", "nan"]),
            "x-ratelimit-limit-requests": st.sampled_from(["0", "100"]),
            "x-ratelimit-remaining-requests": st.sampled_from(["0", "5", "100"]),
            "x-ratelimit-reset-requests": st.sampled_from(["1s", "6m0s", "0s", "x"]),
        },
    ),
    st.floats(0, 100),
    st.sampled_from(["", "", "broken", "cancelled"]),
    st.sampled_from(["reply", "judge", "first_token"]),
    st.integers(0, 5000),
)


@given(
    st.integers(1, 100),
    st.integers(1, 100),
    st.lists(st.tuples(SIGNALS, st.floats(0, 60), st.integers(1, 100)), max_size=200),
)
def test_whatever_comes_the_limit_stays_in_its_bounds_and_every_change_is_told(
    most: int, start: int, history: list[tuple[Signal, float, int]]
) -> None:
    learner = Controller(most=most, start=start, max_pause_s=120)
    assert learner.limit == min(start, most)
    now, last_cut = NOW, float("-inf")
    for signal, passed, flying in history:
        now += passed
        before = learner.limit
        change = learner.observe(signal, now=now, wall=WALL, in_flight=flying)
        assert 1 <= learner.limit <= most
        assert 0 <= learner.pause(now) <= 120
        if learner.limit != before:
            assert change is not None
        if change is not None:
            assert (change.before, change.limit) == (before, learner.limit)
            assert change.limit != before or change.pause_s > 0
            if change.limit < before and change.reason in {"rate_limited", "quota"}:
                assert now - last_cut >= COOLDOWN_S
                last_cut = now
        if signal.status == 500 or signal.status is None:
            assert learner.limit == before


# --- the limiter


async def test_the_whole_endpoint_pauses_on_a_429() -> None:
    clock = FakeClock()
    began: list[float] = []
    script = Script(reply(status=429, retry_after="7"), reply())

    async def network(request: Any) -> Any:
        began.append(clock.now)
        await asyncio.sleep(0)
        return await script(request)

    changes: list[LimitChange] = []
    limiter = AdaptiveLimiter(WireLimits(concurrency=4, start=1), clock, on_limit=changes.append)
    async with wire(network, clock=clock, limiter=limiter) as open_:
        await asyncio.gather(*(ask(open_, str(number)) for number in range(6)))
    assert len(began) == 7
    assert min(began[1:]) >= began[0] + 7
    assert [(change.reason, change.pause_s) for change in changes] == [("rate_limited", 7)]
    assert list(limiter.changes) == changes


async def test_requests_per_minute_of_the_plan_are_kept() -> None:
    clock = FakeClock()
    began: list[float] = []

    async def network(request: Any) -> Any:
        began.append(clock.now)
        return reply()

    async with wire(network, clock=clock, limits=WireLimits(requests_per_minute=30)) as open_:
        await asyncio.gather(*(ask(open_, str(number)) for number in range(20)))
    assert [later - earlier for earlier, later in itertools.pairwise(began)] == pytest.approx([2.0] * 19)


async def test_tokens_per_minute_of_the_plan_are_kept() -> None:
    clock = FakeClock()
    start = clock.now

    async def network(request: Any) -> Any:
        await asyncio.sleep(0)
        return reply_with(600)

    limits = WireLimits(tokens_per_minute=6000)
    async with wire(network, clock=clock, limits=limits) as open_:
        for number in range(50):
            await ask(open_, str(number))
    assert clock.now - start == pytest.approx(50 * 6, abs=12)


async def test_cancelling_those_who_wait_frees_nothing_that_is_not_theirs() -> None:
    limiter = AdaptiveLimiter(WireLimits(concurrency=1, start=1), FakeClock())
    await limiter.acquire()
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting[:3]:
        task.cancel()
    await asyncio.sleep(0)
    limiter.release(ok())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, True, True, True, False]
    limiter.release(ok())
    await waiting[4]


async def test_the_record_of_changes_is_bounded() -> None:
    clock = FakeClock()
    limiter = AdaptiveLimiter(WireLimits(), clock)
    for _ in range(KEPT_CHANGES + 50):
        await limiter.acquire()
        clock.now += 100
        limiter.release(Signal(429, {"retry-after": "1"}, 0.1))
    assert len(limiter.changes) == KEPT_CHANGES
    assert limiter.limit == 1


def reply_with(tokens: int) -> Any:
    answer = reply()
    return type(answer)(200, json={"usage": {"prompt_tokens": tokens - 100, "completion_tokens": 100}})
