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

DIALECT = {"vllm": "vllm", "llama-server": "llama-cpp"}
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


def prompt_tokens(server: EngineServer, **more: Any) -> int:
    return int(raw(server, **more).json()["usage"]["prompt_tokens"])


async def test_the_server_is_recognised_and_its_abilities_are_seen(engine_pair: EnginePair) -> None:
    found = await probed(engine_pair.baseline)
    assert (found.dialect, found.dialect_recognised) == (DIALECT[engine_pair.baseline.engine], True)
    assert found.version
    assert found.model in (found.models or ())
    assert (found.chat, found.completions, found.streaming, found.seed) == (True, True, True, "repeats")
    assert found.structured_output == "json_schema"
    assert found.logprobs_temperature == "raw"
    assert found.sentinels is False
    assert 0.5 < (found.largest_sum or 0) <= 1.001
    assert found.aa_noise is not None
    assert found.aa_noise < 1e-3
    assert found.protocol == "G"


async def test_the_number_of_alternatives_is_the_servers(engine_pair: EnginePair) -> None:
    server = engine_pair.baseline
    found = await probed(server)
    most = found.top_logprobs_max or 0
    content = raw(server, logprobs=True, top_logprobs=most).json()["choices"][0]["logprobs"]["content"]
    assert len(content[0]["top_logprobs"]) == most
    assert (raw(server, logprobs=True, top_logprobs=most + 1).status_code == 400) == bool(found.top_logprobs_limited)
    assert found.token_ids == ("id" in content[0]["top_logprobs"][0])


async def test_switched_off_thinking_is_told_with_its_fix(engine_pair: EnginePair) -> None:
    server = engine_pair.candidate
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


async def test_both_servers_of_a_pair_have_one_tokenizer(engine_pair: EnginePair) -> None:
    one, other = await probed(engine_pair.baseline), await probed(engine_pair.candidate)
    assert one.tokenizer is not None
    assert one.tokenizer == other.tokenizer


async def test_a_streamed_reply_is_the_whole_one(engine_pair: EnginePair) -> None:
    server = engine_pair.candidate
    spec = EndpointSpec(server.base_url, server.model, DIALECT[server.engine], reasoning={"enabled": True})
    messages, sampling = (Message("user", "Tell me about the sea."),), Sampling(max_tokens=96, seed=5)
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


async def test_a_local_server_is_found_by_its_port(engine_pair: EnginePair) -> None:
    server = engine_pair.candidate
    (found,) = await find_local(ports=[urlsplit(server.base_url).port or 0])
    titles = {"vllm": "vLLM", "llama-server": "llama.cpp server"}
    assert (found.title, found.models) == (titles[server.engine], (server.model,))
    assert found.endpoint(server.model) == f"{server.base_url}#{server.model}"
