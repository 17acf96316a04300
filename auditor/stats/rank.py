"""Rank correlation with an interval: does a cheap score order prompts as an expensive one does?"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditor.stats.bootstrap import Floats, bootstrap
from auditor.stats.intervals import Interval


class RankCorrelation(NamedTuple):
    """A rank correlation in [-1, 1], its bootstrap interval and the number of items."""

    value: float
    interval: Interval
    n: int


def spearman(
    x: Sequence[float], y: Sequence[float], rng: np.random.Generator, level: float = 0.95, *, resamples: int = 1000
) -> RankCorrelation:
    """Give Spearman's rho: the correlation of the ranks, ties sharing their mean rank.

    Items are resampled together, so both sequences must be in the same order. Raises ValueError on fewer than 3 items,
    unequal lengths, values that are not finite, or a sequence that does not vary. Source: Spearman 1904.
    """
    a, b = _checked(x, y)

    def rho(drawn: NDArray[np.intp]) -> float:
        return _correlation(_ranks(a[drawn]), _ranks(b[drawn]))

    return _with_interval(rho, len(a), rng, level, resamples, "spearman")


def kendall(
    x: Sequence[float], y: Sequence[float], rng: np.random.Generator, level: float = 0.95, *, resamples: int = 1000
) -> RankCorrelation:
    """Give Kendall's tau-b: concordant minus discordant pairs of items, corrected for ties.

    Arguments and errors as `spearman`; memory and time grow with the square of the number of items. Source: Kendall 1945,
    Biometrika 33:239.
    """
    a, b = _checked(x, y)
    order_a, order_b = np.sign(a[:, None] - a[None, :]), np.sign(b[:, None] - b[None, :])

    def tau(drawn: NDArray[np.intp]) -> float:
        grid = np.ix_(drawn, drawn)
        one, other = order_a[grid], order_b[grid]
        scale = float(np.sqrt(np.sum(one * one) * np.sum(other * other)))
        return float(np.sum(one * other)) / scale if scale else float("nan")

    return _with_interval(tau, len(a), rng, level, resamples, "kendall")


def _with_interval(
    statistic: Callable[[NDArray[np.intp]], float],
    items: int,
    rng: np.random.Generator,
    level: float,
    resamples: int,
    method: str,
) -> RankCorrelation:
    interval = bootstrap(items, statistic, rng, level, resamples=resamples)
    return RankCorrelation(statistic(np.arange(items, dtype=np.intp)), interval._replace(method=method), items)


def _checked(x: Sequence[float], y: Sequence[float]) -> tuple[Floats, Floats]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(a) != len(b) or len(a) < 3:
        raise ValueError(f"{len(a)} and {len(b)} values: pass two sequences of the same length, at least 3")
    for values in (a, b):
        if not np.all(np.isfinite(values)):
            raise ValueError("a value is not finite: pass only items that have both scores")
        if np.all(values == values[0]):
            raise ValueError("a sequence does not vary: pass scores that can be ranked")
    return a, b


def _ranks(values: Floats) -> Floats:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2.0)[where]
    return ranks


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale else float("nan")
