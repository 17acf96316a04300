"""Fixed-sample inference on the mean of paired differences that are graded, averaged over repeats, or cluster means.

Counts of better and worse are not enough here, and at the sizes of a spot-check neither the normal interval nor the
bootstrap keeps its level on such data: mostly zeros with a rare large loss is the usual case.
"""

import cmath
import math
import random
from collections import Counter
from collections.abc import Sequence

from auditor.stats.intervals import Interval, two_sided_z

_GRID = 1000
_EXACT_FLIPS = 16
_RESAMPLES = 9_999


def mean_interval(diffs: Sequence[float], level: float = 0.95) -> Interval:
    """Give Gaffke's interval for the mean of independent differences in [-1, 1], one per prompt or per cluster.

    The lower bound is the (1 - level) / 2 quantile of a randomly weighted mean (uniform Dirichlet weights) of the data and
    one further point at -1; the upper bound mirrors it. It uses the range of the scores and no other assumption; on data of
    two values it is Clopper and Pearson's interval. Its level is proved for two values and otherwise known from
    simulation; docs/statistics.md gives the coverage measured here. The quantile is found by numerical inversion, not by
    drawing, so the same data in any order give the same interval. Cost grows with the number of distinct values; above
    1,000 of them they are rounded outwards to 0.001.

    Returns bounds in [-1, 1]; no differences give (-1, 1). Raises ValueError on values outside [-1, 1] or a level outside
    (0, 1). Source: Gaffke 2005; Learned-Miller and Thomas 2019 (arXiv 1905.06208).
    """
    two_sided_z(level)
    values = check_diffs(diffs)
    if not values:
        return Interval(-1.0, 1.0, level, "gaffke")
    tail = (1.0 - level) / 2.0
    lo = _lower_bound(values, tail)
    hi = -_lower_bound([-value for value in values], tail)
    return Interval(lo, hi, level, "gaffke")


def sign_flip(diffs: Sequence[float], seed: int) -> float:
    """Give the two-sided sign-flip p-value for "the differences are symmetric about zero".

    Exact by enumeration up to 16 non-zero differences; beyond, 9,999 random flips drawn from `seed` and counted together
    with the observed one, so the p-value stays valid. Returns a p-value in (0, 1]; all zeros, or no data, give 1. Raises
    ValueError on values outside [-1, 1]. Source: Fisher 1935; the +1 correction of Phipson and Smyth 2010.
    """
    sizes = [abs(value) for value in check_diffs(diffs) if value != 0.0]
    if not sizes:
        return 1.0
    # Sums that differ only by rounding are ties, and a tie counts as "as extreme".
    observed = abs(math.fsum(diffs)) - 1e-9
    if len(sizes) <= _EXACT_FLIPS:
        sums = [sizes[0]]
        for size in sizes[1:]:
            sums = [total + size for total in sums] + [total - size for total in sums]
        return sum(abs(total) >= observed for total in sums) / len(sums)
    draw = random.Random(seed).getrandbits
    groups = sorted(Counter(sizes).items())
    extreme = 0
    for _ in range(_RESAMPLES):
        total = sum(size * (2 * draw(count).bit_count() - count) for size, count in groups)
        extreme += abs(total) >= observed
    return (1 + extreme) / (1 + _RESAMPLES)


def check_diffs(diffs: Sequence[float]) -> list[float]:
    """Give the differences clipped to [-1, 1]; ValueError if one is further outside than rounding explains."""
    for value in diffs:
        if not -1.0 - 1e-9 <= value <= 1.0 + 1e-9:
            raise ValueError(
                f"difference {value} is outside [-1, 1]: pass candidate minus baseline of scores in [0, 1]"
            )
    return [min(1.0, max(-1.0, float(value))) for value in diffs]


def _lower_bound(values: list[float], tail: float) -> float:
    counts = Counter(values)
    if len(counts) > _GRID:
        counts = Counter(max(-1.0, math.floor(value * _GRID) / _GRID) for value in values)
    counts[-1.0] += 1
    points = sorted(counts.items())
    low, high = -1.0, points[-1][0]
    for _ in range(38):
        middle = (low + high) / 2.0
        if _chance_below(points, middle) < tail:
            low = middle
        else:
            high = middle
    return low


def _chance_below(points: list[tuple[float, int]], x: float) -> float:
    """Give P(sum of D_i z_i <= x) for uniform Dirichlet weights D.

    Dividing independent exponentials by their sum makes such weights, so this is P(sum of E_i (z_i - x) <= 0), read off the
    moment generating function along a vertical line through its saddle point, where the integrand neither oscillates much
    nor cancels; the sinh spacing makes the plain trapezoid sum converge geometrically.
    """
    shifted = [(value - x, count) for value, count in points if value != x]
    steepest = shifted[0][0] if shifted else 0.0
    if steepest >= 0.0:
        return 0.0
    if shifted[-1][0] <= 0.0:
        return 1.0
    left, right = 1.0 / steepest, 0.0
    for _ in range(16):
        s = (left + right) / 2.0
        if sum(count * a / (1.0 - s * a) for a, count in shifted) > 1.0 / s:
            right = s
        else:
            left = s
    s = (left + right) / 2.0
    tilted = [(a / (1.0 - s * a), count) for a, count in shifted]
    width = 1.0 / math.sqrt(sum(count * b * b for b, count in tilted) + 1.0 / (s * s))
    step, total, node = 0.15, 0.5 / s, 1
    while node < 1000:
        tau = width * math.sinh(step * node)
        log_ratio = -sum(count * cmath.log(1.0 - 1j * tau * b) for b, count in tilted)
        term = (cmath.exp(log_ratio) / complex(s, tau)) * math.cosh(step * node)
        total += term.real
        if abs(term) < 1e-13 * abs(total):
            break
        node += 1
    log_scale = -sum(count * math.log1p(-s * a) for a, count in shifted)
    return min(1.0, max(0.0, -math.exp(log_scale) * total * width * step / math.pi))
