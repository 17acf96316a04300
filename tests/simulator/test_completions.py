from __future__ import annotations

import math
from typing import Any

import pytest
from openai.types import Completion

from auditor.simulator import VOCABULARY, PlantedTruth, exact_first_token_kl, first_token_logprobs, render, render_ids
from tests.simulator.support import client_of, prompts_of

PROMPTS = prompts_of("privacy", "protect", 3)
TRUTH = PlantedTruth(seed=2, drift={"privacy": 0.8})


async def complete(prompt: Any, model: str = "synthetic-baseline", **fields: Any) -> Any:
    async with client_of(TRUTH, PROMPTS) as client:
        response = await client.post("/completions", json={"model": model, "prompt": prompt, **fields})
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_official_shape() -> None:
    body = await complete("Once upon a time", max_tokens=6, logprobs=3)
    reply = Completion.model_validate(body, strict=True)
    logprobs = reply.choices[0].logprobs
    assert logprobs is not None
    assert reply.usage is not None
    assert reply.usage.completion_tokens == len(logprobs.tokens or ()) == 6
    assert all(len(top) in {3, 4} for top in logprobs.top_logprobs or ())
    assert all(token in top for token, top in zip(logprobs.tokens or (), logprobs.top_logprobs or (), strict=True))
    assert (logprobs.text_offset or [0])[0] == len("Once upon a time")


async def test_echo_scores_the_prompt() -> None:
    body = await complete("Hello there", max_tokens=0, echo=True, logprobs=2, prompt_logprobs=2)
    choice = body["choices"][0]
    assert choice["text"] == "Hello there"
    assert choice["logprobs"]["token_logprobs"][0] is None
    assert choice["logprobs"]["text_offset"][0] == 0
    assert all(value < 0 for value in choice["logprobs"]["token_logprobs"][1:])
    scored = [next(iter(one.values()))["logprob"] for one in choice["prompt_logprobs"][1:]]
    assert scored == choice["logprobs"]["token_logprobs"][1:]


async def test_a_rendered_chat_continues_like_the_chat() -> None:
    prompt = PROMPTS[0]
    for model, side in (("synthetic-baseline", "baseline"), ("synthetic-candidate", "candidate")):
        planted = first_token_logprobs(TRUTH, prompt, side)  # type: ignore[arg-type]
        for given in (render(prompt.messages), render_ids(prompt.messages)):
            body = await complete(given, model, max_tokens=1, logprobs=20)
            top = body["choices"][0]["logprobs"]["top_logprobs"][0]
            assert sorted(top.values(), reverse=True)[:20] == sorted(planted.tolist(), reverse=True)[:20]


async def test_scoring_sampled_first_tokens_recovers_the_planted_kl() -> None:
    """E_p[log p/q] over drawn tokens, as teacher forcing would estimate it, agrees with the exact figure."""
    prompt = PROMPTS[1]
    ids = render_ids(prompt.messages)
    body = await complete(ids, n=128, max_tokens=1, logprobs=1, return_token_ids=True)
    drawn = [choice["token_ids"][0] for choice in body["choices"]]
    rows = [[*ids, token] for token in sorted(set(drawn))]
    scored = await complete(rows, "synthetic-candidate", max_tokens=0, echo=True, logprobs=1)
    q = {row[-1]: choice["logprobs"]["token_logprobs"][-1] for row, choice in zip(rows, scored["choices"], strict=True)}
    planted = first_token_logprobs(TRUTH, prompt, "baseline")
    ratios = [float(planted[token]) - q[token] for token in drawn]
    mean = math.fsum(ratios) / len(ratios)
    error = (math.fsum((ratio - mean) ** 2 for ratio in ratios) / len(ratios) ** 2) ** 0.5
    assert mean == pytest.approx(exact_first_token_kl(TRUTH, prompt), abs=4 * error)


async def test_several_prompts_and_choices() -> None:
    body = await complete(["One", "Two"], n=2, max_tokens=3)
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2, 3]
    assert body["usage"]["completion_tokens"] == 12


async def test_streams_end_with_done() -> None:
    async with client_of(TRUTH) as client:
        body = {
            "model": "synthetic-baseline",
            "prompt": "Hi",
            "stream": True,
            "max_tokens": 2,
            "stream_options": {"include_usage": True},
        }
        lines = (await client.post("/completions", json=body)).text.strip().split("\n\n")
    assert lines[-1] == "data: [DONE]"
    first, last = (Completion.model_validate_json(line.removeprefix("data: ")) for line in lines[:-1])
    assert first.choices[0].finish_reason == "length"
    assert last.usage is not None


@pytest.mark.parametrize(
    "fields",
    [{"prompt": [len(VOCABULARY)]}, {"prompt": [1, "two"]}, {"logprobs": 21}, {"max_tokens": -1}, {"prompt": {}}],
)
async def test_bad_requests(fields: dict[str, Any]) -> None:
    async with client_of(TRUTH) as client:
        response = await client.post("/completions", json={"model": "synthetic-baseline", "prompt": "Hi"} | fields)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


async def test_seeds_repeat() -> None:
    one, two, other = [await complete("Hi", seed=seed, max_tokens=8) for seed in (1, 1, 2)]
    assert one == two
    assert one["choices"][0]["text"] != other["choices"][0]["text"]
