from __future__ import annotations

import asyncio
import gzip

import httpx2
import pytest

from auditor.errors import CassetteMiss, Exhausted
from auditor.wire import MemoryTape, canonical_body, exchange_key
from tests.wire.doubles import CHAT, ENDPOINT, Pieces, Script, ask, reply, wire


async def test_auto_asks_once_and_then_reads_the_tape() -> None:
    script = Script(reply("first", x_request_id="r-1"), reply("second"))
    tape = MemoryTape()
    async with wire(script, tape=tape) as open_:
        live = await ask(open_)
        again = await ask(open_)
    assert len(script.requests) == 1
    assert (live.extensions["auditor_from_tape"], again.extensions["auditor_from_tape"]) == (False, True)
    assert live.extensions["auditor_elapsed_s"] == again.extensions["auditor_elapsed_s"]
    assert live.content == again.content
    assert live.headers == again.headers
    assert live.headers["x-request-id"] == "r-1"


async def test_record_overwrites() -> None:
    tape = MemoryTape()
    async with wire(Script(reply("old")), tape=tape) as open_:
        await ask(open_)
    async with wire(Script(reply("new")), tape=tape, mode="record") as open_:
        assert (await ask(open_)).json() == {"text": "new"}
    assert [exchange.response for exchange in map(tape.get, tape.keys()) if exchange] == [b'{"text":"new"}']


async def test_replay_never_touches_the_network() -> None:
    script = Script(reply())
    tape = MemoryTape()
    async with wire(script, tape=tape) as open_:
        await ask(open_)
    async with wire(script, tape=tape, mode="replay") as open_:
        assert (await ask(open_)).json() == {"text": "hello"}
        with pytest.raises(CassetteMiss):
            await ask(open_, "something else")
    assert len(script.requests) == 1


async def test_samples_are_different_questions_and_bodies_are_compared_by_value() -> None:
    script = Script(reply())
    async with wire(script) as open_:
        await ask(open_, sample=0)
        await ask(open_, sample=1)
        assert len(script.requests) == 2
        await open_.client.post(CHAT, content=b'{"b": 1,\n "a": [1.0]}')
        await open_.client.post(CHAT, content=b'{"a":[1.0],"b":1}')
        assert len(script.requests) == 3


async def test_internal_headers_stay_inside_and_resending_keeps_the_sample() -> None:
    script = Script(reply())
    tape = MemoryTape()
    async with wire(script, tape=tape) as open_:
        request = open_.client.build_request("POST", CHAT, json={}, headers={"x-auditor-sample": "3"})
        await open_.client.send(request)
        assert (await open_.client.send(request)).extensions["auditor_from_tape"]
        await ask(open_, purpose="probe")
    assert not [name for sent in script.requests for name in sent.headers if name.startswith("x-auditor")]
    samples = [exchange.sample for exchange in map(tape.get, tape.keys()) if exchange]
    assert samples == [3, 0]


async def test_what_is_recorded_of_an_exchange() -> None:
    tape = MemoryTape()
    script = Script(reply(x_request_id="r-1", set_cookie="session=1", openai_organization="org"))
    async with wire(script, tape=tape) as open_:
        await open_.client.post(f"{CHAT}?v=1", content=b'{"b": 1, "a": 2}', headers={"x-auditor-sample": "2"})
    (key,) = tape.keys()
    exchange = tape.get(key)
    assert exchange is not None
    assert exchange.key == exchange_key(ENDPOINT, "POST", "/v1/chat/completions?v=1", b'{"a":2,"b":1}', 2)
    assert (exchange.endpoint, exchange.method, exchange.path) == (ENDPOINT, "POST", "/v1/chat/completions?v=1")
    assert (exchange.request, exchange.sample, exchange.status) == (b'{"a":2,"b":1}', 2, 200)
    assert exchange.headers == {"content-type": "application/json", "x-request-id": "r-1"}
    assert list(tape.candidates(ENDPOINT, "/v1/chat/completions?v=1")) == [exchange]
    assert list(tape.candidates(ENDPOINT, "/v1/models")) == []


