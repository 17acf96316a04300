"""The rules under test, over many runs at once.

The e-process is written here a second time, in arrays, so that a slip in `auditor.stats.eprocess` and a slip here would have to
be the same slip; `tests/stats/test_bench.py` holds the two together.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Stops = Callable[[Ints, Ints, int], Bools]

BETS = np.linspace(0.02, 0.98, 25)
ALPHA = 0.05
Z = 1.6448536269514722


def log_e_paths(diffs: Floats, delta0: float, bank: int | None = None) -> Floats:
    """Give log e-values against "mean at most delta0" after each column of `diffs` (runs by prompts)."""
    runs, length = diffs.shape
    wealth = np.zeros((runs, len(BETS)))
    total = np.zeros(runs)
    impossible = np.zeros(runs, dtype=bool)
    out = np.empty((runs, length))
    for t in range(length):
        mean = np.full(runs, delta0)
        if bank is not None:
            mean = np.maximum((bank * delta0 - total) / (bank - t), -1.0 + 1e-9)
        gain = (diffs[:, t] - mean) / (1.0 + mean)
        wealth += np.log1p(gain[:, None] * BETS)
        total = total + diffs[:, t]
        if bank is not None:
            left = bank - t - 1
            impossible |= bank * delta0 - total < -left - 1e-9 * max(1, left)
        top = wealth.max(axis=1)
        out[:, t] = np.where(impossible, np.inf, top + np.log(np.exp(wealth - top[:, None]).mean(axis=1)))
    return out


def first_stop(log_e: Floats, alpha: float = ALPHA) -> Ints:
    """Give the number of prompts after which each run first rejects, or one more than there were if it never does."""
    crossed = log_e >= -np.log(alpha)
    first: Ints = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, log_e.shape[1] + 1)
    return first


def betting(delta0: float, towards_loss: bool = False) -> Stops:
    """Reject "mean at most delta0" by the e-process (or, towards a loss, "mean at least delta0")."""

    def stops(better: Ints, worse: Ints, n: int) -> Bools:
        gains, losses, null = (worse, better, -delta0) if towards_loss else (better, worse, delta0)
        ties = n - gains - losses
        up, level = (1.0 - null) / (1.0 + null), -null / (1.0 + null)
        logs = np.outer(gains, np.log1p(BETS * up)) + np.outer(ties, np.log1p(BETS * level))
        logs += np.outer(losses, np.log1p(-BETS))
        top = logs.max(axis=1)
        log_e: Floats = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
        found: Bools = log_e >= -np.log(ALPHA)
        return found

    return stops


def wald(delta0: float, towards_loss: bool = False) -> Stops:
    """Reject by the normal interval with the plug-in standard error."""

    def stops(better: Ints, worse: Ints, n: int) -> Bools:
        delta = (better - worse) / n
        half = Z * np.sqrt(np.maximum(0.0, (better + worse) / n - delta**2) / n)
        found: Bools = delta + half < delta0 if towards_loss else delta - half > delta0
        return found

    return stops


def tango(delta0: float, towards_loss: bool = False) -> Stops:
    """Reject by Tango's score test, which is honest at one look and only there."""

    def stops(better: Ints, worse: Ints, n: int) -> Bools:
        gains, losses, null = (worse, better, -delta0) if towards_loss else (better, worse, delta0)
        a = 2.0 * n
        b = -gains - losses + (2.0 * n - gains + losses) * null
        c = -losses * null * (1.0 - null)
        nuisance = (np.sqrt(np.maximum(0.0, b * b - 4.0 * a * c)) - b) / (2.0 * a)
        spread = np.sqrt(np.maximum(1e-300, n * (2.0 * nuisance + null * (1.0 - null))))
        found: Bools = (gains - losses - n * null) / spread > Z
        return found

    return stops


def bootstrap(delta0: float, rng: np.random.Generator, towards_loss: bool = False, resamples: int = 400) -> Stops:
    """Reject by the percentile bootstrap; the outcome for each table of counts is drawn once and kept."""
    known: dict[tuple[int, int, int], bool] = {}

    def stops(better: Ints, worse: Ints, n: int) -> Bools:
        out = np.zeros(len(better), dtype=bool)
        for at, (b, c) in enumerate(zip(better.tolist(), worse.tolist(), strict=True)):
            if (b, c, n) not in known:
                draws = rng.multinomial(n, [b / n, c / n, (n - b - c) / n], size=resamples)
                deltas = (draws[:, 0] - draws[:, 1]) / n
                known[b, c, n] = bool(
                    np.quantile(deltas, 1 - ALPHA) < delta0 if towards_loss else np.quantile(deltas, ALPHA) > delta0
                )
            out[at] = known[b, c, n]
        return out

    return stops


def exact_rate(
    p_better: float, p_worse: float, length: int, stops: Stops, *, every: int = 1, first: int = 1
) -> tuple[float, float]:
    """Give the exact chance of ever stopping, and the mean number of prompts, for runs watched at each look.

    Every path of counts is followed with its probability, so nothing is drawn. Tables rarer than 1e-13 are dropped.
    """
    chance = np.zeros((length + 1, length + 1))
    chance[0, 0] = 1.0
    stopped, mean_n = 0.0, 0.0
    for n in range(1, length + 1):
        new = chance * (1.0 - p_better - p_worse)
        new[1:, :] += chance[:-1, :] * p_better
        new[:, 1:] += chance[:, :-1] * p_worse
        chance = new
        mean_n += chance.sum() + 0.0
        if n < first or (n - first) % every:
            continue
        better, worse = np.nonzero(chance > 1e-13)
        hit = stops(better, worse, n)
        stopped += float(chance[better[hit], worse[hit]].sum())
        chance[better[hit], worse[hit]] = 0.0
    return stopped, float(mean_n)


def simulated_rate(
    p_better: float,
    p_worse: float,
    length: int,
    stops: Stops,
    runs: int,
    rng: np.random.Generator,
    every: int,
    first: int,
) -> float:
    """Give the share of drawn runs that ever stop, where a rule is too slow to enumerate."""
    draws = rng.random((runs, length))
    better = np.cumsum(draws < p_better, axis=1)
    worse = np.cumsum(draws > 1.0 - p_worse, axis=1)
    stopped = np.zeros(runs, dtype=bool)
    for n in range(first, length + 1, every):
        live = np.nonzero(~stopped)[0]
        tables, where = np.unique(
            np.stack([better[live, n - 1], worse[live, n - 1]], axis=1), axis=0, return_inverse=True
        )
        stopped[live] = stops(tables[:, 0], tables[:, 1], n)[where.ravel()]
    return float(stopped.mean())
