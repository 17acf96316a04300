"""Any schedule of faults at the level of the wire: every question gets its own answer or one error, and all is in the ledger."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import EndpointError
from auditor.records import Attempt
from auditor.wire import AdaptiveLimiter, MemoryTape, WireLimits
from tests.wire.doubles import FakeClock, Pieces, ask, wire

FAULTS = (
    "429",
    "429 with a wait",
    "429 for a day",
    "500",
    "503 page",
    "error in a 200",
    "reset",
    "refused",
    "timeout",
    "page",
    "half",
    "cut body",
    "empty",
    "nan",
    "400",
    "endless",
)
HARMLESS = {"nan", "400"}
SCHEDULES = st.lists(st.lists(st.sampled_from(FAULTS), max_size=9), min_size=1, max_size=12)


def usage_of(number: int) -> dict[str, int]:
    return {"prompt_tokens": 7 + number, "completion_tokens": 100 + number}


class Endless(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b": keep-alive\n\n" * 100


class Scheduled:
    """Does to each question what its schedule says, then answers it; counts what it delivered."""

    def __init__(self, schedules: list[list[str]]) -> None:
        self._left = [list(schedule) for schedule in schedules]
        self.tokens: Counter[int] = Counter()
        self.requests = 0

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        number = int(json.loads(await request.aread())["messages"][0]["content"])
        for _ in range(number % 3):
            await asyncio.sleep(0)
        fault = self._left[number].pop(0) if self._left[number] else ""
        match fault:
            case "429":
                return httpx2.Response(429, json={"error": "slow down"})
            case "429 with a wait":
                return httpx2.Response(429, json={}, headers={"retry-after": "3"})
            case "429 for a day":
                return httpx2.Response(429, json={}, headers={"retry-after": "86400"})
            case "500":
                return httpx2.Response(500, json={})
            case "503 page":
                return httpx2.Response(503, html="<p>busy", headers={"retry-after": "2"})
            case "error in a 200":
                return httpx2.Response(200, json={"error": {"code": 502, "message": "provider down"}})
            case "reset":
                return httpx2.Response(200, stream=Pieces(b'{"te', httpx2.ReadError("reset")))
            case "refused":
                raise httpx2.ConnectError("refused")
            case "timeout":
                raise httpx2.ReadTimeout("slow")
            case "page":
                return httpx2.Response(200, html="<p>sign in")
            case "half":
                return httpx2.Response(200, content=b'{"choices": [', headers={"content-type": "application/json"})
            case "cut body":
                return httpx2.Response(200, headers={"content-length": "999"}, stream=Pieces(b"{}"))
            case "empty":
                return httpx2.Response(200, content=b"")
            case "endless":
                return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Endless())
            case "400":
                return httpx2.Response(400, json={"number": number})
            case _:
                self.tokens[number] += sum(usage_of(number).values())
                body = json.dumps({"number": number, "usage": usage_of(number)})
                if fault == "nan":
                    body = body.replace("{", '{"score": NaN, ', 1)
                return httpx2.Response(200, content=body.encode(), headers={"content-type": "application/json"})


@settings(max_examples=150, deadline=None)
@given(SCHEDULES, st.integers(1, 8))
async def test_every_question_gets_its_own_answer_or_one_error(schedules: list[list[str]], concurrency: int) -> None:
    attempts: list[Attempt] = []
    clock = FakeClock()
    limits = WireLimits(concurrency=concurrency, max_body_bytes=100_000)
    limiter = AdaptiveLimiter(limits, clock)
    # The first question is left alone: a server that begins with a page is taken for a wrong address.
    server = Scheduled([[], *schedules])
    tape = MemoryTape()
    async with wire(server, tape=tape, clock=clock, attempts=attempts, limits=limits, limiter=limiter) as open_:
        await ask(open_, "0")
        outcomes = await asyncio.gather(
            *(ask(open_, str(number)) for number in range(1, len(schedules) + 1)), return_exceptions=True
        )
        for number, outcome in enumerate(outcomes, start=1):
            if isinstance(outcome, httpx2.Response):
                assert json.loads(outcome.content)["number"] == number
            else:
                assert isinstance(outcome, EndpointError)
                fatal = [fault for fault in schedules[number - 1] if fault not in HARMLESS]
                assert len(fatal) >= 2 or {"429 for a day", "endless"} & set(fatal)
        # What was answered is on the tape once; what failed is not, and can be asked again.
        answered = sum(isinstance(outcome, httpx2.Response) for outcome in outcomes)
        assert len(list(tape.keys())) == answered + 1
        again = server.requests
        for number, outcome in enumerate(outcomes, start=1):
            if isinstance(outcome, httpx2.Response):
                assert (await ask(open_, str(number))).content == outcome.content
        assert server.requests == again
    assert len(attempts) == server.requests
    told = sum((one.usage.prompt_tokens or 0) + (one.usage.completion_tokens or 0) for one in attempts)
    assert told == sum(server.tokens.values())
    assert all(paid == sum(usage_of(number).values()) for number, paid in server.tokens.items()), "paid for twice"
    assert 1 <= limiter.limit <= concurrency


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(2, 20), st.integers(0, 2**16))
async def test_cancelling_at_any_moment_leaves_no_slot_taken(concurrency: int, questions: int, seed: int) -> None:
    clock = FakeClock()
    limits = WireLimits(concurrency=concurrency)
    limiter = AdaptiveLimiter(limits, clock)
    server = Scheduled([["429"] * (seed >> number & 1) for number in range(questions)])
    async with wire(server, clock=clock, limits=limits, limiter=limiter) as open_:
        tasks = [asyncio.create_task(ask(open_, str(number))) for number in range(questions)]
        for _ in range(seed % 29):
            await asyncio.sleep(0)
        for number, task in enumerate(tasks):
            if seed >> (number % 16) & 1:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for number in range(questions):
            assert (await ask(open_, str(number))).json()["number"] == number
