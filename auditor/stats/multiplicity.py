"""What may be claimed when several metrics are tested at once.

Three claims, three rules. "All are preserved" needs every metric to pass at its own level and no correction. "Something
regressed" needs Holm. Exploratory metrics get Benjamini and Hochberg and are marked as exploratory.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Adjusted(NamedTuple):
    """A p-value after correction, in [0, 1], and whether it is small enough at the level asked for."""

    p: float
    rejected: bool


class AllPreserved(NamedTuple):
    """Whether every metric was shown to be preserved, and which were not, in the order given."""

    holds: bool
    missing: tuple[str, ...]


def holm(p_values: Mapping[str, float], alpha: float = 0.05) -> dict[str, Adjusted]:
    """Adjust p-values so that the chance of any false rejection among them is at most `alpha`, whatever their dependence.

    Pass `eprocess.anytime_p` values if the run was watched: Holm on those stays valid at any stopping time, which e-BH on
    running maxima does not (arXiv 2501.19360). Returns the adjusted values under the same names. Raises ValueError on
    p-values outside [0, 1] or alpha outside (0, 1). Source: Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    ranked = _ranked(p_values, alpha)
    adjusted: dict[str, Adjusted] = {}
    worst = 0.0
    for rank, (name, p) in enumerate(ranked):
        worst = max(worst, min(1.0, p * (len(ranked) - rank)))
        adjusted[name] = Adjusted(worst, worst <= alpha)
    return {name: adjusted[name] for name in p_values}


def benjamini_hochberg(p_values: Mapping[str, float], alpha: float = 0.05) -> dict[str, Adjusted]:
    """Adjust p-values so that at most a share `alpha` of the rejections is false on average (exploratory metrics only).

    Valid for independent or positively dependent p-values. Returns and raises as `holm`. Source: Benjamini and Hochberg
    1995, JRSS-B 57:289.
    """
    ranked = _ranked(p_values, alpha)
    adjusted: dict[str, Adjusted] = {}
    best = 1.0
    for rank in range(len(ranked), 0, -1):
        name, p = ranked[rank - 1]
        best = min(best, p * len(ranked) / rank)
        adjusted[name] = Adjusted(best, best <= alpha)
    return {name: adjusted[name] for name in p_values}


def intersection_union(within_margin: Mapping[str, bool]) -> AllPreserved:
    """Say whether "all are preserved" is shown: only if each metric was shown to stay within its margin.

    Pass `Decided.within_margin` of each primary metric. If each claim has error at most alpha, so has the joint one, and no
    correction is due: it is false only if some metric's own claim is. Raises ValueError on an empty mapping, because nothing
    tested is nothing shown. Source: Berger 1982, Technometrics 24:295.
    """
    if not within_margin:
        raise ValueError("no metric: pass at least one, because nothing tested is nothing shown")
    missing = tuple(name for name, within in within_margin.items() if not within)
    return AllPreserved(not missing, missing)


def _ranked(p_values: Mapping[str, float], alpha: float) -> list[tuple[str, float]]:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha={alpha}: pass an error rate between 0 and 1, such as 0.05")
    for name, p in p_values.items():
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"p-value {p} of {name!r}: pass a number from 0 to 1")
    return sorted(p_values.items(), key=lambda item: item[1])
