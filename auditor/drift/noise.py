"""The noise floor: how far an endpoint seems to drift from itself, and whether a pair drifts further.

APIs are not deterministic, even at temperature 0. A divergence means something only beside the same quantity between
two askings of one endpoint (A/A), gathered prompt by prompt in the same way as the pair's (A/B).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.drift.resample import Interval, Mean, cluster_bootstrap


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """A pair's drift beside the noise floor, paired by prompt. All values in the unit of the input.

    Attributes:
        n: prompts.
        clusters: different clusters among them.
        pair: mean of A/B.
        floor: mean of A/A.
        floor_p95: 95 % quantile of A/A over prompts.
        excess: mean of A/B - A/A.
        p_value: of "no more than noise", one-sided sign-flip test over clusters, in (0, 1]: small means that the pair
            drifts more than the endpoint does from itself.
        permutations: sign flips drawn (or all of them, if fewer).
    """

    n: int
    clusters: int
    pair: Mean
    floor: Mean
    floor_p95: float
    excess: Mean
    p_value: float
    permutations: int

    def within(self, margin: float) -> bool:
        """Whether the excess over noise is shown to be below ``margin``: its interval's upper end is.

        A large p-value does not show that (too few prompts give one, too); this does, at the interval's level.
        """
        return self.excess.interval is not None and self.excess.interval[1] < margin

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the ``noise_floor`` object of schema ``auditor.drift/1``."""
        return {
            "n": self.n,
            "clusters": self.clusters,
            "pair": _mean(self.pair),
            "floor": _mean(self.floor),
            "floor_p95": self.floor_p95,
            "excess": _mean(self.excess),
            "p_value": self.p_value,
            "permutations": self.permutations,
        }


def noise_floor(
    floor: Sequence[float],
    pair: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> NoiseFloor:
    """Set a pair's drift against the endpoint's drift from itself.

    The test: given the first asking of A, the second asking of A and the asking of B are exchangeable if the models are
    the same, so each cluster's sum of differences is as likely negative as positive. Signs are flipped per cluster, and
    p = (1 + #{flipped >= observed}) / (flips + 1); with 12 clusters or fewer all flips are gone through.

    Args:
        floor: n values, A against A.
        pair: n values, A against B, for the same prompts in the same order; the same statistic on equally many tokens.
        clusters: n cluster ids.
        seed: of bootstrap and flips.
        resamples: bootstrap resamples, and flips.
        level: coverage of the intervals.

    Raises:
        ValueError: no prompts, or lengths that differ.
    """
    import numpy as np

    n = len(clusters)
    if n == 0 or len(floor) != n or len(pair) != n:
        msg = f"need A/A and A/B values for the same prompts, got {len(floor)} and {len(pair)} for {n}"
        raise ValueError(msg)
    difference = [b - a for a, b in zip(floor, pair, strict=True)]
    both, own, excess = cluster_bootstrap(
        [pair, floor, difference], clusters, seed=seed, resamples=resamples, level=level
    )
    sums: dict[Hashable, list[float]] = {}
    for cluster, value in zip(clusters, difference, strict=True):
        sums.setdefault(cluster, []).append(value)
    totals = np.array([math.fsum(values) for values in sums.values()])
    observed = float(totals.sum())
    if len(totals) <= 12:
        grid = np.arange(2 ** len(totals))[:, None] >> np.arange(len(totals)) & 1
        flips = 1.0 - 2.0 * grid[1:]
    else:
        flips = np.random.default_rng(seed).choice([-1.0, 1.0], size=(resamples, len(totals)))
    slack = 1e-12 * float(np.abs(totals).sum())
    extreme = int((flips @ totals >= observed - slack).sum())
    return NoiseFloor(
        n=n,
        clusters=len(totals),
        pair=both,
        floor=own,
        floor_p95=float(np.quantile(np.asarray(floor, dtype=float), 0.95)),
        excess=excess,
        p_value=(1 + extreme) / (len(flips) + 1),
        permutations=len(flips),
    )


def _mean(mean: Mean) -> dict[str, Any]:
    interval: Interval | None = mean.interval
    return {"value": mean.value, "interval": list(interval) if interval else None}
