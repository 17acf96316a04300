from __future__ import annotations

import itertools
import json
from functools import partial
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.defaults import STREAM_FROM_TOKENS
from auditor.endpoints.decoding import decode_body, reply_of
from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.requests import chat_body
from auditor.endpoints.streaming import BROKEN_OFF, chat_of, events, is_stream, message_of, response_of
from auditor.plan import parse_endpoint
from auditor.records import Ask, EndpointSpec, Message, Outcome, Reply, Sampling
from tests.endpoints.support import ASK, Recorder, chat, endpoint, ok

STREAMED = Ask(messages=ASK.messages, sampling=ASK.sampling, stream=True)


def sse(*chunks: Any, end: bool = True) -> bytes:
    lines = [f"data: {json.dumps(c)}" for c in chunks] + (["data: [DONE]"] if end else [])
    return ("\n\n".join(lines) + "\n\n").encode()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "tiny", "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


def reply(content: bytes) -> Reply:
    body = decode_body(json.dumps(chat_of(events(content))).encode())
    assert body is not None
    return reply_of(body)


def test_pieces_make_a_whole() -> None:
    entry = {"token": "a", "logprob": -0.1, "top_logprobs": []}
    got = reply(
        b": keep-alive\n\n"
        + sse(
            chunk({"role": "assistant", "content": ""}),
            chunk({"reasoning_content": "h"}),
            chunk({"reasoning_content": "m"}, logprobs={"content": [entry]}),
            chunk({"content": "Y"}, logprobs={"content": [entry, entry]}),
            chunk({"content": "es."}, logprobs=None),
            chunk({}, "stop"),
            {"model": "tiny", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
        )
    )
    assert (got.answer, got.trace, got.finish_reason) == ("Yes.", "hm", "stop")
    assert got.logprobs is not None
    assert len(got.logprobs.positions) == 3
    assert got.usage.completion_tokens == 4


def test_logprobs_that_come_with_an_empty_delta_count() -> None:
    """As vLLM 0.32 streams."""
    entry = {"token": "</think>", "logprob": -0.1, "top_logprobs": []}
    got = reply(sse(chunk({"content": "x"}), chunk({}, logprobs={"content": [entry]}), chunk({}, "stop")))
    assert got.logprobs is not None
    assert got.logprobs.positions[0].sampled.token == "</think>"


def test_other_choices_and_comments_are_left_out() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": None}]}
    got = reply(b"data: not json\n\n: ping\n\n" + sse(chunk({"content": "yes"}), other, chunk({}, "stop")))
    assert got.answer == "yes"


def test_blocks_of_mistral_are_joined() -> None:
    def thought(text: str) -> dict[str, Any]:
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}

    got = reply(
        sse(chunk(thought("h")), chunk(thought("m")), chunk({"content": "Y"}), chunk({"content": "es"}, "stop"))
    )
    assert (got.trace, got.answer) == ("hm", "Yes")


def test_reasoning_details_are_joined() -> None:
    parts = [chunk({"reasoning_details": [{"type": "reasoning.text", "text": t}]}) for t in "hm"]
    assert reply(sse(*parts, chunk({"content": "Yes"}, "stop"))).trace == "hm"


def test_numbers_that_are_no_json_are_nulls() -> None:
    raw = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "x", "logprob": NaN}]}}]}\n\n'
    got = reply(raw + sse(chunk({}, "stop")))
    assert got.logprobs is not None
    assert got.logprobs.positions[0].sampled.logprob is None


@pytest.mark.parametrize(
    ("content", "outcome", "detail"),
    [
        (sse(chunk({"content": "half a"}), end=False), Outcome.ERROR, BROKEN_OFF),
        (
            sse(chunk({"content": "half a"}), {"error": {"message": "overloaded"}}, end=False),
            Outcome.ERROR,
            "overloaded",
        ),
        (sse(chunk({"content": "half a"}, "length")), Outcome.TRUNCATED, ""),
        (sse(chunk({"content": ""}, "content_filter")), Outcome.FILTERED, ""),
        (sse(chunk({"reasoning": "hm"}, "stop")), Outcome.EMPTY, ""),
        (sse(), Outcome.EMPTY, "no choices"),
    ],
)
def test_outcomes(content: bytes, outcome: Outcome, detail: str) -> None:
    got = reply(content)
    assert got.outcome == outcome
    assert detail in got.detail


