"""Deterministic uniform draws: every random decision of the simulator is a hash of a seed and of what is decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import TypeVar

from auditor.records import Prompt, Side

_SCALE = 2.0**-64
_T = TypeVar("_T")


def uniform(*parts: object) -> float:
    """A number in [0, 1) that is a function of ``parts`` (compared by their text)."""
    digest = blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") * _SCALE


def pick(options: tuple[_T, ...], *parts: object) -> _T:
    """One of the options, all equally likely."""
    return options[int(uniform(*parts) * len(options))]


class Draws:
    """The uniform draws behind the outcomes of both sides.

    On a share of the prompts, ``coupling`` of their dimension, both sides use one common draw. Stratified draws place the prompts of one
    dimension and kind at the midpoints of an even grid over [0, 1) in random order, rotated by a random amount per
    sample; so the number below any threshold p is n·p to within one, and different samples still differ.
    """

    def __init__(
        self, seed: int, prompts: Iterable[Prompt], *, coupling: Callable[[str], float], stratified: bool
    ) -> None:
        self._seed = seed
        self._coupling = coupling
        self._groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        if stratified:
            for prompt in prompts:
                self._groups[prompt.dimension, prompt.kind].append(prompt.id)
        self._ranks: dict[tuple[str, str, str, str], dict[str, int]] = {}

    def coupled(self, prompt: Prompt) -> bool:
        """Whether both sides use the same draws on this prompt."""
        return uniform(self._seed, "coupled", prompt.id) < self._coupling(prompt.dimension)

    def draw(self, what: str, side: Side, prompt: Prompt, sample: str) -> float:
        """The draw in [0, 1) for one decision about one prompt; ``sample`` tells repetitions apart."""
        stream = "both" if self.coupled(prompt) else side
        group = (prompt.dimension, prompt.kind)
        ids = self._groups.get(group)
        if not ids:
            return uniform(self._seed, what, stream, prompt.id, sample)
        ranks = self._ranks.get((*group, what, stream))
        if ranks is None:
            order = sorted(ids, key=lambda one: uniform(self._seed, "order", what, stream, one))
            ranks = self._ranks[*group, what, stream] = {one: place for place, one in enumerate(order)}
        place = ranks.get(prompt.id)
        if place is None:
            return uniform(self._seed, what, stream, prompt.id, sample)
        return ((place + 0.5) / len(ids) + uniform(self._seed, "turn", what, stream, *group, sample)) % 1.0
