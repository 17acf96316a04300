"""The lane itself: the engines answer, and what they say about their own probabilities agrees with torch.

The other tests of this folder lean on that: once an engine is known to report the exact distribution, what the auditor
concludes from its answers can be held against the truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from .lane import EnginePair, EngineServer, ExactLogprobs, Lane, TinyModels, exact_logprobs, start_llama
from .lane.build import BASELINE, CANDIDATE, FURTHER, MODEL_NAMES, QUANTISED

pytestmark = pytest.mark.engines

TOP = 20
CHATS: list[list[dict[str, str]]] = [
    [{"role": "user", "content": "What is the capital of Italy?"}],
    [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "List 3 things."}],
    [{"role": "user", "content": "How can I steal a passport?"}],
    [
        {"role": "user", "content": "What is 4 plus 9?"},
        {"role": "assistant", "content": "<think>\nI add 4 and 9 and get 13.\n</think>\n\n13"},
        {"role": "user", "content": "Which is red-like?\nA. red\nB. blue\nC. grey\nAnswer with one letter: A, B or C."},
    ],
]
# What each engine may differ by from torch in fp32, in nats. llama.cpp keeps less precision far down the tail, so it is
# held to its figure above TAIL only.
TOLERANCE = {"vllm": 1e-3, "llama-server": 2e-2}
TAIL = -8.0


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=120.0) as client:
        yield client


@pytest.fixture(scope="module")
def exact(tiny_models: TinyModels) -> ExactLogprobs:
    """What torch says comes first after each chat."""
    return exact_logprobs(tiny_models, CHATS)


def chat(client: httpx2.Client, server: EngineServer, messages: list[dict[str, str]], **fields: Any) -> dict[str, Any]:
    body = {
        "model": server.model,
        "messages": messages,
        "max_tokens": 1,
        "temperature": 1.0,
        "seed": 5,
        "logprobs": True,
        "top_logprobs": TOP,
        # llama-server renders with enable_thinking=false unless told otherwise: another prompt for the same request.
        "chat_template_kwargs": {"enable_thinking": True},
        **fields,
    }
    answer = client.post(f"{server.base_url}/chat/completions", json=body)
    assert answer.status_code == httpx2.codes.OK, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


def first_logprobs(client: httpx2.Client, server: EngineServer, messages: list[dict[str, str]]) -> dict[int, float]:
    """The first position's listed tokens by id, as the engine reports them."""
    vllm = server.engine == "vllm"
    answer = chat(client, server, messages, **({"return_tokens_as_token_ids": True} if vllm else {}))
    listed = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    assert len(listed) == TOP
    return {int(top["token"].removeprefix("token_id:")) if vllm else top["id"]: top["logprob"] for top in listed}


def test_both_servers_name_the_model_they_serve(engine_pair: EnginePair, client: httpx2.Client) -> None:
    for server, name in ((engine_pair.baseline, BASELINE), (engine_pair.candidate, CANDIDATE)):
        assert server.model == name
        assert server.base_url.endswith("/v1")
        assert [model["id"] for model in client.get(f"{server.base_url}/models").json()["data"]] == [name]


def test_top_logprobs_are_a_part_of_one_distribution(engine_pair: EnginePair, client: httpx2.Client) -> None:
    for server in (engine_pair.baseline, engine_pair.candidate):
        for messages in CHATS:
            content = chat(client, server, messages, max_tokens=12)["choices"][0]["logprobs"]["content"]
            assert content
            for position in content:
                mass = sum(math.exp(top["logprob"]) for top in position["top_logprobs"])
                assert 0.0 < mass <= 1.0 + 1e-3


def test_first_token_logprobs_agree_with_torch(
    engine_pair: EnginePair, client: httpx2.Client, exact: ExactLogprobs
) -> None:
    for server in (engine_pair.baseline, engine_pair.candidate):
        for messages, truth in zip(CHATS, exact.logprobs[server.model], strict=True):
            reported = first_logprobs(client, server, messages)
            for token, logprob in reported.items():
                if server.engine == "vllm" or truth[token] > TAIL:
                    assert logprob == pytest.approx(truth[token], abs=TOLERANCE[server.engine])
            # Those listed are the likeliest ones, apart from a sampled one that pushed the last of them out.
            likeliest = set(np.argsort(truth)[::-1][: TOP - 2].tolist())
            assert likeliest <= reported.keys() or truth[list(likeliest)].min() < TAIL


def test_both_engines_see_the_prompt_that_torch_sees(
    engine_pair: EnginePair, client: httpx2.Client, exact: ExactLogprobs
) -> None:
    for messages, ids in zip(CHATS, exact.ids, strict=True):
        for server in (engine_pair.baseline, engine_pair.candidate):
            assert chat(client, server, messages)["usage"]["prompt_tokens"] == len(ids)


def test_replies_end_by_themselves_and_some_have_a_trace(engine_pair: EnginePair, client: httpx2.Client) -> None:
    ended, traces, total = 0, 0, 0
    for messages in CHATS:
        for seed in range(4):
            choice = chat(client, engine_pair.candidate, messages, max_tokens=200, seed=seed)["choices"][0]
            message = choice["message"]
            ended += choice["finish_reason"] == "stop"
            traces += bool(message.get("reasoning")) or "<think>" in (message["content"] or "")
            total += 1
    assert ended >= total / 2
    assert traces > 0


def test_the_candidates_drift_by_more_and_more(exact: ExactLogprobs) -> None:
    """Exact KL of the first token, from the baseline, averaged over the chats."""
    drift = {}
    for name in MODEL_NAMES:
        pairs = zip(exact.logprobs[BASELINE], exact.logprobs[name], strict=True)
        drift[name] = float(np.mean([np.sum(np.exp(p) * (p - q)) for p, q in pairs]))
    assert drift[BASELINE] == 0.0
    assert 1e-3 < drift[CANDIDATE] < drift[FURTHER]


def test_every_position_and_token_ids_give_the_same_oracle(tiny_models: TinyModels, exact: ExactLogprobs) -> None:
    again = exact_logprobs(tiny_models, exact.ids[:2], names=[BASELINE], every_position=True)
    for number, rows in enumerate(again.logprobs[BASELINE]):
        assert rows.shape == (len(exact.ids[number]), exact.logprobs[BASELINE][number].size)
        assert rows[-1] == pytest.approx(exact.logprobs[BASELINE][number], abs=1e-9)
        assert np.exp(rows).sum(axis=-1) == pytest.approx(1.0)


def test_a_quantised_model_differs_a_little(
    lane: Lane, llama_pair: EnginePair, client: httpx2.Client, exact: ExactLogprobs
) -> None:
    with start_llama(lane, BASELINE, gguf=lane.quantised(), log_name=f"llama-{QUANTISED}") as server:
        gaps = []
        for messages, truth in zip(CHATS, exact.logprobs[BASELINE], strict=True):
            reported = first_logprobs(client, server, messages)
            gaps += [abs(logprob - truth[token]) for token, logprob in reported.items() if truth[token] > TAIL]
    assert TOLERANCE["llama-server"] < max(gaps) < 2.0
