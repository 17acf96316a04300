"""The order of questions: drawn once by the seed, recorded before the first call."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping

from auditor.records import ALL_DIMENSIONS, Prompt


def draw(prompts: Iterable[Prompt], seed: int, limits: Mapping[str, int | None]) -> list[Prompt]:
    """A seeded random order per dimension, cut to its limit, with the dimensions interleaved evenly.

    A limit cuts by whole clusters where prompts have one (the cluster is the unit of analysis), so a dimension may end a
    few prompts below its limit, never above it.
    """
    by_dimension: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_dimension[prompt.dimension].append(prompt)
    lanes = [
        _lane(by_dimension[name], random.Random(f"{seed}/{name}"), limits.get(name))
        for name in ALL_DIMENSIONS
        if name in by_dimension
    ]
    # Each lane spreads evenly over the whole run: whenever the run is cut short, every dimension has had its share.
    placed = [
        ((position + 0.5) / len(lane), rank, prompt)
        for rank, lane in enumerate(lanes)
        for position, prompt in enumerate(lane)
    ]
    return [prompt for _, _, prompt in sorted(placed, key=lambda item: item[:2])]


def _lane(prompts: list[Prompt], rng: random.Random, limit: int | None) -> list[Prompt]:
    ordered = sorted(prompts, key=lambda prompt: prompt.id)
    rng.shuffle(ordered)
    if limit is None or limit >= len(ordered):
        return ordered
    units: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in ordered:
        units[prompt.unit].append(prompt)
    kept: set[str] = set()
    for members in units.values():
        if len(kept) + len(members) <= limit:
            kept.update(prompt.id for prompt in members)
    return [prompt for prompt in ordered if prompt.id in kept]


def drift_sample(schedule: list[Prompt], count: int) -> list[Prompt]:
    """The prompts asked for first-token logprobs: the first ones of the schedule, which are a random draw of each
    dimension.
    """
    return schedule[:count]
