from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx2
import numpy as np
import pytest
from openai.types import CompletionUsage, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from auditor.records import SIDES
from auditor.simulator import (
    CANDIDATE_MODEL,
    JUDGE_MODEL,
    MODEL_OF,
    VOCABULARY,
    Author,
    BySide,
    PlantedTruth,
    Serving,
    first_token_logprobs,
    preset,
    render_ids,
)
from tests.simulator.support import all_prompts, body_of, chat, client_of, prompts_of

PROMPTS = all_prompts(3)
PROMPT = PROMPTS[0]
TRUTH = preset("demo", seed=5)
FIRST: dict[str, Any] = {"max_tokens": 1, "logprobs": True, "top_logprobs": 20}


async def test_models_say_that_they_are_synthetic() -> None:
    async with client_of(TRUTH) as client:
        body = (await client.get("/models")).json()
    models = [Model.model_validate(entry) for entry in body["data"]]
    assert [model.id for model in models] == ["synthetic-baseline", "synthetic-candidate", "synthetic-judge"]
    assert all("synthetic" in model.owned_by for model in models)


@pytest.mark.parametrize("model", ["synthetic-baseline", "synthetic-candidate", "synthetic-judge"])
@pytest.mark.parametrize("fields", [{}, {"logprobs": True, "top_logprobs": 5}, FIRST, {"n": 3}])
async def test_replies_have_the_official_shape(model: str, fields: dict[str, Any]) -> None:
    async with client_of(TRUTH, PROMPTS) as client:
        body = await chat(client, PROMPT, model, **fields)
    reply = ChatCompletion.model_validate(body, strict=True)
    assert reply.model == model
    assert reply.system_fingerprint is not None
    assert reply.system_fingerprint.startswith("synthetic-")
    assert [choice.index for choice in reply.choices] == list(range(fields.get("n", 1)))
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == len(render_ids(PROMPT.messages))
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    if fields.get("logprobs"):
        logprobs = reply.choices[0].logprobs
        assert logprobs is not None
        assert logprobs.content is not None
        assert len(logprobs.content) == reply.usage.completion_tokens
    else:
        assert reply.choices[0].logprobs is None


async def test_replies_are_the_planted_ones() -> None:
    author = Author(TRUTH, PROMPTS)
    async with client_of(TRUTH, PROMPTS) as client:
        for prompt in PROMPTS:
            for side in SIDES:
                body = await chat(client, prompt, MODEL_OF[side], seed=8)
                planted = author.reply(side, prompt.messages, "seed 8")
                message = body["choices"][0]["message"]
                if planted.outcome == "complete":
                    assert (message["content"], message["reasoning"]) == (planted.answer, planted.trace)


async def test_tokens_spell_the_reply() -> None:
    prompt = prompts_of("privacy", "protect", 1)[0]
    truth = PlantedTruth(good={"privacy": BySide(0, 0)})
    async with client_of(truth, [prompt]) as client:
        body = await chat(client, prompt, CANDIDATE_MODEL, logprobs=True, top_logprobs=3)
    choice = body["choices"][0]
    spelled = b"".join(bytes(entry["bytes"]) for entry in choice["logprobs"]["content"]).decode()
    assert spelled == f"{choice['message']['reasoning']}</think>{choice['message']['content']}"
    assert "é" in spelled


@pytest.mark.parametrize("side", SIDES)
async def test_the_first_token_list_is_the_planted_top(side: Any) -> None:
    async with client_of(TRUTH, PROMPTS) as client:
        for prompt in PROMPTS[::3]:
            planted = first_token_logprobs(TRUTH, prompt, side)
            order = np.argsort(-planted)[:20]
            for fields in (FIRST, {"logprobs": True, "top_logprobs": 20}):
                body = await chat(client, prompt, MODEL_OF[side], seed=0, **fields)
                content = body["choices"][0]["logprobs"]["content"]
                if not content:
                    continue
                assert [bytes(entry["bytes"]) for entry in content[0]["top_logprobs"]] == [
                    VOCABULARY[one].raw for one in order
                ]
                assert [entry["logprob"] for entry in content[0]["top_logprobs"]] == [
                    float(planted[one]) for one in order
                ]


async def test_single_tokens_are_drawn_from_the_distribution() -> None:
    planted = first_token_logprobs(TRUTH, PROMPT, "baseline")
    by_bytes = {token.raw: float(planted[token.id]) for token in VOCABULARY}
    counts: Counter[bytes] = Counter()
    async with client_of(TRUTH, PROMPTS) as client:
        for _ in range(20):
            body = await chat(client, PROMPT, n=100, max_tokens=1, logprobs=True)
            for choice in body["choices"]:
                (entry,) = choice["logprobs"]["content"]
                assert entry["logprob"] == by_bytes[bytes(entry["bytes"])]
                assert choice["finish_reason"] == ("stop" if entry["token"] == "<|end|>" else "length")
                counts[bytes(entry["bytes"])] += 1
    for raw, logprob in sorted(by_bytes.items(), key=lambda item: -item[1])[:6]:
        chance = float(np.exp(logprob))
        assert abs(counts[raw] / 2000 - chance) < 4.5 * (chance * (1 - chance) / 2000) ** 0.5


