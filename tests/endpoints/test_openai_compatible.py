from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from auditor.endpoints import Introspectable, connect
from auditor.errors import AuthenticationFailed, ModelNotFound, NotAnApi, RequestRejected, Unreachable
from auditor.records import Ask, EndpointSpec, Message, Outcome, Sampling
from auditor.wire import MemoryTape, open_wire
from tests.endpoints.support import ASK, SPEC, Recorder, chat, endpoint, ok


async def test_one_round_trip() -> None:
    server = Recorder(lambda _: ok(chat("Hello.", reasoning="hm")))
    async with endpoint(server, key="sk-1") as e:
        reply = await e.ask(ASK, purpose="reply")
    assert (reply.answer, reply.trace, reply.outcome) == ("Hello.", "hm", None)
    assert reply.latency_s is not None
    (request,) = server.requests
    assert str(request.url) == "http://engine.test/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert not [h for h in request.headers if h.startswith("x-auditor")]
    assert server.bodies[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]


async def test_without_a_key_none_is_sent() -> None:
    server = Recorder(lambda _: ok(chat()))
    async with endpoint(server) as e:
        await e.ask(ASK, purpose="reply")
    assert "authorization" not in server.requests[0].headers


async def test_samples_are_asked_apart_and_a_repeat_comes_from_the_tape() -> None:
    server = Recorder(lambda _: ok(chat()))
    async with endpoint(server) as e:
        first = await e.ask(ASK, purpose="reply")
        again = await e.ask(ASK, purpose="reply")
        await e.ask(Ask(messages=ASK.messages, sampling=ASK.sampling, sample=1), purpose="reply")
    assert first == again
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("response", "leaf", "words"),
    [
        (
            httpx2.Response(401, json={"error": {"message": "bad key sk-1"}}),
            AuthenticationFailed,
            "does not accept the key",
        ),
        (httpx2.Response(400, json={"error": {"message": "top_k must be"}}), RequestRejected, "top_k must be"),
        (
            httpx2.Response(200, text="<!doctype html><p>hi", headers={"content-type": "text/html"}),
            NotAnApi,
            "missing /v1",
        ),
        (httpx2.Response(200, text=""), NotAnApi, "empty body"),
        (httpx2.Response(200, json={"status": "up"}), NotAnApi, "not a chat answer"),
        (httpx2.Response(200, json={"error": {"code": 401, "message": "No auth"}}), AuthenticationFailed, "key"),
        (httpx2.Response(200, json={"error": {"code": 404, "message": "No endpoints found"}}), ModelNotFound, "tiny"),
        (httpx2.Response(200, json={"error": {"message": "model 'tiny' not found"}}), ModelNotFound, "tiny"),
        (httpx2.Response(200, json={"error": {"code": 400, "message": "bad"}}), RequestRejected, "bad"),
        (httpx2.Response(307, headers={"location": "https://h/v1"}), NotAnApi, "https://h/v1"),
    ],
)
async def test_faults(response: httpx2.Response, leaf: type[Exception], words: str) -> None:
    async with endpoint(Recorder(lambda _: response), key="sk-1") as e:
        with pytest.raises(leaf, match=words) as caught:
            await e.ask(ASK, purpose="reply")
    assert type(caught.value) is leaf
    assert "sk-1" not in str(caught.value)


async def test_an_unknown_model_lists_the_served_ones() -> None:
    missing = {"error": {"message": "The model `tiny` does not exist.", "type": "NotFoundError", "code": 404}}
    async with endpoint(Recorder(lambda _: httpx2.Response(404, json=missing), models=["big", "bigger"])) as e:
        with pytest.raises(ModelNotFound, match="It serves big, bigger"):
            await e.ask(ASK, purpose="reply")


async def test_nobody_there() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.UnsupportedProtocol("no such protocol", request=request)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(refuse))

    class Bare:
        def __init__(self, client: httpx2.AsyncClient) -> None:
            self.client = client

    async with client:
        with pytest.raises(Unreachable):
            await connect(SPEC, Bare(client), key=None).ask(ASK, purpose="reply")


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (httpx2.Response(400, json={"error": {"code": "content_filter", "message": "filtered"}}), Outcome.FILTERED),
        (
            httpx2.Response(403, json={"error": {"code": 403, "message": "m", "metadata": {"flagged_input": "x"}}}),
            Outcome.FILTERED,
        ),
        (httpx2.Response(200, json={"error": {"message": "upstream died"}}), Outcome.ERROR),
        (httpx2.Response(200, json={"error": "boom"}), Outcome.ERROR),
    ],
)
async def test_what_befell_one_question_is_a_reply_not_an_error(response: httpx2.Response, outcome: Outcome) -> None:
    async with endpoint(Recorder(lambda _: response)) as e:
        reply = await e.ask(ASK, purpose="reply")
    assert reply.outcome is outcome
    assert reply.detail


