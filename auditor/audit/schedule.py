"""The order of questions: drawn once by the seed, recorded before the first call."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from auditor.records import ALL_DIMENSIONS, Prompt


class Stakes(NamedTuple):
    """What decides how early a dimension comes in a round, and how much of it may be asked.

    ``limit`` is the largest number of prompts, None for all; ``decides_after`` the fewest units (prompts, or clusters made
    from one template) after which a decision is possible.
    """

    limit: int | None = None
    decides_after: int = 1


def draw(prompts: Iterable[Prompt], seed: int, stakes: Mapping[str, Stakes] | None = None) -> list[Prompt]:
    """A seeded random order per dimension, cut to its limit, the dimensions interleaved, the cheapest decision first.

    Every round asks one prompt of each dimension that has any left, so all dimensions cost the same while they are open and
    the one that needs the fewest prompts is decided first; inside a round that one comes first, too. The order inside a
    dimension is one of units: prompts of one cluster follow each other, because only a whole cluster is a piece of
    evidence. A limit cuts between units, so a dimension may end a few prompts below its limit, never above it.
    """
    stakes = stakes or {}
    by_dimension: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_dimension[prompt.dimension].append(prompt)
    lanes = [
        (cost(by_dimension[name], stakes.get(name, Stakes())), rank, name)
        for rank, name in enumerate(ALL_DIMENSIONS)
        if name in by_dimension
    ]
    drawn = [
        _lane(by_dimension[name], random.Random(f"{seed}/{name}"), stakes.get(name, Stakes()).limit)
        for *_, name in sorted(lanes)
    ]
    longest = max(map(len, drawn), default=0)
    return [lane[turn] for turn in range(longest) for lane in drawn if turn < len(lane)]


def cost(prompts: Iterable[Prompt], stakes: Stakes) -> float:
    """Prompts that have to be asked before this dimension can be decided at all."""
    sizes: dict[str, int] = defaultdict(int)
    for prompt in prompts:
        sizes[prompt.unit] += 1
    return stakes.decides_after * sum(sizes.values()) / len(sizes) if sizes else 0.0


def _lane(prompts: list[Prompt], rng: random.Random, limit: int | None) -> list[Prompt]:
    units: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in sorted(prompts, key=lambda prompt: prompt.id):
        units[prompt.unit].append(prompt)
    order = sorted(units)
    rng.shuffle(order)
    lane: list[Prompt] = []
    for unit in order:
        members = units[unit]
        rng.shuffle(members)
        if limit is not None and len(lane) + len(members) > limit:
            # To go on with smaller units would no longer be a random draw of units; a cluster that alone exceeds the limit
            # can't be asked at all.
            if lane:
                break
            continue
        lane += members
    return lane


def drift_sample(schedule: list[Prompt], count: int) -> list[Prompt]:
    """The prompts asked for first-token logprobs: the first ones of the schedule, which are a random draw of each
    dimension.
    """
    return schedule[:count]
