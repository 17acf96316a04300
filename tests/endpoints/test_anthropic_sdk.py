from __future__ import annotations

from typing import Any

import httpx2
import pytest

from auditor.endpoints import connect
from auditor.endpoints.anthropic_sdk import messages_body
from auditor.errors import AuthenticationFailed, CassetteMiss, ModelNotFound, NotAnApi
from auditor.plan import parse_endpoint
from auditor.records import Ask, EndpointSpec, Message, Outcome, Sampling
from auditor.wire import MemoryTape, open_wire
from tests.endpoints.support import ASK, Recorder, endpoint, ok

SPEC = parse_endpoint("anthropic:claude-sonnet-4-5")


def message(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": list(content),
        "stop_reason": stop,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 0,
        },
    }


TEXT = {"type": "text", "text": "Hello."}


async def test_one_round_trip_through_the_library() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    server = Recorder(lambda _: ok(message(thinking, TEXT)))
    async with endpoint(server, SPEC, key="sk-ant-1") as e:
        reply = await e.ask(ASK, purpose="reply")
    assert (reply.answer, reply.trace, reply.outcome) == ("Hello.", "hm", None)
    assert reply.provenance.trace_source == "thinking"
    assert reply.provenance.model == "claude-sonnet-4-5-20250929"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.cached_tokens) == (14, 5, 4)
    assert reply.latency_s is not None
    (request,) = server.requests
    assert str(request.url) == "https://api.anthropic.com/v1/messages"
    assert "sk-ant-1" in (request.headers.get("x-api-key") or request.headers["authorization"])
    assert not [h for h in request.headers if h.startswith("x-auditor")]
    body = server.bodies[0]
    assert body["system"] == "Be brief."
    assert body["messages"] == [{"role": "user", "content": "Hello?"}]
    assert body["temperature"] == 1.0
    assert not body.keys() & {"seed", "top_p", "logprobs"}


async def test_a_tape_replays_without_a_key() -> None:
    tape, server = MemoryTape(), Recorder(lambda _: ok(message(TEXT)))
    async with open_wire("https://api.anthropic.com", tape=tape, network=httpx2.MockTransport(server)) as wire:
        live = await connect(SPEC, wire, key="k").ask(ASK, purpose="reply")
    async with open_wire("https://api.anthropic.com", tape=tape, mode="replay") as wire:
        replayed = connect(SPEC, wire, key=None)
        assert await replayed.ask(ASK, purpose="reply") == live
        with pytest.raises(CassetteMiss):
            await replayed.ask(Ask(messages=ASK.messages, sampling=ASK.sampling, sample=5), purpose="reply")


@pytest.mark.parametrize(
    ("stop", "content", "outcome"),
    [
        ("end_turn", [TEXT], None),
        ("max_tokens", [TEXT], Outcome.TRUNCATED),
        ("model_context_window_exceeded", [], Outcome.TRUNCATED),
        ("refusal", [], Outcome.FILTERED),
        ("end_turn", [], Outcome.EMPTY),
    ],
)
async def test_outcomes(stop: str, content: list[dict[str, Any]], outcome: Outcome | None) -> None:
    async with endpoint(Recorder(lambda _: ok(message(*content, stop=stop))), SPEC, key="k") as e:
        assert (await e.ask(ASK, purpose="reply")).outcome is outcome


def error(status: int, kind: str, words: str) -> httpx2.Response:
    return httpx2.Response(status, json={"type": "error", "error": {"type": kind, "message": words}})


async def test_a_model_that_dropped_temperature_is_asked_without() -> None:
    def serve(body: dict[str, Any]) -> httpx2.Response:
        if "temperature" in body:
            return error(400, "invalid_request_error", "`temperature` is deprecated for this model.")
        return ok(message(TEXT))

    server = Recorder(serve)
    async with endpoint(server, SPEC, key="k") as e:
        assert (await e.ask(ASK, purpose="reply")).answer == "Hello."
    assert ["temperature" in b for b in server.bodies] == [True, False]


