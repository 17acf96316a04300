"""Echoes, tokens asked for by id, and begun replies: what servers do with text that is given, and pretend to do."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest

from auditor.endpoints import Capabilities, probe
from auditor.records import EndpointSpec
from tests.endpoints.support import SPEC, chat, endpoint, ok

IDS = [5, 17, 41]


class Server:
    """Cuts text into words with the space before them, and gives every word its own logprob.

    Args:
        echo: "right", "shifted" (each token with the number of the next, as llama-cpp-python does), "recut" (into other
            tokens than when it was generated), "ignored" (llama.cpp), "refused", or "silent" (no logprobs at all).
        ends: whether what is generated ends with an end token.
        ids: which tokens a request for given ids lists: those ("asked"), the best ("best"), or none.
        begun: whether an assistant message at the end is continued: "always", "flagged", "never", "refused"; "untold"
            tells no sizes, "close" has one token around a message.
    """

    def __init__(self, *, echo: str = "right", ends: bool = False, ids: str = "", begun: str = "never") -> None:
        self.echo, self.ends, self.ids, self.begun = echo, ends, ids, begun
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content or b"{}")
        self.bodies.append(body)
        if request.url.path == "/v1/chat/completions":
            return self.chat(body)
        if request.url.path == "/v1/completions":
            return self.completion(body)
        if request.url.path == "/generate" and self.ids:
            rows = [[-1.0, one, None] for one in (body["token_ids_logprob"] if self.ids == "asked" else [1, 2, 3])]
            return ok({"text": "x", "meta_info": {"output_token_ids_logprobs": [rows]}})
        return httpx2.Response(404, json={"detail": "Not Found"})

    def completion(self, body: dict[str, Any]) -> httpx2.Response:
        if body.get("echo") and self.echo == "refused":
            return httpx2.Response(400, json={"error": {"message": "Only no echo is supported"}})
        made = [" very", " wide", " and", " deep"][: body["max_tokens"]]
        ended = ["<end>"] if self.ends and body["max_tokens"] > 1 else []
        given = re.findall(r" ?\w+", body["prompt"]) if body.get("echo") and self.echo != "ignored" else []
        if self.echo == "recut" and given:
            given = [part for word in given for part in (word[:2], word[2:]) if part]
        tokens = [*given, *made, *ended]
        values: list[float | None] = [-0.1 - sum(map(ord, token)) % 50 / 10 for token in tokens]
        if given:
            values = [*values[1:], -1.0] if self.echo == "shifted" else [None, *values[1:]]
        logprobs = None if self.echo == "silent" else {"tokens": tokens, "token_logprobs": values}
        return ok({"choices": [{"text": "".join([*given, *made]), "logprobs": logprobs, "finish_reason": "length"}]})

    def chat(self, body: dict[str, Any]) -> httpx2.Response:
        messages, wanted = body["messages"], body.get("logprob_token_ids")
        begun = messages[-1]["role"] == "assistant"
        if begun and self.begun == "refused":
            return httpx2.Response(400, json={"error": {"message": "the conversation must end with a user message"}})
        around = {"always": 0, "flagged": 0 if body.get("continue_final_message") else 5, "close": 1}.get(self.begun, 5)
        size = 20 + (len(messages[-1]["content"].split()) + around if begun else 0)
        listed = {"asked": wanted, "best": [1, 2, 3]}.get(self.ids) or ()
        top = [{"token": f"token_id:{one}", "logprob": -2.0} for one in (9, *listed)]
        logprobs = {"content": [{"token": "token_id:9", "logprob": -2.0, "top_logprobs": top}]} if wanted else None
        reply = chat("7", logprobs=logprobs)
        reply["usage"] = {} if self.begun == "untold" else {"prompt_tokens": size, "completion_tokens": 1}
        return ok(reply)


async def probed(server: Server, dialect: str = "vllm") -> Capabilities:
    async with endpoint(server, EndpointSpec(SPEC.base_url, "tiny", dialect)) as e:
        return await probe(e)


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize(
    ("echo", "seen"),
    [("right", True), ("shifted", False), ("recut", None), ("ignored", False), ("refused", False), ("silent", False)],
)
async def test_an_echo_counts_only_with_the_numbers_that_the_text_had(echo: str, seen: bool | None, ends: bool) -> None:
    found = await probed(Server(echo=echo, ends=ends))
    assert (found.completions, found.echo) == (True, seen)


@pytest.mark.parametrize("dialect", ["vllm", "sglang", ""])
@pytest.mark.parametrize(("ids", "seen"), [("asked", True), ("best", False), ("", False)])
async def test_tokens_asked_for_by_id_count_only_if_those_come(dialect: str, ids: str, seen: bool) -> None:
    assert (await probed(Server(ids=ids), dialect)).targeted_token_ids == seen


@pytest.mark.parametrize(
    ("begun", "seen"),
    [("always", True), ("flagged", True), ("never", False), ("refused", False), ("close", None), ("untold", None)],
)
async def test_a_begun_reply_is_told_by_the_size_of_its_prompt(begun: str, seen: bool | None) -> None:
    assert (await probed(Server(begun=begun))).prefill is seen


@pytest.mark.parametrize(
    ("dialect", "marks"),
    [
        ("vllm", {"continue_final_message": True, "add_generation_prompt": False}),
        ("sglang", {"continue_final_message": True, "add_generation_prompt": False}),
        ("llama-cpp", {}),
    ],
)
async def test_each_family_is_asked_to_continue_in_its_own_way(dialect: str, marks: dict[str, Any]) -> None:
    server = Server()
    await probed(server, dialect)
    begun = [b for b in server.bodies if b.get("messages", [{}])[-1].get("role") == "assistant"]
    assert len(begun) == 2
    for body in begun:
        fields = ("continue_final_message", "add_generation_prompt")
        assert {k: body[k] for k in fields if k in body} == marks


async def test_who_lists_another_model_and_answers_to_any_name() -> None:
    def serve(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/models":
            return ok({"data": [{"id": "served", "owned_by": "sglang"}]})
        return Server()(request)

    async with endpoint(serve, EndpointSpec(SPEC.base_url, "tiny")) as e:
        found = await probe(e)
    assert any("does not list this model" in a for a in found.anomalies)
