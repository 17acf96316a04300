"""Uncertainty over prompts: cluster bootstrap, and Horvitz-Thompson weights for subsampled positions.

Tokens of one reply are not independent, replies to prompts made from one template neither: what is resampled is the
cluster (else the prompt), never the token. Seeds are passed in; no global random state is read.
"""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Interval = tuple[float, float]
"""Lower and upper end, in the unit of the value."""

_CELLS: Final = 2_000_000
"""Bootstrap counts held at once (16 MB): keeps memory flat for any number of prompts."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over prompts with its bootstrap interval; ``interval`` is None when there are fewer than two clusters."""

    value: float
    interval: Interval | None


def cluster_bootstrap(
    columns: Sequence[Sequence[float]],
    clusters: Sequence[Hashable],
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
    weights: Sequence[float] | None = None,
) -> tuple[Mean, ...]:
    """Weighted means over prompts with intervals from resampling whole clusters, all columns on the same resamples.

    The mean is sum(w v) / sum(w); with ``weights`` = token counts and ``columns`` = per-prompt means this is a per-token
    mean whose interval still comes from prompts. Interval: percentile, widened for few clusters (Hesterberg 2015,
    "What teachers should know about the bootstrap", 4.5: the tail probability becomes
    Phi(-sqrt(c / (c - 1)) t_{c-1}), c clusters), since plain percentiles are too narrow below about 30.

    Args:
        columns: m columns of n values each, one value per prompt.
        clusters: n cluster ids; equal ids are resampled together.
        seed: of numpy's default generator.
        resamples: bootstrap resamples.
        level: coverage aimed at, in (0, 1).
        weights: n weights >= 0; 1 each by default.

    Returns:
        m means, in the order of the columns.

    Raises:
        ValueError: no values, lengths that differ, weights without mass, or ``level`` outside (0, 1).
    """
    import numpy as np

    n = len(clusters)
    if n == 0 or any(len(column) != n for column in columns) or (weights is not None and len(weights) != n):
        msg = f"every column and the weights need one value for each of the {n} prompts, and at least one"
        raise ValueError(msg)
    if not 0.0 < level < 1.0 or resamples < 1:
        msg = f"level must lie in (0, 1) and resamples be positive, got {level} and {resamples}"
        raise ValueError(msg)
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    if not (w >= 0).all() or w.sum() <= 0:
        msg = "weights must be >= 0 and not all zero"
        raise ValueError(msg)
    index = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    where = np.fromiter((index[cluster] for cluster in clusters), dtype=np.intp, count=n)
    count = len(index)
    totals: NDArray[np.float64] = np.stack(
        [np.bincount(where, weights=w * np.asarray(column, dtype=float), minlength=count) for column in columns]
        + [np.bincount(where, weights=w, minlength=count)],
        axis=1,
    )
    values = totals[:, :-1].sum(axis=0) / totals[:, -1].sum()
    if count < 2:
        return tuple(Mean(float(v), None) for v in values)
    draws = _resampled_means(totals, np.random.default_rng(seed), resamples)
    if len(draws) == 0:
        return tuple(Mean(float(v), None) for v in values)
    tail = expanded_tail(count, level)
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    return tuple(Mean(float(v), (float(a), float(b))) for v, a, b in zip(values, low, high, strict=True))


def expanded_tail(clusters: int, level: float) -> float:
    """Tail probability of each side of the widened percentile interval for ``clusters`` >= 2 clusters."""
    t = student_quantile(clusters - 1, (1.0 + level) / 2.0)
    return math.erfc(math.sqrt(clusters / (clusters - 1)) * t / math.sqrt(2.0)) / 2


def student_quantile(df: int, probability: float) -> float:
    """Quantile of Student's t for whole ``df`` >= 1 and probability in [0.5, 1), by bisection on the exact series.

    Series in theta = atan(t / sqrt(df)): Abramowitz and Stegun 26.7.3 and 26.7.4.
    """
    df = min(df, 1000)  # the next digits are below a bootstrap's resolution, and this side of them is the wider
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        if (1.0 + _student_inside(df, middle)) / 2.0 < probability:
            low = middle
        else:
            high = middle
    return math.sqrt(df) * math.tan((low + high) / 2)


def choose_positions(length: int, budget: int, *, seed: int, always: int = 0) -> tuple[tuple[int, float], ...]:
    """Positions to score when each costs a call: the first ``always`` for certain, the rest a simple random sample.

    Returns:
        (position, inclusion probability) in ascending order; everything with probability 1 if the budget allows.

    Raises:
        ValueError: a negative length, or a budget that leaves no draw for positions beyond ``always``.
    """
    if length < 0 or budget < 0 or always < 0:
        msg = f"length, budget and always must be >= 0, got {length}, {budget}, {always}"
        raise ValueError(msg)
    if budget >= length:
        return tuple((t, 1.0) for t in range(length))
    if budget <= always:
        msg = (
            f"a budget of {budget} leaves nothing for the positions after the first {always}: they would have weight 0"
        )
        raise ValueError(msg)
    drawn = sorted(random.Random(seed).sample(range(always, length), budget - always))
    share = (budget - always) / (length - always)
    return (*((t, 1.0) for t in range(always)), *((t, share) for t in drawn))


def horvitz_thompson(values: Sequence[float], inclusion: Sequence[float]) -> float:
    """Unbiased total over all positions from the sampled ones: sum of value / inclusion probability.

    Unbiased over the draw of positions for every fixed sequence, and non-negative if the values are. Divide by the
    full length for the per-token mean.

    Raises:
        ValueError: lengths differ or an inclusion probability is not in (0, 1].
    """
    if len(values) != len(inclusion) or any(not 0.0 < share <= 1.0 for share in inclusion):
        msg = "each value needs an inclusion probability in (0, 1]"
        raise ValueError(msg)
    return math.fsum(v / share for v, share in zip(values, inclusion, strict=True))


def _student_inside(df: int, theta: float) -> float:
    """P(|T| < sqrt(df) tan(theta))."""
    c2, s = math.cos(theta) ** 2, math.sin(theta)
    term = math.cos(theta) if df % 2 else 1.0
    total = 0.0
    for j in range(1 if df % 2 else 0, df - 1, 2):
        total += term
        term *= c2 * (j + 1) / (j + 2)
    return 2.0 / math.pi * (theta + s * total) if df % 2 else s * total


def _resampled_means(totals: NDArray[np.float64], rng: np.random.Generator, resamples: int) -> NDArray[np.float64]:
    import numpy as np

    count = len(totals)
    uniform = np.full(count, 1.0 / count)
    step = max(1, _CELLS // count)
    parts = []
    for start in range(0, resamples, step):
        sums = rng.multinomial(count, uniform, size=min(step, resamples - start)) @ totals
        # A resample may draw only clusters without weight: then it has no mean.
        sums = sums[sums[:, -1] > 0]
        parts.append(sums[:, :-1] / sums[:, -1:])
    return np.concatenate(parts)