async def test_raw_logprobs_do_not_depend_on_temperature_and_scaled_do() -> None:
    scaled = PlantedTruth(seed=TRUTH.seed, serving=Serving(logprobs="scaled"))
    raw = PlantedTruth(seed=TRUTH.seed)
    values = {}
    for name, truth in (("raw", raw), ("scaled", scaled)):
        async with client_of(truth, PROMPTS) as client:
            for temperature in (1.0, 2.0):
                body = await chat(client, PROMPT, temperature=temperature, **FIRST)
                top = body["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
                values[name, temperature] = [entry["logprob"] for entry in top]
    assert values["raw", 1.0] == values["raw", 2.0] == values["scaled", 1.0]
    assert values["scaled", 2.0][0] < values["raw", 2.0][0]


async def test_seeds_repeat_and_differ() -> None:
    async with client_of(TRUTH, PROMPTS) as client, client_of(TRUTH, PROMPTS) as other:
        replies = [json.dumps(await chat(client, PROMPT, seed=seed, max_tokens=1)) for seed in range(30)]
        assert replies[4] == json.dumps(await chat(client, PROMPT, seed=4, max_tokens=1))
        assert replies[4] == json.dumps(await chat(other, PROMPT, seed=4, max_tokens=1))
        assert len({json.loads(reply)["choices"][0]["message"]["content"] for reply in replies}) > 3


async def test_without_seed_each_repetition_is_a_fresh_draw() -> None:
    repeating = PlantedTruth(serving=Serving(unseeded="repeat"))
    async with client_of(TRUTH, PROMPTS) as client, client_of(repeating, PROMPTS) as same:
        assert len({str(await chat(client, PROMPT)) for _ in range(10)}) == 10
        assert len({str(await chat(same, PROMPT)) for _ in range(10)}) == 1


async def test_where_the_trace_appears() -> None:
    planted = Author(PlantedTruth(), PROMPTS).reply("candidate", PROMPT.messages, "seed 0")
    for field in ("reasoning", "reasoning_content", "tags"):
        truth = PlantedTruth(serving=Serving(reasoning_field=field))
        async with client_of(truth, PROMPTS) as client:
            body = await chat(client, PROMPT, CANDIDATE_MODEL, seed=0)
        message = body["choices"][0]["message"]
        if field == "tags":
            assert message["content"] == f"<think>{planted.trace}</think>\n\n{planted.answer}"
        else:
            assert (message[field], message["content"]) == (planted.trace, planted.answer)
        assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] > 5


async def test_a_cut_inside_the_trace_leaves_no_answer() -> None:
    for field, trace in (("reasoning", "reasoning"), ("tags", "content")):
        truth = PlantedTruth(serving=Serving(reasoning_field=field))  # type: ignore[arg-type]
        async with client_of(truth, PROMPTS) as client:
            for limit in (1, 5):
                choice = (await chat(client, PROMPT, CANDIDATE_MODEL, max_tokens=limit))["choices"][0]
                assert choice["finish_reason"] == "length"
                assert choice["message"][trace]
                assert "</think>" not in str(choice)
                assert field == "tags" or choice["message"]["content"] is None


async def test_planted_outcomes() -> None:
    for outcome, finish in (("truncated", "length"), ("empty", "stop"), ("filtered", "content_filter")):
        truth = PlantedTruth(**{outcome: BySide(1, 1)})  # type: ignore[arg-type]
        async with client_of(truth, PROMPTS) as client:
            choice = (await chat(client, PROMPT))["choices"][0]
        assert choice["finish_reason"] == finish
        assert bool(choice["message"]["content"]) is (outcome == "truncated")


async def test_prompt_logprobs_are_those_of_the_prompt() -> None:
    async with client_of(TRUTH, PROMPTS) as client:
        body = await chat(client, PROMPT, prompt_logprobs=3, return_token_ids=True, max_tokens=2)
    ids = render_ids(PROMPT.messages)
    assert body["prompt_token_ids"] == ids
    assert len(body["choices"][0]["token_ids"]) == 2
    assert body["prompt_logprobs"][0] is None
    for token, entries in zip(ids[1:], body["prompt_logprobs"][1:], strict=True):
        assert next(iter(entries)) == str(token)
        assert entries[str(token)]["decoded_token"] == VOCABULARY[token].text
        assert {1, 2, 3} <= {entry["rank"] for entry in entries.values()}
        assert len(entries) == 3 + (entries[str(token)]["rank"] > 3)


