"""The order of questions: drawn once by the seed, recorded before the first call."""

from __future__ import annotations

import random
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, overload

from auditor.records import ALL_DIMENSIONS, Prompt


class Stakes(NamedTuple):
    """What decides how early a dimension comes in a round, and how much of it may be asked.

    ``limit`` is the largest number of prompts, None for all; ``decides_after`` the fewest units (prompts, or clusters made
    from one template) after which a decision is possible.
    """

    limit: int | None = None
    decides_after: int = 1


class Drawn(Sequence[Prompt]):
    """A drawn order: which of the prompts comes when, each repeated ``samples`` of its dimension times in a row."""

    def __init__(
        self, prompts: Sequence[Prompt], order: Iterable[int], samples: Mapping[str, int] | None = None
    ) -> None:
        self._prompts = prompts
        self._order = array("L")
        self._sample = array("H")
        for place in order:
            for sample in range((samples or {}).get(prompts[place].dimension, 1)):
                self._order.append(place)
                self._sample.append(sample)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> Prompt: ...
    @overload
    def __getitem__(self, place: slice) -> list[Prompt]: ...
    def __getitem__(self, place: int | slice) -> Prompt | list[Prompt]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return self._prompts[self._order[place]].again(self._sample[place])


class _Slot(NamedTuple):
    """What the draw needs to know of a prompt; a bank may have 50,000."""

    id: str
    unit: str
    place: int


def draw(
    prompts: Sequence[Prompt],
    seed: int,
    stakes: Mapping[str, Stakes] | None = None,
    samples: Mapping[str, int] | None = None,
) -> Drawn:
    """A seeded random order per dimension, cut to its limit, the dimensions interleaved, the cheapest decision first.

    Every round asks one prompt of each dimension that has any left, so all dimensions cost the same while they are open and
    the one that needs the fewest prompts is decided first; inside a round that one comes first, too. The order inside a
    dimension is one of units: prompts of one cluster follow each other, because only a whole cluster is a piece of
    evidence. A limit cuts between units, so a dimension may end a few prompts below its limit, never above it.
    """
    stakes = stakes or {}
    by_dimension: dict[str, list[_Slot]] = defaultdict(list)
    for place, prompt in enumerate(prompts):
        by_dimension[prompt.dimension].append(_Slot(prompt.id, prompt.unit, place))
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
    order = (lane[turn] for turn in range(longest) for lane in drawn if turn < len(lane))
    return Drawn(prompts, order, samples)


def cost(prompts: Iterable[Prompt | _Slot], stakes: Stakes) -> float:
    """Prompts that have to be asked before this dimension can be decided at all."""
    sizes: dict[str, int] = defaultdict(int)
    for prompt in prompts:
        sizes[prompt.unit] += 1
    return stakes.decides_after * sum(sizes.values()) / len(sizes) if sizes else 0.0


def _lane(slots: list[_Slot], rng: random.Random, limit: int | None) -> array[int]:
    # Units in the order of their names, their members in that of their ids.
    slots.sort(key=lambda slot: (slot.unit, slot.id))
    begins = [place for place, slot in enumerate(slots) if not place or slot.unit != slots[place - 1].unit]
    order = list(range(len(begins)))
    rng.shuffle(order)
    lane = array("L")
    for unit in order:
        end = begins[unit + 1] if unit + 1 < len(begins) else len(slots)
        members = [slot.place for slot in slots[begins[unit] : end]]
        rng.shuffle(members)
        if limit is not None and len(lane) + len(members) > limit:
            # To go on with smaller units would no longer be a random draw of units; a cluster that alone exceeds the limit
            # can't be asked at all.
            if lane:
                break
            continue
        lane.extend(members)
    return lane


def drift_sample(schedule: Sequence[Prompt], count: int) -> list[Prompt]:
    """The prompts asked for first-token logprobs: the first ones of the schedule, which are a random draw of each
    dimension.
    """
    return list(schedule[:count])