def picky(body: dict[str, Any]) -> httpx2.Response:
    for setting in ("temperature", "seed"):
        if setting in body:
            words = f"Unsupported parameter: '{setting}' is not supported with this model."
            return httpx2.Response(
                400, json={"error": {"message": words, "param": setting, "code": "unsupported_parameter"}}
            )
    return ok(chat("Hello."))


async def test_refused_settings_are_left_out_and_only_the_probe_remembers() -> None:
    server = Recorder(picky)
    async with endpoint(server) as e:
        assert (await e.ask(ASK, purpose="reply")).answer == "Hello."
        assert len(server.bodies) == 3
        await e.ask(Ask(messages=(Message("user", "2"),), sampling=ASK.sampling), purpose="probe")
        before = len(server.bodies)
        await e.ask(Ask(messages=(Message("user", "3"),), sampling=ASK.sampling), purpose="reply")
        refused = e.conceded if isinstance(e, Introspectable) else ()
    assert len(server.bodies) == before + 1
    assert refused == ("temperature", "seed")

    server = Recorder(picky)
    async with open_wire(SPEC.base_url, tape=MemoryTape(), network=httpx2.MockTransport(server)) as wire:
        await connect(SPEC, wire, key=None, without=refused).ask(ASK, purpose="reply")
    assert len(server.bodies) == 1


async def test_a_tape_replays_the_giving_way_too() -> None:
    tape = MemoryTape()
    async with open_wire(SPEC.base_url, tape=tape, network=httpx2.MockTransport(Recorder(picky))) as wire:
        live = await connect(SPEC, wire, key=None).ask(ASK, purpose="reply")
    async with open_wire(SPEC.base_url, tape=tape, mode="replay") as wire:
        assert await connect(SPEC, wire, key=None).ask(ASK, purpose="reply") == live


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"data": [{"id": "a", "owned_by": "vllm"}, {"id": "b"}]}, ["a", "b"]),
        ([{"id": "a"}], ["a"]),
        ({"models": [{"name": "a"}]}, ["a"]),
        ({"data": 3}, None),
        ("<html>", None),
    ],
)
async def test_model_lists(body: Any, names: list[str] | None) -> None:
    def serve(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text=body) if isinstance(body, str) else ok(body)

    async with endpoint(serve) as e:
        assert await e.models() == names


async def test_openrouter_holds_its_provider_still() -> None:
    server = Recorder(lambda _: ok(chat()))
    spec = EndpointSpec("", "vendor/model", "openrouter", extra_body={"provider": {"only": ["x"]}})
    async with endpoint(server, spec, key="k") as e:
        await e.ask(Ask(messages=ASK.messages, sampling=Sampling()), purpose="reply")
    assert server.bodies[0]["provider"] == {"require_parameters": True, "allow_fallbacks": False, "only": ["x"]}
    assert server.requests[0].url.host == "openrouter.ai"


@pytest.mark.parametrize(
    "body",
    [
        # vLLM and SGLang hand on what Starlette's JSON response raises.
        {"error": {"message": "Out of range float values are not JSON compliant", "type": "InternalServerError"}},
        {"object": "error", "message": "Out of range float values are not JSON compliant: nan", "code": 500},
    ],
)
async def test_nan_in_one_answer_loses_that_reply_and_nothing_else(body: dict[str, Any]) -> None:
    server = Recorder(lambda _: httpx2.Response(500, json=body) if len(server.requests) <= 12 else ok(chat("Hello.")))
    async with endpoint(server) as e:
        for sample in range(12):
            lost = await e.ask(msgspec.structs.replace(ASK, sample=sample), purpose="reply")
            assert (lost.answer, lost.outcome) == ("", Outcome.ERROR)
            assert "NaN" in lost.detail
        assert len(server.requests) == 12, "asked again"
        # It is not on the tape: a continued run asks again, in case the server was mended.
        assert (await e.ask(ASK, purpose="reply")).answer == "Hello."
