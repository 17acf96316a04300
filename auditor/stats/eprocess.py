"""A test that may be looked at after every prompt: the mixture betting e-process.

Picture 25 gamblers who each start with one coin and bet, prompt after prompt, that the mean difference is above `delta0`. The
odds are such that nobody can expect to gain while it is not. The e-value is their average wealth. If the mean is at most
`delta0`, the chance that this average *ever* reaches 1 / alpha is at most alpha (Ville's inequality), however often and for
whatever reason somebody looks and stops. That is what makes stopping early legitimate.

To test the other direction, negate the differences and `delta0`.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from auditor.stats.graded import check_diffs

# Fixed in advance and spread evenly: no tuning, so nothing that could have been tuned on the data.
BETS: tuple[float, ...] = tuple(0.02 + 0.04 * k for k in range(25))

# A null hypothesis that is exactly true lands on the edge of the possible, give or take a rounding error. A tolerance of the
# wrong sign calls it impossible there and turns a 3 % error into 6 to 17 %.
_ROUNDING = 1e-9
_CHUNK = 16


def e_values(diffs: Iterable[float], delta0: float, *, bank: int | None = None) -> Iterator[float]:
    """Yield the e-value against "the mean difference is at most `delta0`" after each difference, in the order given.

    `diffs` are candidate minus baseline in [-1, 1], one per prompt or cluster, graded or not. `bank` is None for "new
    prompts like these" (independent draws) or the number of prompts of a finite bank from which they are drawn without
    replacement, in an order that was random and fixed before the first was seen. An e-value of infinity means that the
    hypothesis has become impossible. Reading a prefix gives the same values as stopping there.

    Raises ValueError on values outside [-1, 1], delta0 outside (-1, 1), or more differences than the bank holds. Source:
    Waudby-Smith and Ramdas 2024, JRSS-B 86:1 (arXiv 2010.09686), with a fixed mixture over bets as in arXiv 2402.03683.
    """
    check_delta0(delta0)
    wealth = [0.0] * len(BETS)
    total, seen, impossible = 0.0, 0, False
    for diff in diffs:
        (value,) = check_diffs([diff])
        if not impossible:
            gain = _gain(value, _null_mean(delta0, total, seen, bank))
            wealth = [log + math.log1p(bet * gain) for log, bet in zip(wealth, BETS, strict=True)]
        total, seen = total + value, seen + 1
        impossible = impossible or _is_impossible(delta0, total, seen, bank)
        yield math.inf if impossible else _mean_exp(wealth)


def e_value(diffs: Sequence[float], delta0: float, *, bank: int | None = None) -> float:
    """Give the last of `e_values`, or 1 when there is no difference: nothing bet, nothing won.

    Without a bank the order of the differences does not matter.
    """
    check_delta0(delta0)
    values = check_diffs(diffs)
    if bank is None:
        return _mean_exp(_wealth([(value - delta0) / (1.0 + delta0) for value in values]))
    gains = []
    total = 0.0
    for seen, value in enumerate(values):
        gains.append(_gain(value, _null_mean(delta0, total, seen, bank)))
        total += value
        if _is_impossible(delta0, total, seen + 1, bank):
            return math.inf
    return _mean_exp(_wealth(gains))


def e_value_counts(better: float, worse: float, ties: float, delta0: float) -> float:
    """Give the e-value against "the mean difference is at most `delta0`" from counts alone, for new prompts like these.

    For scores of 0 or 1 the counts say everything, so anyone can recompute a reported decision. Counts need not be whole
    (planning extrapolates rates). Raises ValueError on negative counts or delta0 outside (-1, 1). Source: as `e_values`.
    """
    check_delta0(delta0)
    if min(better, worse, ties) < 0:
        raise ValueError(f"better={better}, worse={worse}, ties={ties}: counts cannot be negative")
    gains = [(1.0 - delta0) / (1.0 + delta0), -delta0 / (1.0 + delta0)]
    wealth = [
        better * math.log1p(bet * gains[0]) + ties * math.log1p(bet * gains[1]) + worse * math.log1p(-bet)
        for bet in BETS
    ]
    return _mean_exp(wealth)


def anytime_p(diffs: Iterable[float], delta0: float, *, bank: int | None = None) -> float:
    """Give the anytime-valid p-value 1 / (largest e-value so far), at most 1; arguments and errors as in `e_values`.

    Valid at whatever moment the run stopped, so Holm's procedure may be applied to it. Source: Ville 1939; Ramdas et al.
    2023, Statistical Science 38:576.
    """
    return 1.0 / max(1.0, max(e_values(diffs, delta0, bank=bank), default=1.0))


def check_delta0(delta0: float) -> None:
    """Raise ValueError unless `delta0` lies strictly between -1 and 1."""
    if not -1.0 < delta0 < 1.0:
        raise ValueError(f"delta0={delta0}: pass a mean difference strictly between -1 and 1, such as -0.05")


def _null_mean(delta0: float, total: float, seen: int, bank: int | None) -> float:
    """Give the largest mean the next difference can have, given the past, if the hypothesis is true."""
    if bank is None:
        return delta0
    if seen >= bank:
        raise ValueError(f"more than bank={bank} differences: pass the size of the whole bank")
    return max((bank * delta0 - total) / (bank - seen), -1.0 + _ROUNDING)


def _is_impossible(delta0: float, total: float, seen: int, bank: int | None) -> bool:
    if bank is None:
        return False
    left = bank - seen
    return bank * delta0 - total < -left - _ROUNDING * max(1, left)


def _gain(value: float, mean: float) -> float:
    return (value - mean) / (1.0 + mean)


def _wealth(gains: list[float]) -> list[float]:
    # Multiplying in short runs and taking one logarithm for each is several times faster than a logarithm per factor, and a
    # run of 16 cannot leave the range of a float.
    logs = []
    for bet in BETS:
        factors = [1.0 + bet * gain for gain in gains]
        logs.append(sum(math.log(math.prod(factors[at : at + _CHUNK])) for at in range(0, len(factors), _CHUNK)))
    return logs


def _mean_exp(logs: list[float]) -> float:
    top = max(logs)
    if top > 700.0:
        # Beyond the range of a float, where the exact size no longer matters to anyone.
        return math.exp(700.0)
    return math.exp(top) * math.fsum(math.exp(log - top) for log in logs) / len(logs)
