from __future__ import annotations

import errno
import socket
import ssl
from email.utils import formatdate

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import Exhausted, Unreachable
from auditor.records import Attempt
from auditor.wire import GiveUp, Wait, WireLimits, decide
from auditor.wire.policy import Fault
from tests.wire.doubles import FakeClock, Pieces, Script, ask, reply, wire

NOW = 1_700_000_000.0
LIMITS = WireLimits()


@pytest.mark.parametrize("status", [408, 409, 425, 429, 498, 500, 502, 503, 504, 529])
def test_transient_statuses_wait(status: int) -> None:
    assert isinstance(decide(1, status, {}, NOW, LIMITS), Wait)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 402, 403, 404, 413, 422, 499, 501, 505])
def test_answers_are_not_asked_again(status: int) -> None:
    assert isinstance(decide(1, status, {}, NOW, LIMITS), GiveUp)


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0)],
)
def test_backoff_doubles(attempt: int, seconds: float) -> None:
    assert decide(attempt, 500, {}, NOW, LIMITS) == Wait(seconds, "backoff")


def test_backoff_is_capped_and_jitter_shortens_it() -> None:
    patient = WireLimits(max_attempts=10_000)
    assert decide(9_000, 500, {}, NOW, patient) == Wait(20.0, "backoff")
    assert decide(1, 500, {}, NOW, LIMITS, jitter=0.5) == Wait(0.5 * 0.875, "backoff")


def test_gives_up_after_the_last_attempt() -> None:
    assert isinstance(decide(LIMITS.max_attempts - 1, 503, {}, NOW, LIMITS), Wait)
    assert isinstance(decide(LIMITS.max_attempts, 503, {}, NOW, LIMITS), GiveUp)


def test_too_many_requests_have_a_count_of_their_own_and_all_waiting_a_bound() -> None:
    limited = LIMITS.rate_limited_attempts
    assert isinstance(decide(limited - 1, 429, {"retry-after": "1"}, NOW, LIMITS), Wait)
    assert isinstance(decide(limited, 429, {"retry-after": "1"}, NOW, LIMITS), GiveUp)
    assert isinstance(decide(1, 429, {"retry-after": "60"}, NOW, LIMITS, waited=LIMITS.max_wait_s - 61), Wait)
    verdict = decide(1, 429, {"retry-after": "60"}, NOW, LIMITS, waited=LIMITS.max_wait_s - 59)
    assert verdict == GiveUp("it would wait more than 600 s in all")
    assert isinstance(decide(1, 500, {}, NOW, LIMITS, waited=LIMITS.max_wait_s), GiveUp)


def test_who_is_sent_away_again_and_again_comes_back_ever_later() -> None:
    waits = [decide(attempt, 429, {"retry-after-ms": "40"}, NOW, LIMITS) for attempt in range(1, 30)]
    seconds = [verdict.seconds for verdict in waits if isinstance(verdict, Wait)]
    assert seconds[:6] == [0.04, 0.04, 0.04, 0.5, 1.0, 2.0]
    assert sum(seconds) > 300
    assert decide(9, 429, {"retry-after": "60"}, NOW, LIMITS) == Wait(60, "the server asked for it")


def test_a_closed_door_is_knocked_at_until_the_outage_is_too_long() -> None:
    for attempt in (1, 5, 50):
        verdict = decide(attempt, None, {}, NOW, LIMITS, fault="down", outage=LIMITS.outage_s - 1)
        assert isinstance(verdict, Wait)
        assert verdict.seconds <= 2
    assert isinstance(decide(1, None, {}, NOW, LIMITS, fault="down", outage=LIMITS.outage_s), GiveUp)
    assert isinstance(decide(1, None, {}, NOW, LIMITS, fault="refused", outage=LIMITS.outage_s), GiveUp)