@given(st.text(), st.lists(st.integers(0, 200), max_size=6))
def test_where_a_text_is_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(c, len(text)) for c in cuts), len(text)]
    pieces = [chunk({"content": text[a:b]}) for a, b in itertools.pairwise(places)]
    assert chat_of(events(sse(*pieces, chunk({}, "stop"))))["choices"][0]["message"].get("content", "") == text


@given(st.binary(max_size=300))
def test_no_bytes_break_it(content: bytes) -> None:
    for assemble in (chat_of, message_of, response_of):
        assemble(events(b"data: " + content + b"\n\n"))


async def test_a_question_that_streams_through_an_endpoint() -> None:
    def serve(body: dict[str, Any]) -> httpx2.Response:
        assert body["stream_options"] == {"include_usage": True}
        content = sse(chunk({"content": "Hi."}), chunk({}, "stop"))
        return httpx2.Response(200, content=content, headers={"content-type": "text/event-stream"})

    async with endpoint(Recorder(serve)) as e:
        got = await e.ask(STREAMED, purpose="reply")
    assert (got.answer, got.provenance.streamed) == ("Hi.", True)


async def test_a_server_that_does_not_stream_answers_whole() -> None:
    async with endpoint(Recorder(lambda _: ok(chat("Hi.")))) as e:
        got = await e.ask(STREAMED, purpose="reply")
    assert (got.answer, got.provenance.streamed) == ("Hi.", False)


async def test_a_server_that_refuses_streams_is_asked_without() -> None:
    def serve(body: dict[str, Any]) -> httpx2.Response:
        for name in ("stream_options", "stream"):
            if name in body:
                return httpx2.Response(400, json={"error": {"message": f"`{name}` is not supported"}})
        return ok(chat("Hi."))

    server = Recorder(serve)
    async with endpoint(server) as e:
        assert (await e.ask(STREAMED, purpose="reply")).answer == "Hi."
    assert [("stream" in b, "stream_options" in b) for b in server.bodies] == [
        (True, True),
        (True, False),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("dialect", "max_tokens", "top", "stream", "expected"),
    [
        ("", STREAM_FROM_TOKENS, None, None, True),
        ("", STREAM_FROM_TOKENS - 1, None, None, False),
        ("", STREAM_FROM_TOKENS, 5, None, True),
        ("sglang", STREAM_FROM_TOKENS, 5, None, False),
        ("sglang", STREAM_FROM_TOKENS, None, None, True),
        ("", 16, None, True, True),
        ("", STREAM_FROM_TOKENS, None, False, False),
    ],
)
def test_long_replies_are_streamed(
    dialect: str, max_tokens: int, top: int | None, stream: bool | None, expected: bool
) -> None:
    ask = Ask((Message("user", "q"),), Sampling(max_tokens=max_tokens), top_logprobs=top, stream=stream)
    assert ("stream" in chat_body(EndpointSpec("u", "m"), dialect_named(dialect), ask)) == expected


def test_the_plan_can_forbid_streams() -> None:
    ask = Ask((Message("user", "q"),), Sampling(max_tokens=STREAM_FROM_TOKENS))
    body = chat_body(EndpointSpec("u", "m", extra_body={"stream": False}), dialect_named(""), ask)
    assert body["stream"] is False
    assert "stream_options" not in body


def _always(response: httpx2.Response, _: Any) -> httpx2.Response:
    return response


async def test_anthropic_streams() -> None:
    stream = [
        {"type": "message_start", "message": {"model": "claude-x", "content": [], "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Y"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "es"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    broken = [*stream[:-2], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]
    for sent, outcome, detail in (
        (stream, None, ""),
        (broken, Outcome.ERROR, "Overloaded"),
        (stream[:-2], Outcome.ERROR, ""),
    ):
        content = sse(*sent, end=False)
        response = httpx2.Response(200, content=content, headers={"content-type": "text/event-stream"})
        server = Recorder(partial(_always, response))
        async with endpoint(server, parse_endpoint("anthropic:claude-x"), key="k") as e:
            got = await e.ask(STREAMED, purpose="reply")
        assert (got.answer, got.trace, got.outcome) == ("Yes", "hm", outcome)
        assert detail in got.detail
        assert got.usage.prompt_tokens == 3


def test_a_stream_is_known_by_its_type_or_its_looks() -> None:
    stream = {"content-type": "text/event-stream; charset=utf-8"}
    assert is_stream(httpx2.Response(200, content=b"", headers=stream))
    assert is_stream(httpx2.Response(200, content=b"data: {}\n\n", headers={"content-type": "text/plain"}))
    assert not is_stream(httpx2.Response(200, content=b'{"a": 1}', headers={"content-type": "application/json"}))
