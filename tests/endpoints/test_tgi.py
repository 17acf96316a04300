from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from auditor.endpoints.tgi import decode_generated, generate_body
from auditor.errors import NotAnApi
from auditor.records import Ask, EndpointSpec, Message, Outcome, Sampling
from tests.endpoints.support import ASK, endpoint, ok

SPEC = EndpointSpec("http://tgi.test", "tgi", "tgi-native")


def token(number: int, text: str, logprob: float | None = -0.5) -> dict[str, Any]:
    return {"id": number, "text": text, "logprob": logprob, "special": False}


def generated(text: str = "Yes.", finish: str = "eos_token", **details: Any) -> dict[str, Any]:
    return {
        "generated_text": text,
        "details": {"finish_reason": finish, "generated_tokens": 2, "prefill": [], "tokens": [], **details},
    }


class Server:
    """Templates write <s>, and so does /tokenize if ``doubles``."""

    def __init__(self, *, doubles: bool = True) -> None:
        self.doubles = doubles
        self.inputs: list[str] = []
        self.paths: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content)
        self.paths.append(path)
        if path == "/chat_tokenize":
            said = body["messages"][-1]["content"]
            ids = [token(1, "<s>"), token(2, f"[{said}]")]
            return ok({"templated_text": f"<s>[{said}]", "tokenize_response": ids})
        if path == "/tokenize":
            start = [token(1, "<s>")] if self.doubles else []
            return ok([*start, token(2, body["inputs"])])
        self.inputs.append(body["inputs"])
        return ok(generated(tokens=[token(7, "Yes"), token(8, ".")]))


@pytest.mark.parametrize(("doubles", "seen"), [(True, "[Hello?]"), (False, "<s>[Hello?]")])
async def test_the_model_reads_what_chat_would_have_read(doubles: bool, seen: str) -> None:
    server = Server(doubles=doubles)
    async with endpoint(server, SPEC) as e:
        reply = await e.ask(ASK, purpose="reply")
        await e.ask(Ask(ASK.messages, ASK.sampling, sample=1), purpose="reply")
    assert server.inputs == [seen, seen]
    assert reply.answer == "Yes."
    assert reply.logprobs is not None
    assert [p.sampled.id for p in reply.logprobs.positions] == [7, 8]
    # The template is asked for once per conversation, and once to settle the beginning.
    assert server.paths.count("/chat_tokenize") == 2


async def test_a_server_without_templates() -> None:
    async with endpoint(lambda _: ok({"nothing": 1}), SPEC) as e:
        with pytest.raises(NotAnApi, match="template"):
            await e.ask(ASK, purpose="reply")


def test_top_tokens_with_ties_and_a_sampled_token_beside_them() -> None:
    tops = [[token(1, "a", -0.2), token(2, "b", -2.0), token(3, "c", -2.0)]]
    reply = decode_generated(json.dumps(generated(tokens=[token(9, "x", -6.0)], top_tokens=tops)).encode())
    assert reply is not None
    assert reply.logprobs is not None
    (position,) = reply.logprobs.positions
    assert (position.sampled.id, [t.id for t in position.top]) == (9, [1, 2, 3])


def test_null_logprobs_of_prefill_and_cached_tokens() -> None:
    reply = decode_generated(
        json.dumps(generated(prefill=[token(1, "<s>", None)], tokens=[token(9, "x", None), token(8, "y")])).encode()
    )
    assert reply is not None
    assert reply.logprobs is not None
    assert reply.logprobs.positions[0].sampled.logprob is None
    assert reply.usage.prompt_tokens == 1


@pytest.mark.parametrize(
    ("finish", "outcome"), [("length", Outcome.TRUNCATED), ("stop_sequence", None), ("eos_token", None)]
)
def test_finish_reasons(finish: str, outcome: Outcome | None) -> None:
    for body in (generated(finish=finish), [generated(finish=finish)]):
        reply = decode_generated(json.dumps(body).encode())
        assert reply is not None
        assert reply.outcome == outcome


def test_a_body_of_another_kind_is_none() -> None:
    assert decode_generated(b'{"choices": []}') is None
    assert decode_generated(b"[]") is None


def test_the_request() -> None:
    ask = Ask(
        (Message("user", "q"),), Sampling(temperature=0.0, seed=3), top_logprobs=5, json_schema={"type": "object"}
    )
    got = generate_body(SPEC, ask, "text")["parameters"]
    assert got["do_sample"] is False
    assert not {"temperature", "top_p"} & got.keys()
    assert (got["seed"], got["top_n_tokens"], got["grammar"]["type"]) == (3, 5, "json")
    warm = generate_body(SPEC, Ask(ask.messages, Sampling(top_p=0.9)), "text", without=("details",))["parameters"]
    assert (warm["temperature"], warm["top_p"], warm["do_sample"]) == (1.0, 0.9, True)
    assert "details" not in warm
