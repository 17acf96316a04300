"""Resampling by cluster, for statistics that no closed interval covers.

Not for decisions on the mean of a small sample, where the percentile bootstrap certifies what it should not: use
`intervals.tango`, `graded.mean_interval` or `sequences.confidence_sequence` there.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.stats.intervals import Interval, two_sided_z

Floats = NDArray[np.float64]


def cluster_bootstrap(
    clusters: Sequence[Sequence[float]],
    rng: np.random.Generator,
    level: float = 0.95,
    *,
    resamples: int = 5000,
) -> Interval:
    """Give a percentile interval for the mean over all members, by resampling whole clusters.

    `clusters` are the values of prompts made from one template each; every cluster needs a value, and below some 30
    clusters the interval is too narrow. Raises ValueError on fewer than 2 clusters, an empty one, or fewer than 100
    resamples. Source: Davison and Hinkley 1997, section 3.8.
    """
    sums = np.array([float(np.sum(cluster)) for cluster in clusters])
    sizes = np.array([len(cluster) for cluster in clusters])
    if len(sums) < 2:
        raise ValueError(f"{len(sums)} clusters: pass at least 2")
    if np.any(sizes == 0):
        raise ValueError("an empty cluster: pass only clusters with at least one value")
    drawn = _draws(len(sums), resamples, rng)
    return _percentiles(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), level)


def bootstrap(
    items: int,
    statistic: Callable[[NDArray[np.intp]], float],
    rng: np.random.Generator,
    level: float = 0.95,
    *,
    resamples: int = 1000,
) -> Interval:
    """Give a percentile interval for any statistic of `items` independent items.

    `statistic` receives the positions drawn (with repeats) and may return NaN for a resample on which it is undefined,
    which is then left out; if more than half are, ValueError is raised, as on fewer than 2 items or 100 resamples. Source:
    Efron and Tibshirani 1993.
    """
    if items < 2:
        raise ValueError(f"{items} items: pass at least 2")
    values = np.array([statistic(drawn) for drawn in _draws(items, resamples, rng)])
    values = values[~np.isnan(values)]
    if len(values) < resamples / 2:
        raise ValueError("the statistic is undefined on most resamples: pass data that vary")
    return _percentiles(values, level)


def _draws(items: int, resamples: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if resamples < 100:
        raise ValueError(f"resamples={resamples}: pass at least 100")
    return rng.integers(0, items, size=(resamples, items), dtype=np.intp)


def _percentiles(values: Floats, level: float) -> Interval:
    two_sided_z(level)
    tail = (1.0 - level) / 2.0
    lo, hi = np.quantile(values, [tail, 1.0 - tail])
    return Interval(float(lo), float(hi), level, "bootstrap")
