"""Has one endpoint changed? The rank of a new asking among earlier ones, prompt by prompt.

Askings of one prompt by an unchanged endpoint are exchangeable, whatever its noise looks like. So the rank of the new one's
strangeness among all of them is uniform, and no model of the noise is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEP: Final = 2000
"""Relabellings held at once."""

Logprobs = Mapping[Any, float]
"""One asking's list: key to logprob in nats."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a new asking stands.

    Attributes:
        rank: 1 if it is stranger than every earlier one; earlier ones that are as strange count before it.
        askings: how many there are with it.
    """

    rank: int
    askings: int

    @property
    def strangest(self) -> float:
        """1 for rank 1, else 0. With no change its mean is at most 1 / askings."""
        return 1.0 if self.rank == 1 else 0.0

    @property
    def graded(self) -> float:
        """(askings - rank) / (askings - 1), in [0, 1]. With no change its mean is at most ½."""
        return (self.askings - self.rank) / (self.askings - 1)


def standing(new: Logprobs, earlier: Sequence[Logprobs]) -> Standing:
    """Rank a new asking among earlier ones by its distance from all the others.

    The distance of one asking is that of its list from the mean list of the others, over all keys that any of them names. A
    key that a list lacks is read at that list's smallest logprob (left-censoring, as in logprob tracking, Chauvin et al.
    2026). It treats all askings alike, which is all that exchangeability needs.

    Raises:
        ValueError: no earlier asking, or a list without entries.
    """
    askings = [new, *earlier]
    if len(askings) < 2 or not all(askings):
        msg = "a rank needs at least one earlier asking, and no list may be empty"
        raise ValueError(msg)
    rows = _table(askings)
    others = len(rows) - 1
    totals = [math.fsum(column) for column in zip(*rows, strict=True)]
    # x - (total - x) / others = (askings x - total) / others: one pass for all of them.
    strange = [
        math.fsum(((len(rows) * x - total) / others) ** 2 for x, total in zip(row, totals, strict=True)) for row in rows
    ]
    # Lists that are equal must tie exactly, or rounding would make one of them the strangest.
    close = 1e-9 * max(strange)
    rank = sum(value >= strange[0] - close for value in strange)
    return Standing(rank=rank, askings=len(askings))


def shift_test(new: Sequence[Logprobs], earlier: Sequence[Logprobs], *, permutations: int, seed: int) -> float:
    """P-value of "nothing changed" from several new askings of one prompt.

    The statistic of logprob tracking (Chauvin et al. 2026): mean over tokens of |mean logprob of the new askings - mean of
    the earlier ones|, lists censored as in `standing`. Askings are relabelled at random, p = (1 + #{>= observed}) / (B + 1).

    Raises:
        ValueError: no asking on one side, a list without entries, or no permutation.
    """
    import numpy as np

    if not new or not earlier or not all((*new, *earlier)) or permutations < 1:
        msg = "a test needs askings on both sides, entries in every list, and permutations"
        raise ValueError(msg)
    table = np.array(_table([*new, *earlier]))
    count, size = len(table), len(new)
    total = table.sum(axis=0)

    def statistic(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        part = table[chosen].sum(axis=1)
        gaps: NDArray[np.float64] = np.abs(part / size - (total - part) / (count - size)).mean(axis=1)
        return gaps

    observed = float(statistic(np.arange(size, dtype=np.intp)[None])[0])
    rng = np.random.default_rng(seed)
    extreme, left = 0, permutations
    while left:
        step = min(left, _STEP)
        # The places of the smallest of many uniform numbers are a draw without replacement.
        drawn = np.argpartition(rng.random((step, count)), size - 1, axis=1)[:, :size]
        extreme += int((statistic(drawn) >= observed - 1e-9 * max(observed, 1e-300)).sum())
        left -= step
    return (1 + extreme) / (permutations + 1)


def _table(askings: Sequence[Logprobs]) -> list[list[float]]:
    keys = list(dict.fromkeys(key for one in askings for key in one))
    rows = []
    for one in askings:
        floor = min(one.values())
        rows.append([one.get(key, floor) for key in keys])
    return rows