def test_a_date_is_compared_with_the_servers_own_clock() -> None:
    headers = {"retry-after": formatdate(NOW + 30, usegmt=True), "date": formatdate(NOW, usegmt=True)}
    for wrong_by in (-90_000, 0, 90_000):
        assert decide(1, 429, headers, NOW + wrong_by, LIMITS) == Wait(30, "the server asked for it")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        # Nothing to obey: the plain backoff.
        ({"retry-after": "0"}, 0.5),
        ({"retry-after": "-3"}, 0.5),
        ({"retry-after": "nan"}, 0.5),
        ({"retry-after": "soon"}, 0.5),
        ({"retry-after": ""}, 0.5),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.5),
        # Quotas that are used up say when they come back (OpenAI, Groq; Anthropic); the longest one counts.
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"}, 20.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "1m"}, 0.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "-1"}, 0.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6h0m0s"}, 0.5),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:30Z",
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:35Z",
            },
            15.0,
        ),
        ({"retry-after": "3", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m"}, 3.0),
    ],
)
def test_the_wait_a_server_asks_for(headers: dict[str, str], seconds: float) -> None:
    verdict = decide(1, 429, headers, NOW, LIMITS)
    assert isinstance(verdict, Wait)
    assert verdict.seconds == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["121", "1e999", "inf", formatdate(NOW + 3600, usegmt=True)])
def test_gives_up_when_the_server_asks_for_too_long_a_wait(value: str) -> None:
    verdict = decide(1, 429, {"retry-after": value}, NOW, LIMITS)
    assert isinstance(verdict, GiveUp)
    assert "120 s" in verdict.reason


def test_the_server_may_overrule_the_status() -> None:
    assert isinstance(decide(1, 500, {"x-should-retry": "false"}, NOW, LIMITS), GiveUp)
    assert isinstance(decide(1, 400, {"x-should-retry": "true"}, NOW, LIMITS), Wait)
    assert isinstance(decide(1, 200, {"x-should-retry": "true"}, NOW, LIMITS), GiveUp)


@pytest.mark.parametrize(
    ("fault", "tries"), [("refused", 3), ("timeout", 2), ("broken", 6), ("garbled", 6), ("hopeless", 1)]
)
def test_faults_without_a_response(fault: Fault, tries: int) -> None:
    verdicts = [decide(attempt, None, {}, NOW, LIMITS, fault=fault) for attempt in range(1, tries + 1)]
    assert [type(verdict) for verdict in verdicts] == [Wait] * (tries - 1) + [GiveUp]


@given(
    attempt=st.integers(1, 10**6),
    status=st.none() | st.integers(100, 999),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "x-ratelimit-remaining-requests"])
        | st.just("x-ratelimit-reset-requests"),
        st.text("0129.-+ :hmsGMTZ", max_size=12)
        | st.floats().map(str)
        | st.integers().map(str)
        | st.sampled_from(["true", "false", "0", "9h"]),
    ),
    now=st.floats(0, 4e9),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_any_headers_give_a_wait_within_bounds(
    attempt: int, status: int | None, headers: dict[str, str], now: float, jitter: float
) -> None:
    verdict = decide(attempt, status, headers, now, LIMITS, jitter=jitter)
    if isinstance(verdict, Wait):
        assert 0 < verdict.seconds <= LIMITS.max_retry_after_s * 1.1


async def test_faults_pass_and_the_answer_comes() -> None:
    script = Script(reply(status=500), httpx2.ReadError("reset"), reply(status=429, retry_after="7"), reply("at last"))
    clock = FakeClock()
    attempts: list[Attempt] = []
    async with wire(script, clock=clock, attempts=attempts) as open_:
        response = await ask(open_)
    assert response.json() == {"text": "at last"}
    assert [(item.status, item.error != "") for item in attempts] == [
        (500, False),
        (None, True),
        (429, False),
        (200, False),
    ]
    assert len(clock.slept) == 3
    assert 7 <= clock.slept[2] <= 7.7
    assert [item.waited_s for item in attempts] == pytest.approx([0.0, *clock.slept])