@pytest.mark.parametrize(
    ("response", "recorded"),
    [
        (reply(status=201), True),
        (reply(status=400), True),
        (reply(status=422), True),
        (reply(status=401), False),
        (reply(status=402), False),
        (reply(status=403), False),
        (reply(status=404), False),
        (reply(status=501), False),
        (httpx2.Response(307, headers={"location": "/elsewhere"}), False),
        (httpx2.Response(200, html="<html>a page</html>"), False),
        (httpx2.Response(200, content=b"", headers={"content-type": "application/json"}), False),
        (httpx2.Response(200, content=b'{"half', headers={"content-type": "application/json"}), False),
        (httpx2.Response(200, content=b'{"x": NaN}', headers={"content-type": "application/json"}), True),
        (httpx2.Response(200, content=b'{"x": "\xff"}', headers={"content-type": "application/json"}), False),
        (httpx2.Response(200, content=b'{"x": 1}'), True),
        (httpx2.Response(200, content=b'{"x": 1}', headers={"content-type": "text/html"}), True),
        (httpx2.Response(200, content=b'{"x": NaN', headers={"content-type": "application/json"}), False),
        (httpx2.Response(200, json={"error": None, "choices": []}), True),
        (httpx2.Response(200, json={"error": "something went wrong"}), False),
        (httpx2.Response(200, json={"error": {"code": 403, "message": "no"}}), False),
        (httpx2.Response(400, json={}, headers={"content-type": "application/problem+json; charset=utf-8"}), True),
        (httpx2.Response(200, content=b"data: 1\n\n", headers={"content-type": "text/event-stream"}), True),
        (httpx2.Response(200, content=b"data: [DONE]", headers={"content-type": "text/event-stream"}), True),
        (httpx2.Response(200, content=b'data: {"a":1}', headers={"content-type": "text/event-stream"}), True),
        (httpx2.Response(200, content=b'data: {"a', headers={"content-type": "text/event-stream"}), False),
        (httpx2.Response(200, content=b'data: {"a":1}\n\n', headers={"content-type": "text/plain"}), True),
        (httpx2.Response(200, content=b'{"a":1}\n', headers={"content-type": "application/x-ndjson"}), True),
    ],
)
async def test_what_goes_on_the_tape(response: httpx2.Response, recorded: bool) -> None:
    tape = MemoryTape()
    async with wire(Script(response), tape=tape) as open_:
        given = await ask(open_)
    assert (given.status_code, len(list(tape.keys())) == 1) == (response.status_code, recorded)


async def test_faults_are_not_recorded() -> None:
    tape = MemoryTape()
    async with wire(Script(reply(status=503)), tape=tape) as open_:
        with pytest.raises(Exhausted):
            await ask(open_)
    assert list(tape.keys()) == []


async def test_compressed_bodies_are_decoded_and_described_rightly() -> None:
    body = b'{"text": "zipped"}'

    def zipped() -> httpx2.Response:
        packed = gzip.compress(body)
        headers = {"content-type": "application/json", "content-encoding": "gzip", "content-length": str(len(packed))}
        return httpx2.Response(200, headers=headers, stream=Pieces(packed[:9], packed[9:]))

    async with wire(Script(zipped)) as open_:
        for response in [await ask(open_), await ask(open_)]:
            assert response.content == body
            assert "content-encoding" not in response.headers
            assert response.headers["content-length"] == str(len(body))


async def test_responses_can_be_streamed_in_every_way() -> None:
    events = b"data: 1\n\ndata: 2\n\n"
    script = Script(httpx2.Response(200, content=events, headers={"content-type": "text/event-stream"}))
    async with wire(script) as open_:
        for _ in range(2):
            async with open_.client.stream("POST", CHAT, json={}) as response:
                assert [line async for line in response.aiter_lines() if line] == ["data: 1", "data: 2"]
            async with open_.client.stream("POST", CHAT, json={}) as response:
                assert b"".join([chunk async for chunk in response.aiter_raw()]) == events
            async with open_.client.stream("POST", CHAT, json={}) as response:
                assert await response.aread() == events
                assert response.request.method == "POST"


