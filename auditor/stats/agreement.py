"""How far two raters agree: a judge and a human, two judges, or one judge asked twice.

Kappa collapses when one label is rare, which in safety is the usual case, so it is never shown without the raw agreement
and Gwet's AC1. None of the three is a decision number; the corrected difference (`auditor.stats.ppi`) is.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

from auditor.stats.intervals import Interval, two_sided_z, wilson

_NOTHING = 1e-12

Label = TypeVar("Label", bound=Hashable)


class Coefficient(NamedTuple):
    """A chance-corrected agreement in [-1, 1] and its interval."""

    value: float
    interval: Interval


class Agreement(NamedTuple):
    """Raw agreement in [0, 1], Cohen's kappa (None where both raters gave one and the same label throughout) and AC1."""

    n: int
    raw: float
    raw_interval: Interval
    kappa: Coefficient | None
    ac1: Coefficient


def agreement(pairs: Sequence[tuple[Label, Label]], level: float = 0.95, *, labels: Sequence[Label] = ()) -> Agreement:
    """Compare two raters on the same items.

    `pairs` holds the two labels of each item, at least 2 items. `labels` names labels that were possible but not used,
    because AC1 depends on how many there are. The intervals of kappa and AC1 are linearised normal ones, too narrow below
    some 30 items; where they would have no width at all, they are those of the raw agreement (Wilson), put on their scale. Raises ValueError on fewer than 2 items or a level outside (0, 1). Source: Cohen 1960; Gwet 2008, British
    J. Mathematical and Statistical Psychology 61:29 (both coefficients and variances).
    """
    z = two_sided_z(level)
    n = len(pairs)
    if n < 2:
        raise ValueError(f"{n} items: pass at least 2 that both raters labelled")
    first = Counter(one for one, _ in pairs)
    second = Counter(other for _, other in pairs)
    categories = max(2, len({*first, *second, *labels}))
    same = [float(one == other) for one, other in pairs]
    raw = sum(same) / n
    mean_share = {label: (first[label] + second[label]) / (2 * n) for label in {*first, *second}}

    by_chance = sum(first[label] * second[label] for label in first) / (n * n)
    kappa = None
    if by_chance < 1.0:
        leverage = [(second[one] + first[other]) / (2 * n) for one, other in pairs]
        kappa = _coefficient(same, by_chance, leverage, z, level, "kappa")

    by_chance = sum(share * (1.0 - share) for share in mean_share.values()) / (categories - 1)
    leverage = [(2.0 - mean_share[one] - mean_share[other]) / (2 * (categories - 1)) for one, other in pairs]
    ac1 = _coefficient(same, by_chance, leverage, z, level, "ac1")
    return Agreement(n, raw, wilson(int(sum(same)), n, level), kappa, ac1)


def _coefficient(
    same: list[float], by_chance: float, leverage: list[float], z: float, level: float, method: str
) -> Coefficient:
    n = len(same)
    value = (sum(same) / n - by_chance) / (1.0 - by_chance)
    squares = 0.0
    for hit, chance in zip(same, leverage, strict=True):
        own = (hit - by_chance) / (1.0 - by_chance)
        own -= 2.0 * (1.0 - value) * (chance - by_chance) / (1.0 - by_chance)
        squares += (own - value) ** 2
    if squares < _NOTHING * n:
        # No item differs from another, as when the raters agree throughout: that is no proof of certainty. What raw agreement
        # may be stands in for it, as far as chance alone is taken as known.
        whole = wilson(int(sum(same)), n, level)
        bounds = [max(-1.0, min(1.0, (bound - by_chance) / (1.0 - by_chance))) for bound in (whole.lo, whole.hi)]
        return Coefficient(value, Interval(min(value, bounds[0]), max(value, bounds[1]), level, method))
    half = z * math.sqrt(squares / (n * (n - 1)))
    return Coefficient(value, Interval(max(-1.0, value - half), min(1.0, value + half), level, method))