@pytest.mark.parametrize(
    ("response", "leaf", "words"),
    [
        (error(401, "authentication_error", "invalid x-api-key"), AuthenticationFailed, "ANTHROPIC_API_KEY"),
        (error(404, "not_found_error", "model: claude-sonnet-9"), ModelNotFound, "It serves claude-a"),
        (httpx2.Response(200, json={"hello": 1}), NotAnApi, "/v1"),
    ],
)
async def test_faults(response: httpx2.Response, leaf: type[Exception], words: str) -> None:
    async with endpoint(Recorder(lambda _: response, models=["claude-a"]), SPEC, key="k") as e:
        with pytest.raises(leaf, match=words):
            await e.ask(ASK, purpose="reply")


def body_of(model: str = "claude-sonnet-4-5", ask: Ask = ASK, **reasoning: Any) -> dict[str, Any]:
    return messages_body(EndpointSpec("u", model, "anthropic", reasoning=reasoning), ask)


def test_thinking_options() -> None:
    assert body_of(budget_tokens=2000)["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    adaptive = body_of("claude-opus-4-7", effort="high")
    assert adaptive["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert adaptive["output_config"] == {"effort": "high"}
    assert body_of("claude-sonnet-4-6", enabled=True, display="omitted")["thinking"]["display"] == "omitted"
    assert body_of(enabled=False)["thinking"] == {"type": "disabled"}
    assert "temperature" not in body_of(budget_tokens=2000)
    assert "temperature" in body_of(enabled=False)


@pytest.mark.parametrize(
    ("model", "adaptive"),
    [
        ("claude-3-7-sonnet-20250219", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-opus-4-1-20250805", False),
        ("claude-sonnet-4-5", False),
        ("claude-haiku-4-5-20251001", False),
        ("claude-opus-4-6", True),
        ("claude-sonnet-4-6-20260101", True),
        ("claude-opus-4-10", True),
        ("claude-sonnet-5", True),
    ],
)
def test_older_models_are_given_a_number_of_tokens(model: str, adaptive: bool) -> None:
    assert body_of(model, enabled=True)["thinking"]["type"] == ("adaptive" if adaptive else "enabled")


def test_thinking_never_takes_all_the_room_of_the_answer() -> None:
    body = body_of(enabled=True)
    assert body["thinking"]["budget_tokens"] == 1024
    assert body["max_tokens"] == 1024 + ASK.sampling.max_tokens
    roomy = body_of(ask=Ask(messages=ASK.messages, sampling=Sampling(max_tokens=8000)), enabled=True)
    assert (roomy["thinking"]["budget_tokens"], roomy["max_tokens"]) == (4000, 8000)


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-opus-4-6", True),
        ("claude-opus-4-20250514", True),
        ("claude-sonnet-4-6", True),
        ("claude-haiku-4-5-20251001", True),
        ("claude-opus-4-7", False),
        ("claude-opus-4-8", False),
        ("claude-opus-5", False),
        ("claude-sonnet-5-5", False),
        ("claude-haiku-5-5", False),
        ("claude-fable-5-1", False),
    ],
)
def test_known_models_without_sampling_settings(model: str, takes: bool) -> None:
    assert ("temperature" in body_of(model, enabled=False)) == takes


def test_a_model_that_thinks_unasked_is_asked_to_show_it() -> None:
    """The vendor's migration guides: from generation 5 on thinking is on and its display "omitted" by default."""
    assert body_of("claude-sonnet-5")["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "thinking" not in body_of("claude-opus-4-8")


def test_thinking_is_switched_off_in_the_way_that_the_model_takes() -> None:
    assert body_of("claude-opus-5", enabled=False)["thinking"] == {"type": "disabled"}
    assert body_of("claude-sonnet-5-5", enabled=False)["thinking"] == {"type": "between_tools"}


def test_schema_effort_and_top_p() -> None:
    ask = Ask(
        messages=(Message("user", "q"),), sampling=Sampling(top_p=0.9, temperature=1.5), json_schema={"type": "object"}
    )
    body = body_of(ask=ask)
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert (body["top_p"], body["temperature"]) == (0.9, 1.0)
    assert "system" not in body