def chunks_of(response: httpx2.Response) -> list[ChatCompletionChunk]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [ChatCompletionChunk.model_validate_json(line) for line in lines[:-1]]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content", "tags"])
@pytest.mark.parametrize("limit", [1, 4, 500])
async def test_streams_carry_the_same_reply(field: Any, limit: int) -> None:
    prompt = prompts_of("privacy", "protect", 1)[0]
    truth = PlantedTruth(good={"privacy": BySide(0, 0)}, serving=Serving(reasoning_field=field))
    fields = {"seed": 3, "logprobs": True, "top_logprobs": 4, "max_tokens": limit}
    async with client_of(truth, [prompt]) as client:
        whole = (await chat(client, prompt, CANDIDATE_MODEL, **fields))["choices"][0]
        streamed = body_of(prompt, CANDIDATE_MODEL, stream=True, stream_options={"include_usage": True}, **fields)
        response = await client.post("/chat/completions", json=streamed)
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, last = chunks_of(response)
    deltas = [chunk.choices[0].delta.model_dump() for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content") or "" for delta in deltas) == (whole["message"]["content"] or "")
    if field != "tags":
        assert "".join(delta.get(field) or "" for delta in deltas) == whole["message"][field]
    entries = [
        entry.model_dump()
        for chunk in chunks
        if (logprobs := chunk.choices[0].logprobs) is not None
        for entry in logprobs.content or ()
    ]
    assert entries == whole["logprobs"]["content"]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == [
        whole["finish_reason"]
    ]
    assert last.choices == []
    assert isinstance(last.usage, CompletionUsage)
    assert last.usage.completion_tokens == len(entries)


async def test_streams_without_usage_end_with_the_finish_reason() -> None:
    async with client_of(TRUTH) as client:
        response = await client.post("/chat/completions", json=body_of("Hi", stream=True))
    assert chunks_of(response)[-1].choices[0].finish_reason == "stop"


async def test_sampled_replies_are_scored_as_they_were_drawn() -> None:
    truth = PlantedTruth(seed=6, serving=Serving(text="sampled"))
    async with client_of(truth, PROMPTS) as client:
        made = await chat(client, PROMPT, max_tokens=12, logprobs=True, top_logprobs=4, return_token_ids=True)
        ids = [*made["prompt_token_ids"], *made["choices"][0]["token_ids"]]
        scored = await client.post(
            "/completions",
            json={"model": "synthetic-baseline", "prompt": ids, "max_tokens": 0, "echo": True, "logprobs": 4},
        )
    drawn = [entry["logprob"] for entry in made["choices"][0]["logprobs"]["content"]]
    assert scored.json()["choices"][0]["logprobs"]["token_logprobs"][-len(drawn) :] == drawn


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (body_of("Hi", "gpt-x"), 404, "model_not_found", "model"),
        (body_of("Hi", logprobs=True, top_logprobs=21), 400, None, "top_logprobs"),
        (body_of("Hi", top_logprobs=2), 400, None, "top_logprobs"),
        (body_of("Hi", prompt_logprobs=-1), 400, None, "prompt_logprobs"),
        (body_of("Hi", temperature=3), 400, None, "temperature"),
        (body_of("Hi", top_p=0), 400, None, "top_p"),
        (body_of("Hi", max_tokens=0), 400, None, "max_tokens"),
        (body_of("Hi", n=0), 400, None, "n"),
        ({"model": "synthetic-baseline", "messages": []}, 400, None, "messages"),
        ({"model": "synthetic-baseline", "messages": [{"role": "robot", "content": "x"}]}, 400, None, "messages"),
        ({"model": "synthetic-baseline"}, 400, None, None),
    ],
)
async def test_refusals_are_shaped_like_openais(body: Any, status: int, code: str | None, param: str | None) -> None:
    async with client_of(TRUTH) as client:
        response = await client.post("/chat/completions", json=body)
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]


async def test_keys_are_checked_where_one_is_set() -> None:
    async with client_of(TRUTH, api_key="right") as client:
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer wrong"}, 401),
            ({"authorization": "Bearer right"}, 200),
        ):
            response = await client.post("/chat/completions", json=body_of("Hi"), headers=headers)
            assert response.status_code == status
            assert (await client.get("/models", headers=headers)).status_code == status
            if status == 401:
                assert response.json()["error"]["code"] == "invalid_api_key"


async def test_more_alternatives_can_be_allowed() -> None:
    async with client_of(PlantedTruth(serving=Serving(top_logprobs_max=2000))) as client:
        body = await chat(client, "Hi", logprobs=True, top_logprobs=2000, max_tokens=1)
    top = body["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    assert len(top) == len(VOCABULARY)
    assert sum(np.exp(entry["logprob"]) for entry in top) == pytest.approx(1)


async def test_contents_may_be_lists_of_parts() -> None:
    author = Author(TRUTH, PROMPTS)
    messages = [
        {"role": "developer" if one.role == "system" else one.role, "content": [{"type": "text", "text": one.content}]}
        for one in PROMPT.messages
    ]
    async with client_of(TRUTH, PROMPTS) as client:
        body = {"model": "synthetic-baseline", "messages": messages, "seed": 1}
        reply = (await client.post("/chat/completions", json=body)).json()
    assert reply["choices"][0]["message"]["content"] == author.reply("baseline", PROMPT.messages, "seed 1").answer


async def test_a_judge_without_labels_just_talks() -> None:
    async with client_of(TRUTH) as client:
        body = await chat(client, "Hello?", JUDGE_MODEL)
    assert "synthetic model" in body["choices"][0]["message"]["content"]
    assert body["choices"][0]["message"]["reasoning"] is None
