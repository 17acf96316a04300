from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from auditor.errors import NotAnApi, Unreachable
from auditor.records import Attempt
from auditor.wire import Limiter, MemoryTape, Signal, WireLimits, open_wire
from tests.wire.doubles import CHAT, ENDPOINT, FakeClock, Pieces, Script, ask, reply, wire


async def test_no_more_in_flight_than_slots_and_no_slot_for_the_tape() -> None:
    flying = peak = 0

    async def network(request: httpx2.Request) -> httpx2.Response:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        for _ in range(5):
            await asyncio.sleep(0)
        flying -= 1
        return reply()

    tape = MemoryTape()
    async with wire(network, tape=tape, limits=WireLimits(concurrency=3)) as open_:
        await asyncio.gather(*(ask(open_, str(number)) for number in range(20)))
    assert peak == 3

    attempts: list[Attempt] = []
    async with wire(network, tape=tape, attempts=attempts) as open_:
        await asyncio.gather(*(ask(open_, str(number)) for number in range(20)))
    assert attempts == []


async def test_slots_come_back_after_failures_and_cancelling() -> None:
    started = asyncio.Event()

    async def network(request: httpx2.Request) -> httpx2.Response:
        if b"hang" in await request.aread():
            started.set()
            await asyncio.Event().wait()
        return reply("no", 400) if b"bad" in request.content else reply()

    attempts: list[Attempt] = []
    async with wire(network, attempts=attempts, limits=WireLimits(concurrency=1)) as open_:
        task = asyncio.create_task(ask(open_, "hang"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ask(open_, "bad")
        assert (await ask(open_, "good")).status_code == 200
    assert [(item.status, item.error) for item in attempts] == [(None, "cancelled"), (400, ""), (200, "")]


async def test_attempts_tell_endpoint_purpose_and_durations() -> None:
    clock = FakeClock()

    async def network(request: httpx2.Request) -> httpx2.Response:
        clock.now += 2.5
        return reply()

    attempts: list[Attempt] = []
    tape = MemoryTape()
    async with wire(network, clock=clock, attempts=attempts, tape=tape) as open_:
        response = await ask(open_, purpose="judge")
    (key,) = tape.keys()
    assert attempts == [Attempt(ENDPOINT, "judge", 200, 2.5, model="m", key=key)]
    assert response.extensions["auditor_elapsed_s"] == 2.5


async def test_keep_alive_bytes_do_not_hold_off_the_deadline() -> None:
    class Endless(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b": keep-alive\n\n"
                await asyncio.sleep(0)

    async def network(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Endless())

    attempts: list[Attempt] = []
    async with wire(network, attempts=attempts, limits=WireLimits(deadline_s=0.01)) as open_:
        with pytest.raises(Unreachable, match=r"no complete answer within 0\.01 s"):
            await ask(open_)
    assert [item.status for item in attempts] == [200, 200]
    assert all("0.01 s" in item.error for item in attempts)


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_above_the_limit_is_refused_once(declared: bool) -> None:
    def huge() -> httpx2.Response:
        headers = {"content-length": "4000"} if declared else {}
        return httpx2.Response(200, headers=headers, stream=Pieces(*[b"x" * 1000] * 4))

    script = Script(huge)
    async with wire(script, limits=WireLimits(max_body_bytes=2048)) as open_:
        with pytest.raises(NotAnApi, match="larger"):
            await ask(open_)
    assert len(script.requests) == 1


async def test_a_truncated_body_is_asked_again() -> None:
    short = httpx2.Response(200, headers={"content-length": "100"}, stream=Pieces(b'{"text": "hel'))
    async with wire(Script(short, reply("whole"))) as open_:
        assert (await ask(open_)).json() == {"text": "whole"}


async def test_a_body_that_cannot_be_decompressed_is_asked_again() -> None:
    garbled = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces(b"no gzip at all"))
    async with wire(Script(garbled, reply("whole"))) as open_:
        assert (await ask(open_)).json() == {"text": "whole"}


async def test_time_outs_are_ours_whatever_the_caller_says() -> None:
    script = Script(reply())
    limits = WireLimits(connect_timeout_s=3, read_timeout_s=4)
    async with wire(script, limits=limits) as open_:
        await open_.client.post(CHAT, json={}, timeout=99)
    assert script.requests[0].extensions["timeout"] == {"connect": 3, "read": 4, "write": 4, "pool": None}


async def test_another_limiter_can_stand_in_and_hears_of_every_attempt() -> None:
    class Learning:
        limit = 1

        def __init__(self) -> None:
            self.signals: list[Signal] = []

        async def acquire(self) -> None:
            pass

        def release(self, signal: Signal) -> None:
            self.signals.append(signal)

    limiter = Learning()
    as_limiter: Limiter = limiter
    network = httpx2.MockTransport(Script(reply(status=429, retry_after="1"), httpx2.ReadError("reset"), reply()))
    async with open_wire(ENDPOINT, tape=MemoryTape(), network=network, clock=FakeClock(), limiter=as_limiter) as open_:
        await ask(open_)
    assert [signal.status for signal in limiter.signals] == [429, None, 200]
    assert limiter.signals[0].headers["retry-after"] == "1"
