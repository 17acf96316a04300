"""From an interval to a decision and one sentence that anybody can read.

The rule is the same whether the interval came from a fixed sample or from a confidence sequence; only an interval of the
second kind may be looked at as often as one likes.
"""

from typing import NamedTuple

from auditor.stats import planning, sequences
from auditor.stats.decision import Decision
from auditor.stats.intervals import Interval
from auditor.stats.planning import check_margin

__all__ = ["Decided", "Decision", "decide"]


class Decided(NamedTuple):
    """A decision with the facts that policies and readers need.

    `material`: a loss larger than the margin is proved. `within_margin`: it is proved that no loss reaches the margin (true
    of PRESERVED and IMPROVED, and of a REGRESSED whose proved loss is also proved small). `reason`: one sentence. `needed_n`:
    prompts that would decide, for INCONCLUSIVE only. `certifiable`: whether this many prompts could have shown PRESERVED
    at all, had every pair agreed.
    """

    decision: Decision
    material: bool
    within_margin: bool
    reason: str
    needed_n: int | None
    certifiable: bool


def decide(
    interval: Interval, margin: float, n: int, *, needed_n: int | None = None, certifiable_n: int | None = None
) -> Decided:
    """Decide one metric from the interval of its delta.

    `margin` is the largest loss that still counts as preserved, a share in (0, 1). `n` is the number of scored pairs.
    `needed_n` is what the caller knows to be enough (`planning.needed_n`, `sequences.needed_n`, or a simulation).
    `certifiable_n` is the fewest pairs that can certify the margin; left out, it is that of Tango's interval, or for a
    confidence sequence that for new prompts; for one about a bank pass `sequences.smallest_certifiable_n` with the bank.

    REGRESSED when the upper bound is below 0, IMPROVED when the lower is above 0, PRESERVED when the lower is above -margin,
    else INCONCLUSIVE. Each such claim is wrong with probability at most (1 - level) / 2 as far as the interval keeps its
    level. Raises ValueError on a margin outside (0, 1), n < 0, or bounds that are not ordered within [-1, 1]. Source: the
    confidence-interval form of a non-inferiority test (ICH E9, section 3.3.2).
    """
    check_margin(margin)
    if n < 0:
        raise ValueError(f"n={n}: pass the number of scored pairs, 0 or more")
    if not -1.0 <= interval.lo <= interval.hi <= 1.0:
        raise ValueError(f"interval {interval.lo} to {interval.hi}: pass bounds in order, between -1 and 1")
    least = _least(interval, margin) if certifiable_n is None else certifiable_n
    certifiable = n >= least
    material = interval.hi < -margin
    within = interval.lo > -margin
    points = _points(margin)
    exact = interval.lo == interval.hi
    if interval.hi < 0.0:
        found = f"The candidate lost {_span(-interval.hi, -interval.lo, margin)}"
        if material:
            reason = f"{found}, which is more than the {points}-point margin allows."
        elif within:
            reason = f"{found}: a real loss, but one shown to be smaller than the {points}-point margin."
        elif exact:
            reason = f"{found}, which uses up the whole {points}-point margin."
        else:
            reason = f"{found}: a real loss, which may or may not exceed the {points}-point margin."
        return Decided(Decision.REGRESSED, material, within, reason, None, certifiable)
    if interval.lo > 0.0:
        reason = f"The candidate gained {_span(interval.lo, interval.hi, margin)}."
        return Decided(Decision.IMPROVED, False, True, reason, None, certifiable)
    if exact:
        reason = f"The {n} {_prompts(n)} of this bank show no change at all."
        return Decided(Decision.PRESERVED, False, True, reason, None, certifiable)
    if within:
        worst = "no loss at all"
        if interval.lo < 0.0:
            worst = f"a loss of at most {_points(-interval.lo, apart_from=margin)} percentage points"
        reason = f"Any loss is smaller than the {points}-point margin: the {n} {_prompts(n)} leave room for {worst}."
        return Decided(Decision.PRESERVED, False, True, reason, None, certifiable)
    if not certifiable:
        needed_n = max(least, needed_n or 0)
        reason = f"{n or 'No'} {_prompts(n)} cannot certify a {points}-point margin; at least {least} would be needed."
        if n == 0:
            reason = f"No prompt could be compared; a {points}-point margin needs at least {least}."
        return Decided(Decision.INCONCLUSIVE, False, False, reason, needed_n, False)
    if needed_n is not None and needed_n <= n:
        needed_n = None
    outlook = "" if needed_n is None else f"; about {needed_n} prompts would decide it"
    reason = (
        f"{n} prompts leave open anything from a loss of {_points(-interval.lo)} to a gain of "
        f"{_points(interval.hi)} percentage points, and the margin is {points}{outlook}."
    )
    return Decided(Decision.INCONCLUSIVE, False, False, reason, needed_n, True)


def _least(interval: Interval, margin: float) -> int:
    if interval.method.startswith("betting"):
        return sequences.smallest_certifiable_n(margin, interval.level)
    return planning.smallest_certifiable_n(margin, interval.level)


def _span(least: float, most: float, margin: float) -> str:
    if least == most:
        return f"{_points(least, apart_from=margin)} percentage points on this bank"
    return f"between {_points(least, apart_from=margin)} and {_points(most, apart_from=margin)} percentage points"


def _points(share: float, apart_from: float | None = None) -> str:
    """Print a share as percentage points, with no more decimals than it takes to tell it from another share."""
    decimals = 1
    while (
        decimals < 6
        and share != apart_from
        and apart_from is not None
        and _rounded(share, decimals) == _rounded(apart_from, decimals)
    ):
        decimals += 1
    while decimals < 6 and share > 0.0 and float(_rounded(share, decimals)) == 0.0:
        decimals += 1
    return _rounded(share, decimals)


def _rounded(share: float, decimals: int) -> str:
    text = f"{100.0 * share:.{decimals}f}"
    return text.rstrip("0").rstrip(".")


def _prompts(n: int) -> str:
    return "prompt" if n == 1 else "prompts"
