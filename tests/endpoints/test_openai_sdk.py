from __future__ import annotations

import httpx2
import pytest

from auditor.endpoints import connect
from auditor.errors import AuthenticationFailed, CassetteMiss, Exhausted, ModelNotFound
from auditor.plan import parse_endpoint
from auditor.records import Ask
from auditor.wire import MemoryTape, WireLimits, open_wire
from tests.endpoints.support import ASK, Recorder, chat, endpoint, ok

SPEC = parse_endpoint("openai:gpt-4.1")
LOGPROBS = {
    "content": [
        {
            "token": "Hi",
            "logprob": -0.1,
            "bytes": [72, 105],
            "top_logprobs": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}],
        }
    ],
    "refusal": None,
}


async def test_one_round_trip_through_the_library() -> None:
    server = Recorder(lambda _: ok(chat("Hi", logprobs=LOGPROBS)))
    async with endpoint(server, SPEC, key="sk-1") as e:
        reply = await e.ask(Ask(messages=ASK.messages, sampling=ASK.sampling, top_logprobs=1), purpose="reply")
    assert reply.answer == "Hi"
    assert reply.logprobs is not None
    assert reply.logprobs.positions[0].sampled.raw == b"Hi"
    assert reply.latency_s is not None
    (request,) = server.requests
    assert str(request.url) == "https://api.openai.com/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert not [h for h in request.headers if h.startswith("x-auditor")]
    assert server.bodies[0]["max_completion_tokens"] == 32


async def test_the_libraries_request_is_the_same_on_the_tape_each_time() -> None:
    tape, server = MemoryTape(), Recorder(lambda _: ok(chat("Hi")))
    async with open_wire("https://api.openai.com/v1", tape=tape, network=httpx2.MockTransport(server)) as wire:
        live = await connect(SPEC, wire, key="sk-1").ask(ASK, purpose="reply")
    async with open_wire("https://api.openai.com/v1", tape=tape, mode="replay") as wire:
        replayed = connect(SPEC, wire, key=None)
        assert await replayed.ask(ASK, purpose="reply") == live
        with pytest.raises(CassetteMiss):
            await replayed.ask(Ask(messages=ASK.messages, sampling=ASK.sampling, sample=5), purpose="reply")


async def test_faults_and_no_second_layer_of_retries() -> None:
    server = Recorder(lambda _: httpx2.Response(401, json={"error": {"message": "Incorrect API key provided: sk-1"}}))
    async with endpoint(server, SPEC, key="sk-1") as e:
        with pytest.raises(AuthenticationFailed, match="OPENAI_API_KEY") as caught:
            await e.ask(ASK, purpose="reply")
    assert "sk-1" not in str(caught.value)

    busy = Recorder(lambda _: httpx2.Response(503, json={}))
    limits = WireLimits(max_attempts=1)
    async with open_wire("u", tape=MemoryTape(), network=httpx2.MockTransport(busy), limits=limits) as wire:
        with pytest.raises(Exhausted):
            await connect(SPEC, wire, key="k").ask(ASK, purpose="reply")
    assert len(busy.requests) == 1


async def test_unknown_model() -> None:
    gone = {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}
    async with endpoint(Recorder(lambda _: httpx2.Response(404, json=gone), models=["gpt-4.1"]), SPEC, key="k") as e:
        with pytest.raises(ModelNotFound, match=r"It serves gpt-4\.1"):
            await e.ask(ASK, purpose="reply")
