from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.endpoints.faults import MAX_QUOTE, clean, fault_of, read_error, unreachable
from auditor.errors import (
    AuthenticationFailed,
    CassetteMiss,
    EndpointError,
    Exhausted,
    ModelNotFound,
    NotAnApi,
    RequestRejected,
    Unreachable,
)
from auditor.records import EndpointSpec

SPEC = EndpointSpec("http://h/v1", "tiny", api_key_env="MY_KEY")
VLLM_404 = {
    "error": {"message": "The model `tiny` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}
}
OPENAI_404 = {
    "error": {"message": "The model `x` does not exist or you do not have access to it.", "code": "model_not_found"}
}
OPENAI_URL = {"error": {"message": "Invalid URL (POST /chat/completions)", "type": "invalid_request_error"}}
OPENROUTER_400 = {"error": {"message": "foo/bar is not a valid model ID", "code": 400}}
LENGTH_400 = {"error": {"message": "This model's maximum context length is 2048 tokens.", "code": 400}}
PYDANTIC_422 = {"detail": [{"loc": ["body", "top_k"], "msg": "Input should be a valid integer"}]}


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (401, {"error": {"message": "Incorrect API key provided: sk-abc"}}, AuthenticationFailed),
        (403, {}, AuthenticationFailed),
        (404, VLLM_404, ModelNotFound),
        (404, OPENAI_404, ModelNotFound),
        (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-x"}}, ModelNotFound),
        (404, {"error": "model 'x' not found, try pulling it first"}, ModelNotFound),
        (400, OPENROUTER_400, ModelNotFound),
        (404, {"detail": "Not Found"}, NotAnApi),
        (404, OPENAI_URL, NotAnApi),
        (404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, NotAnApi),
        (404, "<html>nope</html>", NotAnApi),
        (405, {"detail": "Method Not Allowed"}, NotAnApi),
        (302, "", NotAnApi),
        (400, LENGTH_400, RequestRejected),
        (422, PYDANTIC_422, RequestRejected),
        (402, {"error": {"message": "Insufficient credits"}}, RequestRejected),
        (429, {}, Exhausted),
        (503, "<html>", Exhausted),
    ],
)
def test_each_answer_has_its_leaf(status: int, body: Any, leaf: type[EndpointError]) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    fault = fault_of(httpx2.Response(status, content=content.encode()), SPEC, key="sk-abc")
    assert type(fault) is leaf
    assert fault.todo
    assert fault.exit_code == 4
    assert "sk-abc" not in str(fault)


def test_authentication_names_the_variable() -> None:
    fault = fault_of(httpx2.Response(401), SPEC, key="k")
    assert "MY_KEY" in str(fault)
    assert "api_key_env" in str(fault_of(httpx2.Response(401), EndpointSpec("http://h/v1", "m")))


def test_the_servers_words_are_quoted() -> None:
    fault = fault_of(httpx2.Response(400, json=LENGTH_400), SPEC)
    assert "maximum context length is 2048" in fault.what


def test_a_validation_detail_is_quoted_in_words() -> None:
    fault = fault_of(httpx2.Response(422, json=PYDANTIC_422), SPEC)
    assert "valid integer" in fault.what


def test_words_are_made_harmless() -> None:
    fault = fault_of(
        httpx2.Response(400, json={"error": {"message": "\x1b[2Jno\u202e\n way, sk-1 " + "x" * 999}}), SPEC, key="sk-1"
    )
    assert "\x1b" not in fault.what
    assert "\u202e" not in fault.what
    assert "\n" not in fault.what
    assert "sk-1" not in fault.what
    assert len(fault.what) < MAX_QUOTE + 100


@given(st.text())
def test_clean_is_short_printable_and_one_line(text: str) -> None:
    got = clean(text)
    assert len(got) <= MAX_QUOTE
    assert got == got.strip()
    assert all(c.isprintable() or c == "…" for c in got)


@given(st.binary(max_size=40))
def test_any_error_body_can_be_read(body: bytes) -> None:
    assert isinstance(read_error(body).message, str)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "content_filter", "message": "…", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        {"error": {"code": "invalid_prompt", "message": "flagged as potentially violating our usage policy"}},
        {
            "error": {
                "code": 403,
                "message": "requires moderation",
                "metadata": {"flagged_input": "…", "reasons": ["x"]},
            }
        },
    ],
)
def test_a_providers_moderation_is_told_apart(body: dict[str, Any]) -> None:
    assert read_error(json.dumps(body).encode()).flagged


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b'{"error": 7}', b"\xff", b'{"error": {"message": null}}'])
def test_bodies_that_say_nothing(body: bytes) -> None:
    assert read_error(body).message == ""


def test_our_own_errors_come_through_a_vendors_wrapping() -> None:
    miss = CassetteMiss("not recorded")
    wrapped = RuntimeError("Connection error.")
    wrapped.__cause__ = miss
    assert unreachable(wrapped, SPEC) is miss


def test_connection_faults() -> None:
    assert "can't be reached" in str(unreachable(httpx2.ConnectError("refused"), SPEC))
    late = unreachable(httpx2.ReadTimeout(""), SPEC)
    assert isinstance(late, Unreachable)
    assert "in time" in late.what
