"""Tokens asked for by id, as vLLM 0.32 answers: the sampled one first and once, those asked for in order, raw numbers."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.records import Message
from auditor.simulator import PlantedTruth, Serving, context_bytes
from auditor.simulator.distributions import Context
from tests.simulator.support import client_of

TRUTH = PlantedTruth(serving=Serving(targeted=True, vocabulary=4000))
MESSAGES = (Message("user", "Hi"),)
BODY = {"model": "synthetic-baseline", "max_tokens": 1, "seed": 1, "logprobs": True, "return_token_ids": True}


async def chat(truth: PlantedTruth = TRUTH, **fields: Any) -> Any:
    async with client_of(truth) as client:
        body = BODY | {"messages": [{"role": "user", "content": "Hi"}]} | fields
        return await client.post("/chat/completions", json=body)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
async def test_the_tokens_that_were_asked_for_are_listed(temperature: float) -> None:
    asked = [3999, 300, 7]
    choice = (await chat(logprob_token_ids=asked, temperature=temperature)).json()["choices"][0]
    exact = Context(TRUTH, context_bytes(MESSAGES), None).logprobs("baseline")
    listed = choice["logprobs"]["content"][0]["top_logprobs"]
    order = [choice["token_ids"][0], *asked]
    assert [entry["token"] for entry in listed] == [TRUTH.lexicon("baseline").tokens[i].text for i in order]
    assert [entry["logprob"] for entry in listed] == pytest.approx([exact[i] for i in order])


async def test_tokens_can_be_named_by_id() -> None:
    content = (await chat(top_logprobs=3, return_tokens_as_token_ids=True)).json()["choices"][0]["logprobs"]["content"]
    assert all(entry["token"].startswith("token_id:") for entry in content[0]["top_logprobs"])
    # The sampled token's own bytes are real, the others' spell the print-out.
    assert bytes(content[0]["top_logprobs"][0]["bytes"]).startswith(b"token_id:")
    assert not bytes(content[0]["bytes"]).startswith(b"token_id:")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"logprob_token_ids": list(range(129))}, "max allowed: 128"),
        ({"logprob_token_ids": [4000]}, "from 0 to 3999"),
        ({"logprob_token_ids": [1], "logprobs": False}, "must be set to true"),
    ],
)
async def test_what_vllm_refuses_is_refused(fields: dict[str, Any], words: str) -> None:
    answer = await chat(**fields)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


async def test_other_servers_ignore_the_field_and_have_no_such_route() -> None:
    plain = PlantedTruth()
    choice = (await chat(plain, logprob_token_ids=[3], top_logprobs=2)).json()["choices"][0]
    assert len(choice["logprobs"]["content"][0]["top_logprobs"]) == 2
    for truth, status in ((plain, 404), (TRUTH, 200)):
        async with client_of(truth) as client:
            url = str(client.base_url).rstrip("/").removesuffix("/v1")
            answer = await client.post(f"{url}/tokenize", json={"model": BODY["model"], "prompt": "Hi there"})
            assert answer.status_code == status
    assert answer.json()["tokens"] == TRUTH.lexicon("baseline").tokenise("Hi there")


def test_a_vocabulary_has_its_bounds() -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        PlantedTruth(serving=Serving(vocabulary=100))
