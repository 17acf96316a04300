"""Equivalence, for quantities where a change in either direction is bad: refusals of benign prompts, consistency, drift."""

import math
from enum import StrEnum
from typing import NamedTuple

from auditor.stats.intervals import Interval, score_statistic
from auditor.stats.planning import check_margin


class Change(StrEnum):
    """What is shown about a quantity that should stay where it is."""

    EQUIVALENT = "EQUIVALENT"
    CHANGED = "CHANGED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Equivalence(NamedTuple):
    """A decision about a change in either direction; `material` says that it is shown to exceed the margin."""

    change: Change
    material: bool
    reason: str


def equivalence(interval: Interval, margin: float) -> Equivalence:
    """Decide whether a quantity stayed within `margin` of where it was, in both directions.

    EQUIVALENT when the whole interval lies inside (-margin, margin), else CHANGED when it excludes 0, else INCONCLUSIVE. An
    interval of level 0.90 makes the first two one-sided tests at 5 %. A change that is real but shown to be smaller than
    the margin is EQUIVALENT: that is what the margin says. Raises ValueError on a margin outside (0, 1). Source: Schuirmann
    1987, J. Pharmacokinetics and Biopharmaceutics 15:657.
    """
    check_margin(margin)
    points = f"{100.0 * margin:.3g}"
    span = f"between {100.0 * interval.lo:+.1f} and {100.0 * interval.hi:+.1f} percentage points"
    if -margin < interval.lo and interval.hi < margin:
        return Equivalence(Change.EQUIVALENT, False, f"The change, {span}, stays within {points} points either way.")
    if interval.lo > 0.0 or interval.hi < 0.0:
        material = interval.lo > margin or interval.hi < -margin
        size = (
            f"more than the {points} points allowed" if material else f"perhaps more than the {points} points allowed"
        )
        return Equivalence(Change.CHANGED, material, f"There is a change, {span}, {size}.")
    reason = f"The change may be anything {span}, too wide a range to say whether it stays within {points} points."
    return Equivalence(Change.INCONCLUSIVE, False, reason)


def tost(better: int, worse: int, n: int, margin: float) -> float:
    """Give the p-value of two one-sided score tests: small when the paired difference is shown to be within `margin`.

    Counts are as in `intervals.tango`, whose statistic this uses, so p < alpha exactly when Tango's interval of level
    1 - 2 alpha lies inside the margins. Returns a p-value in [0, 1], 1 for no pairs. Raises ValueError on a margin outside
    (0, 1) or counts that do not fit. Source: Schuirmann 1987; Tango 1998.
    """
    check_margin(margin)
    if min(better, worse, n) < 0 or better + worse > n:
        raise ValueError(f"better={better}, worse={worse}, n={n}: pass counts with better + worse <= n")
    if n == 0:
        return 1.0
    z = min(score_statistic(better, worse, n, -margin), -score_statistic(better, worse, n, margin))
    return 0.5 * math.erfc(z / math.sqrt(2.0))
