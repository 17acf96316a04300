"""What a number of prompts can and cannot show, computed before a call is paid for."""

import math
from statistics import NormalDist

from auditor.stats.intervals import score_bounds, two_sided_z

_FAR = 1_000_000


def smallest_certifiable_n(margin: float, level: float = 0.90) -> int:
    """Give the fewest prompts with which Tango's interval can certify `margin` at all: with not one discordant pair.

    `margin` is a share in (0, 1); `level` is two-sided, so 0.90 certifies at 5 %. A spot-check smaller than this can never
    report PRESERVED. Raises ValueError on a margin or level outside (0, 1). Source: the zero-discordance limit
    z^2 / (n + z^2) of Tango 1998; 52, 25, 16 and 11 prompts for margins of 5, 10, 15 and 20 points at level 0.90.
    """
    check_margin(margin)
    z = two_sided_z(level)
    n = max(1, math.floor(z * z * (1.0 - margin) / margin) - 1)
    while score_bounds(0, 0, n, z)[0] <= -margin:
        n += 1
    return n


def minimum_detectable_effect(n: int, discordance: float, level: float = 0.90, power: float = 0.80) -> float:
    """Give the smallest true change, as a share, that `n` prompts would show as different from zero.

    `discordance` is the expected share of prompts on which the two models differ, in [0, 1]; where the change itself is
    larger than that, the discordance is taken to be the change. `power` in (0, 1) is the wanted chance of seeing it.
    Returns a share in (0, 1], or infinity when not even a complete reversal could be seen. Raises ValueError on n < 1 or
    shares out of range. Source: Miettinen 1968, Biometrics 24:339, solved for the change (normal approximation, so a
    guide below some 20 discordant pairs).
    """
    if n < 1:
        raise ValueError(f"n={n}: pass the number of prompts, at least 1")
    if not 0.0 <= discordance <= 1.0:
        raise ValueError(f"discordance={discordance}: pass the share of prompts on which the models differ, 0 to 1")
    if not 0.0 < power < 1.0:
        raise ValueError(f"power={power}: pass a chance between 0 and 1, such as 0.8")
    z_error, z_power = two_sided_z(level), NormalDist().inv_cdf(power)

    def seen(delta: float) -> bool:
        spread = max(discordance, delta)
        return math.sqrt(n) * delta >= z_error * math.sqrt(spread) + z_power * math.sqrt(spread - delta * delta)

    if not seen(1.0):
        return math.inf
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def needed_n(better: int, worse: int, n: int, margin: float, level: float = 0.90) -> int | None:
    """Give the number of prompts that would decide, should the rates seen so far go on as they are.

    `better`, `worse` and `n` are as in `intervals.tango`. A decision is a lower bound above -margin (preserved) or an upper
    bound below 0 (regressed). Returns a count >= n (n itself when it is already decided, the smallest certifiable n when
    nothing was seen), or None when a million prompts would not do. It extrapolates: say "about" when you print it. Raises
    ValueError as `intervals.tango` and `smallest_certifiable_n` do. Source: Tango's interval at the observed rates.
    """
    check_margin(margin)
    z = two_sided_z(level)
    if min(better, worse, n) < 0 or better + worse > n:
        raise ValueError(f"better={better}, worse={worse}, n={n}: pass counts with better + worse <= n")
    if n == 0:
        return smallest_certifiable_n(margin, level)

    def decided(size: int) -> bool:
        lo, hi = score_bounds(better * size / n, worse * size / n, size, z)
        return lo > -margin or hi < 0.0

    if decided(n):
        return n
    if n >= _FAR or not decided(_FAR):
        return None
    low, high = n, _FAR
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def check_margin(margin: float) -> None:
    """Raise ValueError unless `margin` is a share strictly between 0 and 1."""
    if not 0.0 < margin < 1.0:
        raise ValueError(f"margin={margin}: pass a share between 0 and 1, such as 0.05 for five percentage points")
