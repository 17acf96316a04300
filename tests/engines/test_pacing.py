"""The adaptive limit on a server that queues and never says 429: llama-server with four slots, one thread, and a long line."""

from __future__ import annotations

import asyncio

import pytest

from auditor.endpoints import connect
from auditor.records import Ask, EndpointSpec, Message, Sampling
from auditor.wire import LimitChange, MemoryTape, WireLimits, open_wire

from .lane import EnginePair
from .lane.serve import LLAMA_SLOTS

pytestmark = pytest.mark.engines

MOST = 64
QUESTIONS = 200
TOKENS = 128
"""Of every reply: enough that the server is busy and not the client, which the controller would hold for no fault of it."""


async def test_answers_that_only_queue_are_noticed(llama_pair: EnginePair) -> None:
    """Beyond its slots this server answers no more of them, only later: the limit must come back from there."""
    server = llama_pair.baseline
    spec = EndpointSpec(server.base_url, server.model, "llama-cpp", extra_body={"ignore_eos": True})
    limits = WireLimits(concurrency=MOST, start=LLAMA_SLOTS)
    changes: list[LimitChange] = []

    async with open_wire(server.base_url, tape=MemoryTape(), limits=limits, on_limit=changes.append) as wire:
        endpoint = connect(spec, wire, key=None)

        async def ask(number: int) -> str:
            question = (Message("user", f"Tell me about town number {number}."),)
            reply = await endpoint.ask(Ask(question, Sampling(max_tokens=TOKENS, seed=number)), purpose="reply")
            return reply.answer + (reply.trace or "")

        answers = await asyncio.gather(*(ask(number) for number in range(QUESTIONS)))
        settled = wire.limit

    told = "\n".join(f"{c.before} -> {c.limit} {c.reason}: {c.detail}" for c in changes)
    print(f"\nsettled at {settled} of {MOST} for {LLAMA_SLOTS} slots\n{told}")
    assert sum(bool(answer) for answer in answers) > 0.9 * QUESTIONS
    # Without a gap, from where it began to where it stands, each step with what was seen.
    assert [c.before for c in changes] == [LLAMA_SLOTS, *(c.limit for c in changes[:-1])]
    assert changes[-1].limit == settled
    assert all(c.detail for c in changes)
    assert changes[0].reason == "slow_start"
    assert {c.reason for c in changes} <= {"slow_start", "steady", "latency"}
    assert any(c.reason == "latency" for c in changes)
    assert LLAMA_SLOTS <= settled <= MOST // 2