async def test_line_breaks_in_json_are_dropped_alike_live_and_replayed() -> None:
    # Some servers send blank lines to keep the connection open before the JSON begins.
    body = b'\n\n{\n  "x": [1, 2.50],\n "y": "a\\nb"\n}\n'
    script = Script(httpx2.Response(200, content=body, headers={"content-type": "application/json"}))
    async with wire(script) as open_:
        live, taped = await ask(open_), await ask(open_)
    assert live.content == taped.content == b'{"x":[1,2.50],"y":"a\\nb"}'


class Gate:
    """A network that answers when it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = asyncio.Event()
        self.count = 0

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.count += 1
        self.asked.set()
        await self.open.wait()
        return reply(str(self.count), 401 if b"unrecorded" in request.content else 200)


@pytest.mark.parametrize("text", ["hi", "unrecorded"])
async def test_identical_requests_in_flight_are_asked_once(text: str) -> None:
    gate = Gate()
    async with wire(gate) as open_:
        tasks = [asyncio.create_task(ask(open_, text)) for _ in range(5)]
        other = asyncio.create_task(ask(open_, text, sample=1))
        await gate.asked.wait()
        gate.open.set()
        responses = await asyncio.gather(*tasks)
        await other
    assert gate.count == 2
    assert len({response.content for response in responses}) == 1


async def test_a_failure_is_shared_by_those_who_waited_for_it() -> None:
    script = Script(reply("down", 500))
    async with wire(script) as open_:
        results = await asyncio.gather(*(ask(open_) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Exhausted] * 3
    assert len({id(result) for result in results}) == 3
    assert len(script.requests) == 6


async def test_when_the_one_who_asks_is_cancelled_another_takes_over() -> None:
    gate = Gate()
    tape = MemoryTape()
    async with wire(gate, tape=tape) as open_:
        tasks = [asyncio.create_task(ask(open_)) for _ in range(3)]
        await gate.asked.wait()
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert list(tape.keys()) == []
        gate.open.set()
        responses = await asyncio.gather(*tasks[1:])
    assert gate.count == 2
    assert [response.json() for response in responses] == [{"text": "2"}] * 2
    assert len(list(tape.keys())) == 1


async def test_unused_lists_what_was_recorded_but_not_asked() -> None:
    tape = MemoryTape()
    async with wire(Script(reply()), tape=tape) as open_:
        await ask(open_, "one")
        await ask(open_, "two")
        assert open_.unused() == []
    async with wire(None, tape=tape, mode="replay") as open_:
        await ask(open_, "two")
        (left,) = open_.unused()
    assert b"one" in left.request


def test_canonical_body_and_key() -> None:
    assert (
        canonical_body(b'{ "b": {"d": 1.0, "c": "\\u00e9"}, "a": [2, 1] }')
        == '{"a":[2,1],"b":{"c":"é","d":1.0}}'.encode()
    )
    assert canonical_body(b"") == b""
    assert canonical_body(b"--boundary\xff") == b"--boundary\xff"
    keys = {
        exchange_key("e", "POST", "/p", b"{}", 0),
        exchange_key("e", "POST", "/p", b"{}", 1),
        exchange_key("e", "GET", "/p", b"{}", 0),
        exchange_key("e/p", "POST", "", b"{}", 0),
        exchange_key("f", "POST", "/p", b"{}", 0),
        exchange_key("e", "POST", "/p", b"", 0),
    }
    assert len(keys) == 6
    assert all(len(key) == 64 for key in keys)
    assert exchange_key("e", "post", "/p", b"{}", 0) in keys
