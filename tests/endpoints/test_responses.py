from __future__ import annotations

from typing import Any

import httpx2
import pytest

from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.responses import responses_body
from auditor.errors import ModelNotFound, NotAnApi
from auditor.plan import parse_endpoint
from auditor.records import Ask, EndpointSpec, Message, Outcome, Sampling
from tests.endpoints.support import ASK, Recorder, endpoint, ok

SPEC = parse_endpoint("openai-responses:gpt-5.2")
DIALECT = dialect_named("openai-responses")


def response(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 12},
    }
    return {"status": "completed", "model": "gpt-5.2-2025-12-11", "output": list(output), "usage": usage, **more}


def text(words: str, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": words, "annotations": [], **more}
    return {"type": "message", "role": "assistant", "content": [part]}


SUMMARY = {
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Second."}],
}
ENTRY = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}


async def test_one_round_trip_through_the_library() -> None:
    server = Recorder(lambda _: ok(response(SUMMARY, text("Hi", logprobs=[{**ENTRY, "top_logprobs": [ENTRY]}]))))
    async with endpoint(server, SPEC, key="sk-1") as e:
        reply = await e.ask(ASK, purpose="reply")
    assert (reply.answer, reply.trace, reply.outcome) == ("Hi", "First.\n\nSecond.", None)
    assert reply.provenance.trace_source == "reasoning_summary"
    assert reply.logprobs is not None
    assert reply.logprobs.positions[0].top[0].raw == b"Hi"
    usage = reply.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens) == (9, 20, 12, 4)
    (request,) = server.requests
    assert str(request.url) == "https://api.openai.com/v1/responses"
    assert server.bodies[0]["store"] is False


@pytest.mark.parametrize(
    ("body", "outcome", "answer"),
    [
        (
            response(text("half"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "truncated",
            "half",
        ),
        (response(status="incomplete", incomplete_details={"reason": "content_filter"}), "filtered", ""),
        (response(SUMMARY), "empty", ""),
        (response(status="failed", error={"code": "server_error", "message": "oops"}), "error", ""),
        (response({"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}), None, "I can't."),
        (response(text("<think>hm</think>Yes")), None, "Yes"),
    ],
)
async def test_outcomes(body: dict[str, Any], outcome: str | None, answer: str) -> None:
    async with endpoint(Recorder(lambda _: ok(body)), SPEC, key="k") as e:
        reply = await e.ask(ASK, purpose="reply")
    assert reply.outcome == (Outcome(outcome) if outcome else None)
    assert reply.answer == answer


async def test_open_servers_give_the_reasoning_itself() -> None:
    item = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    async with endpoint(Recorder(lambda _: ok(response(item, text("Yes")))), SPEC, key="k") as e:
        reply = await e.ask(ASK, purpose="reply")
    assert (reply.trace, reply.provenance.trace_source) == ("hm", "reasoning")


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        ({"hello": 1}, NotAnApi),
        (response(output=None, error={"code": "model_not_found", "message": "no such model"}), ModelNotFound),
    ],
)
async def test_faults(body: dict[str, Any], leaf: type[Exception]) -> None:
    async with endpoint(Recorder(lambda _: ok(body), models=["gpt-x"]), SPEC, key="k") as e:
        with pytest.raises(leaf):
            await e.ask(ASK, purpose="reply")


def body_of(model: str = "gpt-5.2", ask: Ask = ASK, without: tuple[str, ...] = (), **reasoning: Any) -> dict[str, Any]:
    spec = EndpointSpec("u", model, "openai-responses", reasoning=reasoning)
    return responses_body(spec, DIALECT, ask, without=without)


def test_sampling_and_logprobs_only_while_the_effort_resolves_to_none() -> None:
    ask = Ask(ASK.messages, ASK.sampling, top_logprobs=5)
    for body in (body_of(ask=ask), body_of(ask=ask, effort="high")):
        assert not {"temperature", "top_p", "top_logprobs", "include"} & body.keys()
    for body in (body_of(ask=ask, effort="none"), body_of("gpt-4.1", ask=ask)):
        assert (body["temperature"], body["top_logprobs"]) == (1.0, 5)
        assert body["include"] == ["message.output_text.logprobs"]
    assert "include" not in body_of("gpt-4.1", ask=ask, without=("logprobs", "top_logprobs"))
    assert "seed" not in body_of()


def test_reasoning_options() -> None:
    assert body_of(effort="low")["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body_of(effort="low", summary="detailed")["reasoning"] == {"effort": "low", "summary": "detailed"}
    assert body_of(enabled=True)["reasoning"] == {"effort": "medium", "summary": "auto"}
    assert body_of(enabled=False)["reasoning"] == {"effort": "none"}
    assert "reasoning" not in body_of()


def test_forms_and_streams() -> None:
    schema = {"type": "object"}
    ask = Ask((Message("user", "q"),), Sampling(), json_schema=schema, stream=True)
    body = body_of(ask=ask)
    assert body["text"]["format"] == {"type": "json_schema", "name": "reply", "strict": True, "schema": schema}
    assert body["stream"] is True
    assert body_of(ask=Ask((Message("user", "q"),), Sampling(), json_object=True))["text"] == {
        "format": {"type": "json_object"}
    }


async def test_a_stream_that_breaks_off() -> None:
    sent = b'data: {"type": "response.created", "response": {"status": "in_progress", "output": []}}\n\n'
    server = Recorder(lambda _: httpx2.Response(200, content=sent, headers={"content-type": "text/event-stream"}))
    async with endpoint(server, SPEC, key="k") as e:
        reply = await e.ask(Ask(ASK.messages, ASK.sampling, stream=True), purpose="reply")
    assert reply.outcome is Outcome.ERROR
