"""Correcting a judged difference with human labels.

A judge's errors do not cancel between the two models of a pair, because the models differ in style and judges react to
style. With no human labels a result is *judge-relative* and must say so. With a random sample of pairs that humans labelled
too (the *gold* pairs), prediction-powered inference measures the judge's error on the difference itself and subtracts it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from auditor.stats.graded import check_diffs
from auditor.stats.intervals import Interval, two_sided_z

MINIMUM_GOLD = 30
TUNED_GOLD = 80


class Corrected(NamedTuple):
    """A difference corrected for the judge: estimate in [-1, 1], its interval, and the weight given to the judge.

    `weight` is PPI's lambda: 1 takes the judge at its word and corrects it, 0 uses the gold labels alone.
    """

    delta: float
    interval: Interval
    weight: float
    gold: int
    judged: int


class JudgedRate(NamedTuple):
    """How often a judge says yes for one model, and how often it is right there, from labels on that model's replies.

    `positive` of `n` judged replies were called positive; the judge called `true_positive` of `gold_positive` replies
    positive that humans call positive, and `true_negative` of `gold_negative` negative that humans call negative.
    """

    positive: int
    n: int
    true_positive: int
    gold_positive: int
    true_negative: int
    gold_negative: int


class Rate(NamedTuple):
    """A rate corrected for the judge, in [0, 1], its interval, its standard error and the judge's Youden index."""

    rate: float
    interval: Interval
    standard_error: float
    youden: float


def ppi(
    gold: Sequence[tuple[float, float]], judged: Sequence[float], level: float = 0.95, *, tune: bool = True
) -> Corrected:
    """Correct the mean paired difference by prediction-powered inference.

    `gold` holds (human difference, judge difference) of the gold pairs, drawn uniformly at random from all pairs, at least
    30 of them; `judged` the judge's differences on the remaining pairs. Everything lies in [-1, 1]. From 80 gold pairs on,
    and if `tune`, the judge's weight is estimated (PPI++); below, it is 1, because an estimated weight undercovers at such
    sizes (down to .72 at 20 gold pairs of a rare event). The variance of the correction counts two further gold pairs, one
    wrong each way, so that a judge that happens to agree on every gold pair is not taken to be perfect.

    Returns the estimate and its normal interval, both clipped to [-1, 1]. Raises ValueError on fewer than 30 gold or 2
    judged pairs, or values out of range. Source: Angelopoulos et al. 2023 (arXiv 2301.09633) and 2023b (PPI++, arXiv
    2311.01453).
    """
    z = two_sided_z(level)
    if len(gold) < MINIMUM_GOLD:
        raise ValueError(
            f"{len(gold)} gold pairs: pass at least {MINIMUM_GOLD}, or report the difference as judge-relative"
        )
    if len(judged) < 2:
        raise ValueError(f"{len(judged)} judged pairs: pass at least 2 that have no human label")
    human = check_diffs([pair[0] for pair in gold])
    judge = check_diffs([pair[1] for pair in gold])
    rest = check_diffs(judged)
    weight = _weight(human, judge, rest) if tune and len(gold) >= TUNED_GOLD else 1.0
    errors = [y - weight * f for y, f in zip(human, judge, strict=True)]
    estimate = weight * _mean(rest) + _mean(errors)
    spread = weight**2 * _variance(rest) / len(rest) + _variance([*errors, 1.0, -1.0]) / len(errors)
    half = z * math.sqrt(spread)
    interval = Interval(_clip(estimate - half), _clip(estimate + half), level, "ppi" if weight == 1.0 else "ppi++")
    return Corrected(_clip(estimate), interval, weight, len(gold), len(rest))


def rogan_gladen(judged: JudgedRate, level: float = 0.95) -> Rate:
    """Correct one model's judged rate for the judge's sensitivity and specificity on that same model.

    Never use one model's labels for another: sharing them can turn the sign of a comparison round with high confidence
    (arXiv 2605.06939). Counts are smoothed (z^2/2 for the rate, 1 for the labels), so small ones are safe. Returns a rate
    and an interval clipped to [0, 1]. Raises ValueError on counts that do not fit, or when the judge is no better than a
    coin on these labels, because nothing can be corrected then. Source: Rogan and Gladen 1978, Am. J. Epidemiology 107:71;
    interval of Lee et al. 2025 (arXiv 2511.21140).
    """
    z = two_sided_z(level)
    parts = [
        (judged.positive, judged.n, "positive of n"),
        (judged.true_positive, judged.gold_positive, "true_positive of gold_positive"),
        (judged.true_negative, judged.gold_negative, "true_negative of gold_negative"),
    ]
    for k, n, name in parts:
        if not 0 <= k <= n or n < 1:
            raise ValueError(f"{name}: {k} of {n}; pass counts from 0 to a total of at least 1")
    total = judged.n + z * z
    share = (judged.positive + z * z / 2.0) / total
    positives, negatives = judged.gold_positive + 2, judged.gold_negative + 2
    sensitivity = (judged.true_positive + 1) / positives
    specificity = (judged.true_negative + 1) / negatives
    youden = sensitivity + specificity - 1.0
    if youden <= 0.0:
        raise ValueError(
            f"the judge is no better than a coin on these labels (Youden {youden:.2f}): pass a better judge"
        )
    rate = (share + specificity - 1.0) / youden
    variance = share * (1.0 - share) / total
    variance += (1.0 - rate) ** 2 * specificity * (1.0 - specificity) / negatives
    variance += rate**2 * sensitivity * (1.0 - sensitivity) / positives
    error = math.sqrt(variance) / youden
    lo, hi = max(0.0, min(1.0, rate - z * error)), min(1.0, max(0.0, rate + z * error))
    return Rate(min(1.0, max(0.0, rate)), Interval(lo, hi, level, "rogan-gladen"), error, youden)


def rogan_gladen_difference(candidate: JudgedRate, baseline: JudgedRate, level: float = 0.95) -> Interval:
    """Give the interval for candidate minus baseline of two rates, each corrected with its own labels.

    The two are treated as independent, which for paired prompts is conservative: see `ppi` for the sharper answer. Bounds in
    [-1, 1]; errors as `rogan_gladen`. Source: as there.
    """
    z = two_sided_z(level)
    one, other = rogan_gladen(candidate, level), rogan_gladen(baseline, level)
    delta = one.rate - other.rate
    half = z * math.hypot(one.standard_error, other.standard_error)
    return Interval(_clip(delta - half), _clip(delta + half), level, "rogan-gladen")


def _weight(human: list[float], judge: list[float], rest: list[float]) -> float:
    spread = _variance([*judge, *rest])
    if spread == 0.0:
        return 1.0
    mean_human, mean_judge = _mean(human), _mean(judge)
    shared = sum((y - mean_human) * (f - mean_judge) for y, f in zip(human, judge, strict=True)) / (len(human) - 1)
    return min(1.0, max(0.0, shared / ((1.0 + len(human) / len(rest)) * spread)))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _clip(value: float) -> float:
    return min(1.0, max(-1.0, value))
