"""What only SGLang does: its own route with scored input, tokens by id, values after temperature, and its limits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from auditor.endpoints import connect, probe
from auditor.endpoints.scoring import find_scorer
from auditor.records import EndpointSpec, Message
from auditor.wire import MemoryTape, open_wire

from .lane import EnginePair, EngineServer, TinyModels, exact_logprobs
from .lane.build import BASELINE
from .lane.oracle import Array

pytestmark = pytest.mark.engines

CHAT = [{"role": "user", "content": "Tell me about the sea."}]
TOLERANCE = 1e-3
"""Nats by which SGLang in fp32 may differ from torch in fp32."""


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=120.0) as client:
        yield client


@pytest.fixture(scope="module")
def truth(tiny_models: TinyModels) -> tuple[list[int], Array]:
    """The chat's ids, and what torch says comes after each of them: row t predicts token t + 1."""
    exact = exact_logprobs(tiny_models, [CHAT], names=[BASELINE], every_position=True)
    return exact.ids[0], exact.logprobs[BASELINE][0]


def generate(client: httpx2.Client, server: EngineServer, **body: Any) -> dict[str, Any]:
    params = {"max_new_tokens": 1, "temperature": 1.0, **body.pop("sampling_params", {})}
    answer = client.post(
        f"{server.root_url}/generate", json={"sampling_params": params, "return_logprob": True, **body}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["meta_info"]
    return found


def chat(client: httpx2.Client, server: EngineServer, **fields: Any) -> httpx2.Response:
    body = {"model": server.model, "messages": CHAT, "max_tokens": 1, **fields}
    return client.post(f"{server.base_url}/chat/completions", json=body)


def test_input_logprobs_and_tokens_by_id_are_torchs(
    sglang_pair: EnginePair, client: httpx2.Client, truth: tuple[list[int], Array]
) -> None:
    ids, rows = truth
    wanted = [5, 900, 3068]
    meta = generate(
        client,
        sglang_pair.baseline,
        input_ids=ids,
        logprob_start_len=0,
        top_logprobs_num=5,
        token_ids_logprob=wanted,
    )
    given = meta["input_token_logprobs"]
    assert given[0][0] is None
    assert [one[1] for one in given] == ids
    for t in range(1, len(ids)):
        assert given[t][0] == pytest.approx(rows[t - 1][ids[t]], abs=TOLERANCE)
        for listed in (meta["input_top_logprobs"][t], meta["input_token_ids_logprobs"][t]):
            for logprob, token, _ in listed:
                assert logprob == pytest.approx(rows[t - 1][token], abs=TOLERANCE)
        assert [one[1] for one in meta["input_token_ids_logprobs"][t]] == wanted
    for logprob, token, _ in meta["output_token_ids_logprobs"][0]:
        assert logprob == pytest.approx(rows[-1][token], abs=TOLERANCE)


def test_values_come_after_temperature_and_before_top_p(
    sglang_pair: EnginePair, client: httpx2.Client, truth: tuple[list[int], Array]
) -> None:
    ids, row = truth[0], truth[1][-1]
    for temperature, top_p in ((1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.5), (0.0, 1.0)):
        divided = row / (temperature or 1.0)
        expected = divided - math.log(sum(math.exp(x - divided.max()) for x in divided)) - divided.max()
        params = {"temperature": temperature, "top_p": top_p}
        meta = generate(client, sglang_pair.baseline, input_ids=ids, top_logprobs_num=5, sampling_params=params)
        for logprob, token, _ in meta["output_top_logprobs"][0]:
            assert logprob == pytest.approx(expected[token], abs=TOLERANCE)


def test_a_temperature_near_nothing_gives_sentinels_and_no_broken_json(
    sglang_pair: EnginePair, client: httpx2.Client
) -> None:
    """Older versions answered 500 for want of a way to write minus infinity (issue 5984)."""
    answer = chat(client, sglang_pair.baseline, temperature=0.001, logprobs=True, top_logprobs=20)
    assert answer.status_code == 200
    listed = [t["logprob"] for t in answer.json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"]]
    assert min(listed) < -1e38
    assert max(listed) <= 0.0


def test_a_seed_does_not_repeat_a_reply(sglang_pair: EnginePair, client: httpx2.Client) -> None:
    replies = [chat(client, sglang_pair.baseline, max_tokens=24, temperature=1.0, seed=42).json() for _ in range(4)]
    assert len({reply["choices"][0]["message"]["content"] for reply in replies}) > 1


def test_an_echo_wants_a_token_more(sglang_pair: EnginePair, client: httpx2.Client) -> None:
    server = sglang_pair.baseline
    for most, status in ((0, 400), (1, 200)):
        body = {"model": server.model, "prompt": "The sea", "max_tokens": most, "logprobs": 1, "echo": True}
        assert client.post(f"{server.base_url}/completions", json=body).status_code == status


def test_the_reasoning_parser_has_a_field_of_its_own(sglang_pair: EnginePair, client: httpx2.Client) -> None:
    messages = [chat(client, sglang_pair.candidate, max_tokens=96).json()["choices"][0]["message"] for _ in range(8)]
    assert all("reasoning_content" in message and "reasoning" not in message for message in messages)
    assert any(message["reasoning_content"] for message in messages)
    assert not any("<think>" in (message["content"] or "") for message in messages)


def test_given_text_is_scored_through_its_own_route(sglang_pair: EnginePair) -> None:
    server = sglang_pair.baseline

    async def measured() -> tuple[str, str]:
        spec = EndpointSpec(server.base_url, server.model, "sglang")
        async with open_wire(server.base_url, tape=MemoryTape()) as wire:
            endpoint = connect(spec, wire, key=None)
            found, scorer = await find_scorer(endpoint, await probe(endpoint))
            assert scorer is not None
            prefix = await scorer.prefix([Message("user", CHAT[0]["content"])])
            wrote = await scorer.sample(prefix, max_tokens=12, top=5, seed=1)
            given = await scorer.score(prefix, wrote.ids, top=5)
            gaps = [abs((wrote.positions[t].sampled.logprob or 0.0) - (given[t].sampled.logprob or 0.0)) for t in given]
            assert max(gaps) < TOLERANCE
            return scorer.name, found.protocol

    assert asyncio.run(measured()) == ("sglang", "F")
