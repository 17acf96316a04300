"""What each protocol costs, in calls and tokens, for a given standard error of the KL per token.

    python -m benchmarks.drift.cost [--baseline E --candidate E] [--prompts N] [--tokens N] [--target NATS]

Texts are gathered with each protocol; the spread over prompts of its estimate (linearised ratio of sums) tells how many
texts the target needs, and what was asked tells what they cost. One direction, no noise floor (which adds a scoring call
per text). Without endpoints: the simulated pair, whose planted drift is 0.4 nats per logit. G gives bounds, not an
estimate: the width of its bootstrap interval is for the bound, so it has no line here; it costs two calls per prompt.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from dataclasses import replace
from typing import Any

import httpx2
import numpy as np

from auditor.banks import default_banks, load_bank
from auditor.drift.hybrid import Position, k1, k3
from auditor.drift.protocol_gather import Party, Question, Settings, gather
from auditor.drift.protocol_sequence import ScoredText
from auditor.endpoints import connect, probe
from auditor.endpoints.scoring import Scorer, find_scorer
from auditor.plan import parse_endpoint
from auditor.records import ALL_DIMENSIONS, EndpointSpec
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, PlantedTruth, build_app
from auditor.wire import MemoryTape, open_wire

URL = "http://synthetic.invalid/v1"


def questions(count: int) -> list[Question]:
    some = [
        p for d in ALL_DIMENSIONS for name in default_banks(d)[:1] for p in load_bank(name).prompts[: 1 + count // 7]
    ]
    return [Question(p.id, p.unit, "", p.messages) for p in some[:count]]


async def scorers(
    specs: dict[str, EndpointSpec], network: httpx2.AsyncBaseTransport | None
) -> tuple[list[Any], list[Scorer]]:
    wires, found = [], []
    for spec in specs.values():
        wire = open_wire(spec.base_url, tape=MemoryTape(), network=network)
        wires.append(wire)
        known = await probe(connect(spec, wire, key=None))
        dialect = known.dialect if known.dialect_recognised else spec.dialect
        endpoint = connect(EndpointSpec(base_url=spec.base_url, model=spec.model, dialect=dialect), wire, key=None)
        _, scorer = await find_scorer(endpoint, known)
        if scorer is None:
            raise SystemExit(f"{spec.label} scores no given tokens")
        found.append(scorer)
    return wires, found


async def measure(
    specs: dict[str, EndpointSpec], network: httpx2.AsyncBaseTransport | None, settings: Settings, count: int
) -> tuple[str, list[ScoredText], dict[str, float]]:
    wires, (own, other) = await scorers(specs, network)
    before = [(s.spent.calls, s.spent.prompt_tokens, s.spent.completion_tokens) for s in (own, other)]
    texts = []
    for question in questions(count):
        text = await gather(question, Party(own, own), Party(other, other), settings)
        if isinstance(text, ScoredText):
            texts.append(text)
    after = [(s.spent.calls, s.spent.prompt_tokens, s.spent.completion_tokens) for s in (own, other)]
    spent = np.sum(np.array(after) - np.array(before), axis=0) / len(texts)
    for wire in wires:
        await wire.aclose()
    return other.protocol, texts, {"calls": spent[0], "prompt": spent[1], "completion": spent[2]}


def pick(x: Position, name: str) -> float:
    """One estimator at one position."""
    if name in ("E4", "plain"):
        return x.kl if name == "E4" else x.kl_plain
    return (k1 if name == "k1" else k3)(x.p_logprob, x.q_logprob)


def error(texts: list[ScoredText], name: str) -> tuple[float, float]:
    """The estimate per token and the standard deviation per text of its linearised ratio."""

    sums = np.array([math.fsum(pick(s.pair, name) / s.pair.inclusion for s in text.steps) for text in texts])
    lengths = np.array([math.fsum(1 / step.pair.inclusion for step in text.steps) for text in texts])
    ratio = sums.sum() / lengths.sum()
    return float(ratio), float(np.std(sums - ratio * lengths, ddof=1) / lengths.mean())


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline")
    parser.add_argument("--candidate")
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--target", type=float, default=0.005)
    asked = parser.parse_args()
    network: httpx2.AsyncBaseTransport | None = None
    if asked.baseline:
        specs = {"baseline": parse_endpoint(asked.baseline), "candidate": parse_endpoint(asked.candidate)}
    else:
        specs = {
            "baseline": EndpointSpec(base_url=URL, model=BASELINE_MODEL),
            "candidate": EndpointSpec(base_url=URL, model=CANDIDATE_MODEL),
        }
        network = httpx2.ASGITransport(build_app(PlantedTruth(seed=1, other_drift=0.4), []))
    base = Settings(max_tokens=asked.tokens, noise=False, positions=10**6)
    print(
        f"| protocol | estimator | KL/token | sd per text | texts for ± {asked.target:g} | calls | prompt tokens | generated |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    variants: list[tuple[str, Settings, tuple[str, ...]]] = [
        ("all positions, k = 20", base, ("E4", "plain", "k3", "k1"))
    ]
    protocol, _, _ = await measure(specs, network, base, 2)
    if protocol == "F":
        variants.append(("token scores", replace(base, top=0), ("k3", "k1")))
    else:
        variants += [(f"{n} positions, k = 20", replace(base, positions=n), ("E4", "plain")) for n in (4, 12)]
    for name, settings, estimators in variants:
        _, texts, spent = await measure(specs, network, settings, asked.prompts)
        said = "S" if settings.top == 0 and protocol == "F" else protocol
        for estimator in estimators:
            ratio, spread = error(texts, estimator)
            wanted = max(math.ceil((spread / asked.target) ** 2), 2)
            print(
                f"| {said}, {name} | {estimator} | {ratio:.4f} | {spread:.4f} | {wanted}"
                f" | {wanted * spent['calls']:.0f} | {wanted * spent['prompt']:.0f} | {wanted * spent['completion']:.0f} |"
            )


if __name__ == "__main__":
    asyncio.run(main())
