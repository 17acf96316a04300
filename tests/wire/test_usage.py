from __future__ import annotations

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.records import Attempt, Usage
from auditor.wire.usage import tokens_of, usage_of
from tests.wire.doubles import Script, ask, reply, wire

SSE = "text/event-stream; charset=utf-8"
CASES = {
    "openai": (
        {
            "choices": [],
            "usage": {
                "prompt_tokens": 10,
                "completion_tokens": 20,
                "total_tokens": 30,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 8},
            },
        },
        Usage(10, 20, 8, 4),
    ),
    "responses": (
        {
            "usage": {
                "input_tokens": 7,
                "input_tokens_details": {"cached_tokens": 3},
                "output_tokens": 9,
                "output_tokens_details": {"reasoning_tokens": 5},
            }
        },
        Usage(7, 9, 5, 3),
    ),
    "anthropic": (
        {
            "usage": {
                "input_tokens": 5,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 20,
                "output_tokens": 6,
            }
        },
        Usage(125, 6, None, 100),
    ),
    "deepseek": (
        {"usage": {"prompt_tokens": 5, "completion_tokens": 6, "prompt_cache_hit_tokens": 2}},
        Usage(5, 6, None, 2),
    ),
    "nulls": ({"usage": {"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": None}}, Usage(5)),
    "nonsense": ({"usage": {"prompt_tokens": -1, "completion_tokens": 12.0}}, Usage(None, 12)),
    "another shape": ({"usage": "much"}, Usage()),
    "none": ({"choices": []}, Usage()),
}


@pytest.mark.parametrize("name", CASES)
def test_what_servers_say(name: str) -> None:
    body, expected = CASES[name]
    assert usage_of(msgspec.json.encode(body), "application/json") == expected


def test_streams_say_it_in_pieces() -> None:
    openai = b'data: {"choices":[],"usage":null}\n\ndata: {"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n'
    assert usage_of(openai, SSE) == Usage(3, 4)
    anthropic = (
        b'event: message_start\ndata: {"message":{"usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
        b": keep-alive\n\n"
        b'event: message_delta\ndata: {"usage":{"output_tokens":15}}\n\n'
    )
    assert usage_of(anthropic, SSE) == Usage(25, 15)
    assert usage_of(anthropic) == Usage(25, 15)
    responses = b'data: {"type":"response.completed","response":{"usage":{"input_tokens":2,"output_tokens":3}}}\n\n'
    assert usage_of(responses, SSE) == Usage(2, 3)


def test_a_body_with_nan_still_tells_its_usage() -> None:
    body = b'{"logprob": NaN, "x": [-Infinity], "usage": {"prompt_tokens": 2, "completion_tokens": 3}}'
    assert usage_of(body, "application/json") == Usage(2, 3)
    assert tokens_of(usage_of(body)) == 5


@given(st.binary(max_size=60), st.sampled_from(["", SSE, "application/json"]))
def test_nothing_a_server_sends_breaks_it(junk: bytes, content_type: str) -> None:
    assert isinstance(usage_of(b'{"usage":' + junk, content_type), Usage)
    assert isinstance(usage_of(b'data: {"usage":' + junk, content_type), Usage)


async def test_each_attempt_has_its_own_tokens_in_the_ledger() -> None:
    paid = {"text": "well", "usage": {"prompt_tokens": 3, "completion_tokens": 5}}
    billed_fault = {"error": {"code": 502, "message": "provider down"}, "usage": {"prompt_tokens": 3}}
    attempts: list[Attempt] = []
    script = Script(reply(status=500), *(httpx2.Response(200, json=body) for body in (billed_fault, paid)))
    async with wire(script, attempts=attempts) as open_:
        await ask(open_)
    assert [attempt.usage for attempt in attempts] == [Usage(), Usage(3), Usage(3, 5)]
