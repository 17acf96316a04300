from __future__ import annotations

import json
from typing import Any

import pytest

from auditor.endpoints.decoding import decode_body, reply_of
from auditor.records import Outcome, Reply
from tests.endpoints.support import chat


def read(body: Any) -> Reply:
    decoded = decode_body(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert decoded is not None
    return reply_of(decoded)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_trace_fields(field: str) -> None:
    reply = read(chat("Yes.", **{field: "hm"}))
    assert (reply.answer, reply.trace, reply.provenance.trace_source) == ("Yes.", "hm", field)
    assert reply.outcome is None


def test_openrouter_says_the_trace_twice_and_it_is_read_once() -> None:
    reply = read(chat("Yes.", reasoning="hm", reasoning_details=[{"type": "reasoning.text", "text": "hm"}]))
    assert reply.trace == "hm"


def test_tags_in_content() -> None:
    reply = read(chat("<think>hm</think>Yes."))
    assert (reply.answer, reply.trace, reply.provenance.trace_source) == ("Yes.", "hm", "tags")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (chat("Yes."), None),
        (chat("Yes, but", finish="length"), Outcome.TRUNCATED),
        (chat(None, finish="length", reasoning="hm"), Outcome.TRUNCATED),
        (chat("<think>hm"), Outcome.TRUNCATED),
        (chat("", finish="stop"), Outcome.EMPTY),
        (chat(None, reasoning="all of it"), Outcome.EMPTY),
        (chat("I ", finish="content_filter"), Outcome.FILTERED),
        (chat("", finish="content_filter"), Outcome.FILTERED),
        (chat("x", finish="error"), Outcome.ERROR),
        (chat("x", finish="abort"), Outcome.ERROR),
        (chat(None, finish="tool_calls", tool_calls=[{"id": "1"}]), Outcome.EMPTY),
        ({"choices": []}, Outcome.EMPTY),
    ],
)
def test_outcomes_are_told_from_finish_reason_and_content(body: dict[str, Any], outcome: Outcome | None) -> None:
    reply = read(body)
    assert reply.outcome is outcome
    assert bool(reply.detail) == (outcome is not None)


def test_a_models_refusal_field_is_its_answer() -> None:
    reply = read(chat(None, refusal="I can't help with that."))
    assert (reply.answer, reply.outcome) == ("I can't help with that.", None)


def test_an_error_inside_the_choice() -> None:
    body = chat("part")
    body["choices"][0]["error"] = {"code": 502, "message": "upstream\x1b[2J died"}
    reply = read(body)
    assert reply.outcome is Outcome.ERROR
    assert "died" in reply.detail
    assert "\x1b" not in reply.detail


def test_usage_and_provenance() -> None:
    body = chat("Yes.") | {"provider": "Some Host"}
    body["usage"] |= {
        "completion_tokens_details": {"reasoning_tokens": 2},
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    reply = read(body)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (9, 3)
    assert (reply.usage.reasoning_tokens, reply.usage.cached_tokens) == (2, 4)
    assert (reply.provenance.model, reply.provenance.fingerprint, reply.provenance.provider) == (
        "tiny",
        "fp",
        "Some Host",
    )


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": -1, "completion_tokens": None}])
def test_usage_that_says_nothing(usage: Any) -> None:
    got = read(chat() | {"usage": usage}).usage
    assert (got.prompt_tokens, got.completion_tokens) == (None, None)


def test_deepseek_names_its_cache_hits_differently() -> None:
    assert read(chat() | {"usage": {"prompt_cache_hit_tokens": 64}}).usage.cached_tokens == 64


def test_nan_is_read_as_null() -> None:
    body = json.dumps(
        chat(logprobs={"content": [{"token": "a", "logprob": float("nan"), "top_logprobs": []}]})
    ).encode()
    assert b"NaN" in body
    logprobs = read(body).logprobs
    assert logprobs is not None
    assert logprobs.positions[0].sampled.logprob is None


def test_broken_logprobs_do_not_cost_the_answer() -> None:
    reply = read(chat("Yes.", logprobs=[1, 2]))
    assert reply.answer == "Yes."
    assert reply.logprobs is not None
    assert reply.logprobs.anomalies


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"{", b'{"choices": 3}', b"\x1f\x8b", b"[" * 5000])
def test_bodies_of_another_shape(body: bytes) -> None:
    assert decode_body(body) is None


def test_keep_alive_lines_before_the_body() -> None:
    assert read(b"\n\n  \n" + json.dumps(chat("Yes.")).encode()).answer == "Yes."


def misfiled(fingerprint: str, reasoning_tokens: int | None, finish: str = "stop") -> Reply:
    body = chat(None, finish=finish, reasoning="Oslo") | {"system_fingerprint": fingerprint}
    body["usage"] |= {"completion_tokens_details": {"reasoning_tokens": reasoning_tokens}}
    return read(body)


def test_an_answer_that_vllm_filed_as_reasoning_is_put_right() -> None:
    """As vLLM 0.32 with --reasoning-parser deepseek_r1 answered for a model that did not think."""
    reply = misfiled("vllm-0.32.0-3b4515fc", 0)
    assert (reply.answer, reply.trace, reply.outcome) == ("Oslo", None, None)
    assert "reasoning parser" in reply.detail


@pytest.mark.parametrize(
    ("fingerprint", "tokens", "finish"),
    [
        ("vllm-0.32.0-x", 19, "stop"),
        ("vllm-0.32.0-x", None, "stop"),
        ("vllm-0.32.0-x", 0, "length"),
        ("b1-0c1e570", 0, "stop"),
    ],
)
def test_a_trace_is_not_taken_for_an_answer(fingerprint: str, tokens: int | None, finish: str) -> None:
    reply = misfiled(fingerprint, tokens, finish)
    assert (reply.answer, reply.trace) == ("", "Oslo")
    assert reply.outcome in {Outcome.EMPTY, Outcome.TRUNCATED}
