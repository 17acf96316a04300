"""Has one endpoint changed? The rank of a new asking among earlier ones, prompt by prompt.

Askings of one prompt by an unchanged endpoint are exchangeable, whatever its noise looks like. So the rank of the new one's
strangeness among all of them is uniform, relabelling askings changes nothing, and no model of the noise is needed.
"""

from __future__ import annotations

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

    The distance of one asking is that of its coordinates (`_coordinates`) from the mean of the others'. It treats all
    askings alike, which is all that exchangeability needs.

    Raises:
        ValueError: no earlier asking, or a list without entries.
    """
    askings = [new, *earlier]
    if len(askings) < 2 or not all(askings):
        msg = "a rank needs at least one earlier asking, and no list may be empty"
        raise ValueError(msg)
    rows = _coordinates(askings)
    # x - (total - x) / others is proportional to x - mean.
    strange = ((rows - rows.mean(axis=0)) ** 2).sum(axis=1)
    # Lists that are equal must tie exactly, or rounding would make one of them the strangest.
    close = 1e-9 * float(strange.max())
    return Standing(rank=int((strange >= strange[0] - close).sum()), askings=len(askings))


def shift_test(new: Sequence[Logprobs], earlier: Sequence[Logprobs], *, permutations: int, seed: int) -> float:
    """P-value of "nothing changed" from several new askings of one prompt.

    The statistic is the squared distance between the mean coordinates (`_coordinates`) of the new askings and of the earlier
    ones. Askings are relabelled at random, p = (1 + #{>= observed}) / (B + 1).

    Raises:
        ValueError: no asking on one side, a list without entries, or no permutation.
    """
    import numpy as np

    if not new or not earlier or not all((*new, *earlier)) or permutations < 1:
        msg = "a test needs askings on both sides, entries in every list, and permutations"
        raise ValueError(msg)
    table = _coordinates([*new, *earlier])
    count, size = len(table), len(new)
    total = table.sum(axis=0)

    def statistic(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        part = table[chosen].sum(axis=1)
        gaps: NDArray[np.float64] = ((part / size - (total - part) / (count - size)) ** 2).sum(axis=1)
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


def _coordinates(askings: Sequence[Logprobs]) -> NDArray[np.float64]:
    """The lists as points whose distances mean something: shape (askings, keys + 1), symmetric in the askings.

    Lists are tables over all keys that any of them names; a key that a list lacks is read at that list's smallest logprob
    (left-censoring, as in logprob tracking, Chauvin et al. 2026). Noise on any logit moves the normaliser, and with it every
    logprob of the list by the same amount; so each list's mean is one coordinate, and what is left of each key another.
    Each is divided by its own spread over all askings, for a key averaged with that of all keys.
    """
    import numpy as np

    keys = list(dict.fromkeys(key for one in askings for key in one))
    floors = [min(one.values()) for one in askings]
    table = np.array([[one.get(key, floor) for key in keys] for one, floor in zip(askings, floors, strict=True)])
    level = table.mean(axis=1, keepdims=True)
    rest = table - level
    variance = rest.var(axis=0)
    spread = np.sqrt((variance + variance.mean()) / 2)
    scale = np.append(spread, level.std())
    points = np.hstack([rest, level])
    points = points - points.mean(axis=0)
    # Equal lists differ by rounding only, and that must not be blown up to a spread of one.
    still = scale <= 1e-12 * max(float(np.abs(table).max()), 1.0)
    scaled: NDArray[np.float64] = np.where(still, 0.0, points / np.where(still, 1.0, scale))
    return scaled
