"""Fixed-sample intervals for one proportion and for the paired difference of two.

Use these when the number of prompts was fixed before the first answer was seen. If anybody looked while answers came in,
only `auditor.stats.sequences` gives an interval that keeps its promise.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

_EXACT_PAIRS = 1000


class Interval(NamedTuple):
    """A confidence interval.

    `lo` and `hi` are on the scale of the quantity (shares, so 0.05 is five percentage points), `level` is the two-sided
    confidence level in (0, 1) and `method` names how it was computed.
    """

    lo: float
    hi: float
    level: float
    method: str


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Give Wilson's score interval for a proportion of `k` successes in `n` trials.

    Returns bounds in [0, 1]; `n == 0` gives (0, 1), because nothing was seen. Raises ValueError unless 0 <= k <= n and
    0 < level < 1. Source: Wilson 1927, JASA 22:209; recommended for evaluations by Bowyer et al. 2025 (arXiv 2503.01747).
    """
    z = two_sided_z(level)
    _check_counts(k=k, n=n)
    if k > n:
        raise ValueError(f"k={k} successes out of n={n} trials: pass k <= n")
    if n == 0:
        return Interval(0.0, 1.0, level, "wilson")
    lo, hi = _wilson_bounds(k, n, z)
    return Interval(lo, hi, level, "wilson")


def tango(better: int, worse: int, n: int, level: float = 0.95) -> Interval:
    """Give Tango's score interval for a paired difference of proportions, delta = (better - worse) / n.

    `better` counts prompts on which only the candidate did well, `worse` those on which only the baseline did, `n` all
    scored pairs. Returns bounds in [-1, 1]; `n == 0` gives (-1, 1). It needs no discordant pair to be informative: with
    none, the lower bound is -z^2 / (n + z^2). Raises ValueError on negative counts, better + worse > n, or a level outside
    (0, 1). Source: Tango 1998, Statistics in Medicine 17:891.
    """
    z = two_sided_z(level)
    _check_counts(better=better, worse=worse, n=n)
    if better + worse > n:
        raise ValueError(
            f"better={better} and worse={worse} exceed n={n}: n must count every scored pair, ties included"
        )
    lo, hi = score_bounds(better, worse, n, z)
    return Interval(lo, hi, level, "tango")


def newcombe(both: int, better: int, worse: int, neither: int, level: float = 0.95) -> Interval:
    """Give Newcombe's method-10 interval for a paired difference of proportions, delta = (better - worse) / n.

    The four counts are the cells of the paired table: both models did well, only the candidate, only the baseline,
    neither. Beside `tango`, not instead of it: where few pairs differ and those that agree are split between both and
    neither, its lower bound is too high (docs/statistics.md). Returns bounds in [-1, 1]; an empty table gives (-1, 1). Raises ValueError on negative counts or a level
    outside (0, 1). Source: Newcombe 1998, Statistics in Medicine 17:2635 (Wilson limits joined through a
    continuity-corrected phi).
    """
    z = two_sided_z(level)
    _check_counts(both=both, better=better, worse=worse, neither=neither)
    n = both + better + worse + neither
    if n == 0:
        return Interval(-1.0, 1.0, level, "newcombe")
    candidate, baseline = (both + better) / n, (both + worse) / n
    candidate_lo, candidate_hi = _wilson_bounds(both + better, n, z)
    baseline_lo, baseline_hi = _wilson_bounds(both + worse, n, z)
    phi = _corrected_phi(both, better, worse, neither)
    delta = candidate - baseline
    down = _joined(candidate - candidate_lo, baseline_hi - baseline, phi)
    up = _joined(candidate_hi - candidate, baseline - baseline_lo, phi)
    return Interval(max(-1.0, delta - down), min(1.0, delta + up), level, "newcombe")


def mcnemar_exact(better: int, worse: int) -> float:
    """Give the two-sided exact McNemar p-value: are `better` and `worse` compatible with a fair coin?

    Only discordant pairs enter. Returns a p-value in (0, 1]; no discordant pair gives 1. Raises ValueError on negative
    counts. Source: McNemar 1947, Psychometrika 12:153, with the exact binomial tail doubled and capped at 1.
    """
    _check_counts(better=better, worse=worse)
    return min(1.0, 2.0 * _fair_coin_tail(min(better, worse), better + worse))


def two_sided_z(level: float) -> float:
    """Give the standard normal quantile of a two-sided `level`; ValueError unless 0 < level < 1."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level} is not a confidence level: pass a number between 0 and 1, such as 0.95")
    # From the upper tail, so that a level close to 1 does not lose its last digits.
    return -NormalDist().inv_cdf((1.0 - level) / 2.0)


def score_bounds(better: float, worse: float, n: float, z: float) -> tuple[float, float]:
    """Give Tango's bounds for counts that need not be whole numbers (planning extrapolates rates); no checks."""
    if n <= 0:
        return -1.0, 1.0
    lower = _upper_score_bound(worse, better, n, z)
    return max(-1.0, -lower), _upper_score_bound(better, worse, n, z)


def score_statistic(better: float, worse: float, n: float, delta: float) -> float:
    """Give Tango's score statistic for the hypothesis that the paired difference is `delta`, standard normal if so."""
    if delta < 0.0:
        return -score_statistic(worse, better, n, -delta)
    a = 2.0 * n
    b = -better - worse + (2.0 * n - better + worse) * delta
    c = -worse * delta * (1.0 - delta)
    root = math.sqrt(b * b - 4.0 * a * c)
    # The textbook root cancels when b > 0: at n = 10^6 that costs half of the digits.
    nuisance = (root - b) / (2.0 * a) if b <= 0.0 else -2.0 * c / (root + b)
    variance = n * (2.0 * nuisance + delta * (1.0 - delta))
    distance = better - worse - n * delta
    if variance <= 0.0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _upper_score_bound(better: float, worse: float, n: float, z: float) -> float:
    if better >= n:
        return 1.0
    low, high = (better - worse) / n, 1.0
    # The score statistic falls as the hypothesised delta rises, so halving finds the one crossing.
    for _ in range(64):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if score_statistic(better, worse, n, middle) > -z:
            low = middle
        else:
            high = middle
    return high


def _wilson_bounds(k: int, n: int, z: float) -> tuple[float, float]:
    centre = k + z * z / 2.0
    spread = z * math.sqrt(k * (n - k) / n + z * z / 4.0)
    scale = n + z * z
    lo = 0.0 if k == 0 else (centre - spread) / scale
    hi = 1.0 if k == n else (centre + spread) / scale
    return lo, hi


def _corrected_phi(both: int, better: int, worse: int, neither: int) -> float:
    margins = (both + better) * (worse + neither) * (both + worse) * (better + neither)
    if margins == 0:
        return 0.0
    cross = float(both * neither - better * worse)
    if cross > 0.0:
        cross = max(cross - (both + better + worse + neither) / 2.0, 0.0)
    return cross / math.sqrt(margins)


def _joined(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(0.0, first * first - 2.0 * phi * first * second + second * second))


def _fair_coin_tail(k: int, n: int) -> float:
    if n <= _EXACT_PAIRS:
        return sum(math.comb(n, i) for i in range(k + 1)) / (1 << n)
    term = math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2.0))
    total = 0.0
    for i in range(k, -1, -1):
        total += term
        if term <= total * 1e-17:
            break
        term *= i / (n - i + 1)
    return total


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"{name}={count}: counts cannot be negative")
