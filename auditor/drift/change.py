"""Has one endpoint changed? The rank of a new asking among earlier ones, prompt by prompt.

Askings of one prompt by an unchanged endpoint are exchangeable, whatever its noise looks like. So the rank of the new one's
strangeness among all of them is uniform, and no model of the noise is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    keys = list(dict.fromkeys(key for one in askings for key in one))
    rows = []
    for one in askings:
        floor = min(one.values())
        rows.append([one.get(key, floor) for key in keys])
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