async def test_jitter_is_the_same_in_every_run_and_differs_between_requests() -> None:
    async def pauses(text: str) -> list[float]:
        clock = FakeClock()
        async with wire(Script(reply(status=500), reply(status=500), reply()), clock=clock) as open_:
            await ask(open_, text)
        return clock.slept

    assert await pauses("one") == await pauses("one")
    assert await pauses("one") != await pauses("two")


async def test_exhausted_tells_status_tries_and_last_words() -> None:
    body = {"error": {"message": "too\x1b[31m many\nrequests " + "x" * 500, "code": "rate_limited"}}
    async with wire(Script(httpx2.Response(429, json=body))) as open_:
        with pytest.raises(Exhausted) as caught:
            await ask(open_)
    assert "429 30 times" in caught.value.what
    assert "too [31m many requests xxx" in caught.value.what
    assert "\x1b" not in str(caught.value)
    assert len(caught.value.what) < 400
    assert caught.value.todo


async def test_an_empty_account_is_told_at_once() -> None:
    script = Script(
        httpx2.Response(429, json={"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})
    )
    clock = FakeClock()
    async with wire(script, clock=clock) as open_:
        with pytest.raises(Exhausted, match=r"no credit left.*You exceeded your quota"):
            await ask(open_)
    assert len(script.requests) == 1
    assert clock.slept == []


async def test_an_error_in_a_200_is_the_error_it_says() -> None:
    hidden = httpx2.Response(200, json={"error": {"code": 502, "message": "provider down"}, "user_id": "u"})
    async with wire(Script(hidden, reply("up again"))) as open_:
        assert (await ask(open_)).json() == {"text": "up again"}
    async with wire(Script(hidden)) as open_:
        with pytest.raises(Exhausted, match=r"answered 502.*provider down"):
            await ask(open_)


async def test_too_long_a_wait_is_not_waited() -> None:
    clock = FakeClock()
    async with wire(Script(reply("come back tomorrow", 429, retry_after="86400")), clock=clock) as open_:
        with pytest.raises(Exhausted, match=r"86400 s.*come back tomorrow"):
            await ask(open_)
    assert clock.slept == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 501])
async def test_answers_come_back_as_responses(status: int) -> None:
    script = Script(reply("no", status))
    async with wire(script) as open_:
        assert (await ask(open_)).status_code == status
    assert len(script.requests) == 1


def refused() -> httpx2.ConnectError:
    fault = httpx2.ConnectError("All connection attempts failed")
    fault.__cause__ = ExceptionGroup("all", [ConnectionRefusedError(errno.ECONNREFUSED, "refused")])
    return fault


def unknown_host() -> httpx2.ConnectError:
    fault = httpx2.ConnectError("Name or service not known")
    fault.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return fault


@pytest.mark.parametrize("fault", [refused(), unknown_host()])
async def test_a_server_that_was_never_there_is_given_up_soon(fault: Exception) -> None:
    script = Script(fault)
    clock = FakeClock()
    async with wire(script, clock=clock) as open_:
        with pytest.raises(Unreachable, match=r"models\.example") as caught:
            await ask(open_)
    assert len(script.requests) == 3
    assert sum(clock.slept) < 2
    assert "models.example" in caught.value.todo


async def test_a_server_that_was_there_gets_time_to_restart() -> None:
    script = Script(reply(), *[refused() for _ in range(5)], reply("back"))
    async with wire(script) as open_:
        await ask(open_, "one")
        assert (await ask(open_, "two")).json() == {"text": "back"}


async def test_a_restart_that_takes_long_is_waited_for() -> None:
    script = Script(reply(), *[refused() for _ in range(20)], reply("back"))
    clock = FakeClock()
    async with wire(script, clock=clock) as open_:
        await ask(open_, "one")
        assert (await ask(open_, "two")).json() == {"text": "back"}
    assert max(clock.slept) <= 2


