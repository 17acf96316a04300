"""The simulated pair as drift meets it, and the exact distributions behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import numpy as np

from auditor.drift.protocol_gather import Party, Question, find_markers
from auditor.endpoints import connect
from auditor.endpoints.scoring import CompletionsScorer, Server
from auditor.records import EndpointSpec, Message, Side
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, PlantedTruth, build_app
from auditor.simulator.distributions import Context
from auditor.wire import MemoryTape, open_wire

URL = "http://synthetic.invalid/v1"
MODELS: dict[Side, str] = {"baseline": BASELINE_MODEL, "candidate": CANDIDATE_MODEL}


def spec(side: Side) -> EndpointSpec:
    return EndpointSpec(base_url=URL, model=MODELS[side])


def network(truth: PlantedTruth) -> dict[str, httpx2.AsyncBaseTransport]:
    return {URL: httpx2.ASGITransport(build_app(truth, []))}


def questions(count: int) -> list[Question]:
    return [Question(f"q/{i}", f"u/{i // 2}", "safety", (Message("user", f"Question {i}?"),)) for i in range(count)]


@asynccontextmanager
async def parties(truth: PlantedTruth, way: Any = "prompt_logprobs") -> AsyncIterator[dict[Side, Party]]:
    """Both sides, scoring this way."""
    wire = open_wire(URL, tape=MemoryTape(), network=network(truth)[URL])
    found: dict[Side, Party] = {}
    try:
        for side in MODELS:
            endpoint = connect(spec(side), wire, key=None)
            assert isinstance(endpoint, Server)
            scorer = CompletionsScorer(endpoint, way, targeted=truth.serving.targeted)
            found[side] = Party(scorer, scorer, await find_markers(scorer))
        yield found
    finally:
        await wire.aclose()


Floats = np.ndarray[Any, Any]


def exact(truth: PlantedTruth, ids: Sequence[int]) -> tuple[Floats, Floats]:
    """Both next-token distributions (nats) after these tokens of the baseline's."""
    return after(truth, truth.lexicon("baseline").raw(ids))


def after(truth: PlantedTruth, text: bytes) -> tuple[Floats, Floats]:
    """Both next-token distributions (nats) after these bytes, each over its own vocabulary."""
    context = Context(truth, text, None)
    return context.logprobs("baseline"), context.logprobs("candidate")
