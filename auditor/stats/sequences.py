"""Confidence sequences: intervals that hold at every look at once, and what they cost in prompts.

A bound is the last `delta0` that the e-process of `auditor.stats.eprocess` rejects. Each end is wrong, at any time ever, with
probability at most (1 - level) / 2.
"""

import math
from collections.abc import Callable, Sequence

from auditor.stats.eprocess import e_value, e_value_counts, e_values
from auditor.stats.graded import check_diffs
from auditor.stats.intervals import Interval, two_sided_z
from auditor.stats.planning import check_margin

_FAR = 1_000_000
_EDGE = 1e-12


def confidence_sequence(diffs: Sequence[float], level: float = 0.90, *, bank: int | None = None) -> Interval:
    """Give the interval for the mean difference that may be looked at after every prompt.

    `diffs` and `bank` are as in `eprocess.e_values`: without a bank the interval is about new prompts like these, with one
    about the mean over this bank, and it closes on that mean when all of it was seen. Then, too, the order counts: pass the
    recorded one. `bank` counts prompts that could not be scored as well; they stay not drawn (`auditor.stats.missing`
    bounds what they might have been).

    Returns bounds in [-1, 1], method `betting` or `betting-bank`; no differences give (-1, 1). Raises ValueError as
    `eprocess.e_values`, or on a level outside (0, 1). Source: inversion, Waudby-Smith and Ramdas 2024.
    """
    two_sided_z(level)
    values = check_diffs(diffs)
    if bank is not None and len(values) > bank:
        raise ValueError(f"{len(values)} differences from bank={bank}: pass the size of the whole bank")
    method = "betting" if bank is None else "betting-bank"
    if bank is not None and len(values) == bank:
        mean = math.fsum(values) / bank
        return Interval(mean, mean, level, method)
    mirrored = [-value for value in values]
    lo = _last_rejected(lambda delta0: e_value(values, delta0, bank=bank), level)
    hi = -_last_rejected(lambda delta0: e_value(mirrored, delta0, bank=bank), level)
    if bank is not None and lo > hi:
        # An order that runs all one way and then all the other can push each end past the other. That is rarer than the
        # error allowed, and then only what the unseen part cannot undo is claimed.
        total, left = math.fsum(values), bank - len(values)
        lo, hi = max(-1.0, (total - left) / bank), min(1.0, (total + left) / bank)
    return Interval(lo, hi, level, method)


def spot_check(diffs: Sequence[float], bank: int, level: float = 0.90) -> Interval:
    """Give the interval for a spot-check: preserved is claimed about this bank, a change about new prompts like these.

    Replies drawn at a temperature differ even between a model and itself, so a bank that is asked to the end always shows
    *some* loss or gain, and an interval about the bank alone would call it real (docs/statistics.md measures how often).
    Here the lower bound is that of the bank up to 0, which is what certifies a margin in few prompts, while an upper bound
    below 0 or a lower bound above 0 needs the evidence of `confidence_sequence` without a bank. Arguments and errors are as
    there; method `betting-spot-check`. Source: the two confidence sequences, each used for the claim it can bear.
    """
    here = confidence_sequence(diffs, level, bank=bank)
    anywhere = confidence_sequence(diffs, level)
    lo = max(anywhere.lo, min(here.lo, 0.0))
    return Interval(lo, max(anywhere.hi, lo), level, "betting-spot-check")


def confidence_sequence_counts(better: int, worse: int, n: int, level: float = 0.90) -> Interval:
    """Give `confidence_sequence` for scores of 0 or 1 and new prompts like these, from counts as in `intervals.tango`."""
    two_sided_z(level)
    ties = n - better - worse
    if ties < 0:
        raise ValueError(
            f"better={better} and worse={worse} exceed n={n}: n must count every scored pair, ties included"
        )
    lo = _last_rejected(lambda delta0: e_value_counts(better, worse, ties, delta0), level)
    hi = -_last_rejected(lambda delta0: e_value_counts(worse, better, ties, delta0), level)
    return Interval(lo, hi, level, "betting")


def smallest_certifiable_n(margin: float, level: float = 0.90, *, bank: int | None = None) -> int:
    """Give the fewest prompts after which `confidence_sequence` can certify `margin`: when every pair agreed.

    As `planning.smallest_certifiable_n`, for runs that may be watched: 88, 43, 28 and 20 prompts for margins of 5, 10, 15
    and 20 points at level 0.90, fewer from a finite bank. Raises ValueError on a margin or level outside (0, 1), or an empty
    bank.
    """
    check_margin(margin)
    two_sided_z(level)
    threshold = _threshold(level)
    if bank is None:
        return _first(1, _FAR, lambda n: e_value_counts(0, 0, n, -margin) >= threshold) or _FAR
    if bank < 1:
        raise ValueError(f"bank={bank}: pass the number of prompts in the bank, at least 1")
    path = e_values([0.0] * bank, -margin, bank=bank)
    return next(n for n, value in enumerate(path, start=1) if value >= threshold)


def needed_n(
    better: int, worse: int, n: int, margin: float, level: float = 0.90, *, bank: int | None = None
) -> int | None:
    """Give the number of prompts at which a watched run would decide, should the rates seen so far go on as they are.

    As `planning.needed_n`, for `confidence_sequence`. With a bank it is at most the bank, whose last prompt always decides
    about the bank. Raises ValueError on a margin or level outside (0, 1), or counts that do not fit.
    """
    check_margin(margin)
    two_sided_z(level)
    if min(better, worse, n) < 0 or better + worse > n:
        raise ValueError(f"better={better}, worse={worse}, n={n}: pass counts with better + worse <= n")
    if n == 0:
        return smallest_certifiable_n(margin, level, bank=bank)
    threshold = _threshold(level)

    def decided(size: int) -> bool:
        scale = size / n
        gains, losses, ties = better * scale, worse * scale, (n - better - worse) * scale
        return (
            e_value_counts(gains, losses, ties, -margin) >= threshold
            or e_value_counts(losses, gains, ties, 0.0) >= threshold
        )

    found = _first(n, _FAR, decided)
    if bank is not None:
        return bank if found is None else min(found, bank)
    return found


def _threshold(level: float) -> float:
    return 2.0 / (1.0 - level)


def _last_rejected(e_at: Callable[[float], float], level: float) -> float:
    threshold = _threshold(level)
    low, high = -1.0 + _EDGE, 1.0 - _EDGE
    if e_at(low) < threshold:
        return -1.0
    if e_at(high) >= threshold:
        return 1.0
    # The e-value falls as delta0 rises, so halving finds the one crossing; the rejected side is the bound.
    for _ in range(44):
        middle = (low + high) / 2.0
        if e_at(middle) >= threshold:
            low = middle
        else:
            high = middle
    return low


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Give the first number in [low, high] for which a condition holds that, once true, stays true."""
    if holds(low):
        return low
    step = low
    while not holds(min(step, high)):
        if step >= high:
            return None
        low, step = step, 2 * step
    high = min(step, high)
    while high - low > 1:
        middle = math.floor((low + high) / 2)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