async def test_a_dead_server_costs_its_minute_once_not_per_prompt() -> None:
    script = Script(reply(), refused())
    clock = FakeClock()
    async with wire(script, clock=clock) as open_:
        await ask(open_, "one")
        for number in range(10):
            with pytest.raises(Unreachable, match="can't reach"):
                await ask(open_, str(number))
        assert 60 <= sum(clock.slept) < 63
        tried = len(script.requests)
        script.items = [reply("alive")]
        assert (await ask(open_, "later")).json() == {"text": "alive"}
        script.items = [refused(), reply("restarted")]
        assert (await ask(open_, "last")).json() == {"text": "restarted"}
    assert tried < 60


PAGE = httpx2.Response(200, html="<html>Please sign in</html>")
HALF = httpx2.Response(200, content=b'{"choices": [{"ind', headers={"content-type": "application/json"})


@pytest.mark.parametrize("junk", [PAGE, HALF, httpx2.Response(200, content=b"")])
async def test_junk_from_a_server_that_answered_before_passes(junk: httpx2.Response) -> None:
    script = Script(reply(), junk, junk, reply("well"))
    async with wire(script) as open_:
        await ask(open_, "one")
        assert (await ask(open_, "two")).json() == {"text": "well"}
    async with wire(Script(reply(), junk)) as open_:
        await ask(open_, "one")
        with pytest.raises(Exhausted, match="no answer; it began"):
            await ask(open_, "two")


async def test_a_page_from_a_server_that_never_answered_is_handed_on_at_once() -> None:
    script = Script(PAGE)
    async with wire(script) as open_:
        assert "sign in" in (await ask(open_)).text
    assert len(script.requests) == 1


async def test_a_first_answer_that_is_cut_short_is_asked_again() -> None:
    async with wire(Script(HALF, reply("whole"))) as open_:
        assert (await ask(open_)).json() == {"text": "whole"}


async def test_an_endless_answer_loses_its_own_prompt_only() -> None:
    huge = httpx2.Response(200, content=b"x" * 100)
    async with wire(Script(reply(), huge), limits=WireLimits(max_body_bytes=50)) as open_:
        await ask(open_, "one")
        with pytest.raises(Exhausted, match="larger"):
            await ask(open_, "two")


async def test_time_outs_become_unreachable() -> None:
    script = Script(httpx2.ReadTimeout("slow"))
    async with wire(script) as open_:
        with pytest.raises(Unreachable, match="in time"):
            await ask(open_)
    assert len(script.requests) == 2


async def test_a_bad_certificate_is_not_tried_again() -> None:
    fault = httpx2.ConnectError("certificate verify failed")
    fault.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    script = Script(fault)
    async with wire(script) as open_:
        with pytest.raises(Unreachable, match="certificate"):
            await ask(open_)
    assert len(script.requests) == 1


async def test_answers_that_keep_breaking_off_are_exhausted() -> None:
    def broken() -> httpx2.Response:
        return httpx2.Response(200, stream=Pieces(b'{"te', httpx2.ReadError("connection reset")))

    async with wire(Script(broken)) as open_:
        with pytest.raises(Exhausted, match="broke off"):
            await ask(open_)


async def test_a_bug_below_is_not_retried_or_hidden() -> None:
    script = Script(ZeroDivisionError("a bug"))
    async with wire(script) as open_:
        with pytest.raises(ZeroDivisionError):
            await ask(open_)
    assert len(script.requests) == 1


async def test_the_key_is_not_in_the_error_when_the_network_quotes_it() -> None:
    key = "sk-0123456789abcdef"
    async with wire(Script(httpx2.LocalProtocolError(f"Illegal header value b'Bearer {key}\\n'"))) as open_:
        with pytest.raises(Unreachable) as caught:
            await ask(open_)
    chain: list[BaseException] = [caught.value]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    assert all(key not in f"{item} {item!r}" for item in chain)
