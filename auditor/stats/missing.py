"""What the pairs that could not be scored might have changed.

Unparsed, truncated, filtered and failed replies stay missing: they are never scored by default. The worst they could do is
bounded by scoring them all against the candidate, and all for it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from auditor.stats.decide import Decided, Decision, decide
from auditor.stats.intervals import Interval

SHARE_LIMIT = 0.10


class Missing(NamedTuple):
    """A decision with what the unscored pairs could do to it.

    `decided` is the decision to report: that of the scored pairs, unless more than the stated share is missing, when it is
    INCONCLUSIVE. `against` and `in_favour` are the decisions had every unscored pair gone against or for the candidate, with
    their intervals. `fragile` says that one of them contradicts or withdraws the decision. `share` is unscored over all
    pairs.
    """

    decided: Decided
    against: Decided
    in_favour: Decided
    against_interval: Interval
    in_favour_interval: Interval
    fragile: bool
    share: float
    over_limit: bool


def bound_counts(
    better: int,
    worse: int,
    n: int,
    unscored: int,
    margin: float,
    interval_of: Callable[[int, int, int], Interval],
    *,
    share_limit: float = SHARE_LIMIT,
    needed_n: int | None = None,
    certifiable_n: int | None = None,
) -> Missing:
    """Decide from counts and bound the decision over the `unscored` pairs, which `n` does not include.

    `interval_of(better, worse, n)` gives the interval, for instance `intervals.tango` at the wanted level. The remaining
    arguments are those of `decide`. Raises ValueError on negative counts, a share limit outside [0, 1], or as `decide`.
    Source: worst-case bounds of Manski 1989, J. Human Resources 24:343.
    """
    _check(n, unscored, share_limit)
    return bound_intervals(
        interval_of(better, worse, n),
        interval_of(better, worse + unscored, n + unscored),
        interval_of(better + unscored, worse, n + unscored),
        (n, n + unscored),
        (unscored, n + unscored),
        margin,
        share_limit=share_limit,
        needed_n=needed_n,
        certifiable_n=certifiable_n,
    )


def bound_diffs(
    diffs: Sequence[float],
    unscored: int,
    margin: float,
    interval_of: Callable[[Sequence[float]], Interval],
    *,
    share_limit: float = SHARE_LIMIT,
    needed_n: int | None = None,
    certifiable_n: int | None = None,
) -> Missing:
    """Decide from graded differences and bound the decision over the `unscored` pairs, as `bound_counts` does.

    `interval_of(diffs)` gives the interval, for instance `graded.mean_interval`. An unscored pair counts as -1 or +1.
    """
    _check(len(diffs), unscored, share_limit)
    return bound_intervals(
        interval_of(diffs),
        interval_of([*diffs, *[-1.0] * unscored]),
        interval_of([*diffs, *[1.0] * unscored]),
        (len(diffs), len(diffs) + unscored),
        (unscored, len(diffs) + unscored),
        margin,
        share_limit=share_limit,
        needed_n=needed_n,
        certifiable_n=certifiable_n,
    )


def bound_intervals(
    interval: Interval,
    against_interval: Interval,
    in_favour_interval: Interval,
    units: tuple[int, int],
    unscored_of: tuple[int, int],
    margin: float,
    *,
    share_limit: float = SHARE_LIMIT,
    needed_n: int | None = None,
    certifiable_n: int | None = None,
) -> Missing:
    """Decide from intervals that the caller computed, where unscored pairs lie inside clusters or at a place in an order.

    `units` counts those with a scored pair, and all of them, as the worst cases have; `unscored_of` counts pairs without a
    score, and all pairs. The rest as in `bound_counts`.
    """
    n, most = units
    unscored, pairs = unscored_of
    decided = decide(interval, margin, n, needed_n=needed_n, certifiable_n=certifiable_n)
    against = decide(against_interval, margin, most, certifiable_n=certifiable_n)
    in_favour = decide(in_favour_interval, margin, most, certifiable_n=certifiable_n)
    fragile = unscored > 0 and not all(_upholds(decided, other) for other in (against, in_favour))
    share = unscored / pairs if unscored else 0.0
    over = share > share_limit
    if over:
        reason = (
            f"{unscored} of {pairs} pairs could not be scored, more than the {_percent(share_limit)} allowed, so the "
            f"rest cannot speak for all of them."
        )
        decided = Decided(Decision.INCONCLUSIVE, False, False, reason, None, decided.certifiable)
    return Missing(decided, against, in_favour, against_interval, in_favour_interval, fragile, share, over)


def _upholds(decided: Decided, other: Decided) -> bool:
    """Say whether another reading of the missing pairs still supports what was decided."""
    if decided.decision is Decision.PRESERVED:
        return other.within_margin
    if decided.decision is Decision.REGRESSED:
        return other.decision is Decision.REGRESSED and (other.material or not decided.material)
    return other.decision is decided.decision or decided.decision is Decision.INCONCLUSIVE


def _check(n: int, unscored: int, share_limit: float) -> None:
    if n < 0 or unscored < 0:
        raise ValueError(f"n={n}, unscored={unscored}: counts cannot be negative")
    if not 0.0 <= share_limit <= 1.0:
        raise ValueError(f"share_limit={share_limit}: pass a share from 0 to 1, such as 0.1")


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"
