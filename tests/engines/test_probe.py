"""What `auditor probe` says about real engines, held against what plain HTTP requests to the same servers show."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from auditor.endpoints import Capabilities, connect, probe
from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.discovery import find_local
from auditor.records import Ask, EndpointSpec, Message, Sampling
from auditor.wire import MemoryTape, WireLimits, open_wire

from .lane import EnginePair, EngineServer, Lane, start_vllm

pytestmark = pytest.mark.engines

DIALECT = {"vllm": "vllm", "llama-server": "llama-cpp", "sglang": "sglang"}
TITLE = {"vllm": "vLLM", "llama-server": "llama.cpp server", "sglang": "SGLang"}
QUESTION = {"messages": [{"role": "user", "content": "What is 3 + 4?"}], "max_tokens": 1}
TIMEOUT_S = 120.0


async def probed(server: EngineServer, **options: Any) -> Capabilities:
    spec = EndpointSpec(server.base_url, server.model, **options)
    async with open_wire(server.base_url, tape=MemoryTape(), limits=WireLimits(concurrency=1)) as wire:
        return await probe(connect(spec, wire, key=None))


def raw(server: EngineServer, **more: Any) -> httpx2.Response:
    body = {"model": server.model, **QUESTION, **more}
    with httpx2.Client(trust_env=False, timeout=TIMEOUT_S) as client:
        return client.post(f"{server.base_url}/chat/completions", json=body)


def content(server: EngineServer, **more: Any) -> str:
    message = raw(server, **more).json()["choices"][0]["message"]
    return f"{message.get('reasoning') or message.get('reasoning_content')}{message['content']}"


def prompt_tokens(server: EngineServer, **more: Any) -> int:
    return int(raw(server, **more).json()["usage"]["prompt_tokens"])


async def test_the_server_is_recognised_and_its_abilities_are_seen(any_pair: EnginePair) -> None:
    found = await probed(any_pair.baseline)
    assert (found.dialect, found.dialect_recognised) == (DIALECT[any_pair.baseline.engine], True)
    assert found.version
    assert found.model in (found.models or ())
    assert (found.chat, found.completions, found.streaming) == (True, True, True)
    assert found.structured_output == "json_schema"
    assert found.logprobs_at_temperature_zero == "raw"
    assert found.sentinels is False
    assert 0.5 < (found.largest_sum or 0) <= 1.001
    assert found.aa_noise is not None
    assert found.aa_noise < 1e-3
    assert found.protocol == "G"


async def test_the_number_of_alternatives_is_the_servers(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    found = await probed(server)
    most = found.top_logprobs_max or 0
    content = raw(server, logprobs=True, top_logprobs=most).json()["choices"][0]["logprobs"]["content"]
    assert len(content[0]["top_logprobs"]) == most
    assert (raw(server, logprobs=True, top_logprobs=most + 1).status_code == 400) == bool(found.top_logprobs_limited)
    assert found.token_ids == ("id" in content[0]["top_logprobs"][0])


async def test_seeds_are_believed_when_seen(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    asked = {"max_tokens": 24, "temperature": 1.0, "messages": [{"role": "user", "content": "Tell me about the sea."}]}
    texts = {seed: {content(server, **asked, seed=seed) for _ in range(3)} for seed in (41, 42)}
    repeats = all(len(some) == 1 for some in texts.values())
    assert (await probed(server)).seed == ("repeats" if repeats else "varies")


async def test_logprobs_before_or_after_temperature(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    at = {}
    for temperature in (1.0, 0.5):
        # The sampled token may stand in the last one's place, never in the first two's.
        entry = raw(server, logprobs=True, top_logprobs=5, temperature=temperature, seed=1).json()["choices"][0]
        listed = sorted((t["logprob"] for t in entry["logprobs"]["content"][0]["top_logprobs"]), reverse=True)
        at[temperature] = listed[0] - listed[1]
    found = await probed(server)
    ratio = at[0.5] / at[1.0]
    assert ratio == pytest.approx(1.0 if found.logprobs_temperature == "raw" else 2.0, rel=0.02)


async def test_a_begun_reply_is_continued(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    spec = EndpointSpec(server.base_url, server.model, DIALECT[server.engine])
    asked = (Message("user", "Tell me about the sea."), Message("assistant", "The sea is"))
    async with open_wire(server.base_url, tape=MemoryTape()) as wire:
        reply = await connect(spec, wire, key=None).ask(Ask(asked, Sampling(max_tokens=4)), purpose="reply")
    alone = prompt_tokens(server, messages=[{"role": "user", "content": asked[0].content}])
    sent = {"messages": [{"role": m.role, "content": m.content} for m in asked]}
    # " is", " sea" and "The" are tokens of their own; what ends a message and begins the next would come on top.
    assert (reply.usage.prompt_tokens or 0) <= alone + 3
    plain = prompt_tokens(server, **sent)
    assert (plain <= alone + 3) == (server.engine == "llama-server")
    assert (await probed(server)).prefill is True


async def test_an_echo_is_believed_when_its_numbers_are_right(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    found = await probed(server)
    body = {"model": server.model, "prompt": "The sea is", "max_tokens": 1, "logprobs": 1, "echo": True}
    with httpx2.Client(trust_env=False, timeout=TIMEOUT_S) as client:
        answer = client.post(f"{server.base_url}/completions", json=body)
    listed = answer.json()["choices"][0].get("logprobs") or {} if answer.status_code == 200 else {}
    assert found.echo == (len(listed.get("tokens") or ()) == 4)


async def test_tokens_asked_for_by_id(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    found = await probed(server)
    assert found.targeted_token_ids == (server.engine != "llama-server")


async def test_who_answers_to_any_name_is_told(any_pair: EnginePair) -> None:
    server = any_pair.baseline
    answered = raw(server, model="no-such-model").status_code == 200
    if answered:
        spec = EndpointSpec(server.base_url, "no-such-model")
        async with open_wire(server.base_url, tape=MemoryTape()) as wire:
            found = await probe(connect(spec, wire, key=None))
        assert any("does not list this model" in a or "another model" in a for a in found.anomalies)
    assert answered == (server.engine != "vllm")


async def test_where_a_trace_is(any_pair: EnginePair) -> None:
    server = any_pair.candidate
    found = await probed(server, reasoning={"enabled": True})
    assert found.reasoning_field == {"vllm": "reasoning", "sglang": "reasoning_content"}.get(server.engine, "tags")


async def test_switched_off_thinking_is_told_with_its_fix(any_pair: EnginePair) -> None:
    server = any_pair.candidate
    sizes = {
        state: prompt_tokens(server, chat_template_kwargs={} if state is None else {"enable_thinking": state})
        for state in (None, True, False)
    }
    assert sizes[True] != sizes[False]
    found = await probed(server)
    assert found.reasoning_switch == ("off" if sizes[None] == sizes[False] else "on")
    assert any("reasoning = {enabled = true}" in a for a in found.anomalies) == (found.reasoning_switch == "off")
    fixed = await probed(server, reasoning={"enabled": True})
    assert fixed.reasoning_switch == "on"
    assert not any("switched off" in a for a in fixed.anomalies)


async def test_both_servers_of_a_pair_have_one_tokenizer(any_pair: EnginePair) -> None:
    one, other = await probed(any_pair.baseline), await probed(any_pair.candidate)
    assert one.tokenizer is not None
    assert one.tokenizer == other.tokenizer


async def test_a_streamed_reply_is_the_whole_one(any_pair: EnginePair) -> None:
    server = any_pair.candidate
    spec = EndpointSpec(server.base_url, server.model, DIALECT[server.engine], reasoning={"enabled": True})
    # SGLang repeats nothing but the likeliest reply.
    temperature = 0.0 if server.engine == "sglang" else 1.0
    messages = (Message("user", "Tell me about the sea."),)
    sampling = Sampling(max_tokens=96, temperature=temperature, seed=5)
    async with open_wire(server.base_url, tape=MemoryTape()) as wire:
        endpoint = connect(spec, wire, key=None)
        whole = await endpoint.ask(Ask(messages, sampling, top_logprobs=3), purpose="reply")
        plain = await endpoint.ask(Ask(messages, sampling, stream=True), purpose="reply")
        listed = await endpoint.ask(Ask(messages, sampling, top_logprobs=3, stream=True), purpose="reply")
    for pieces in (plain, listed):
        assert (pieces.answer, pieces.trace, pieces.outcome) == (whole.answer, whole.trace, whole.outcome)
        assert pieces.usage.completion_tokens == whole.usage.completion_tokens
    assert plain.provenance.streamed
    # A stream of llama-server leaves the end token's logprobs out, so there such a question is asked whole.
    assert listed.provenance.streamed == dialect_named(spec.dialect).streams_logprobs
    assert listed.logprobs is not None
    assert whole.logprobs is not None
    assert [p.sampled.key for p in listed.logprobs.positions] == [p.sampled.key for p in whole.logprobs.positions]


async def test_logprobs_after_temperature_are_told_apart(lane: Lane) -> None:
    with start_vllm(lane, "tiny-a", "--logprobs-mode", "processed_logprobs", "--max-logprobs", "8") as server:
        found = await probed(server)
    assert found.logprobs_temperature == "scaled"
    assert (found.top_logprobs_max, found.top_logprobs_limited) == (8, True)


async def test_a_local_server_is_found_by_its_port(any_pair: EnginePair) -> None:
    server = any_pair.candidate
    (found,) = await find_local(ports=[urlsplit(server.base_url).port or 0])
    assert (found.title, found.models) == (TITLE[server.engine], (server.model,))
    assert found.endpoint(server.model) == f"{server.base_url}#{server.model}"
