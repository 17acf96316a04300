"""False PRESERVED at the margin and false REGRESSED under no change, with a look after every prompt."""

import itertools
import math

import numpy as np

from auditor.stats.intervals import newcombe, tango
from benchmarks.statistics import engines
from benchmarks.statistics.report import Report, noise_of

LIMIT = 0.05


def enumerated(report: Report, length: int, runs: int, rng: np.random.Generator) -> None:
    """Binary scores, new prompts like these: no drawing except for the bootstrap."""
    report.title(f"False PRESERVED at the margin, new prompts, a look after every prompt up to {length} (enumerated)")
    rows: list[list[object]] = []
    for margin, gain in itertools.product((0.05, 0.10, 0.20), (0.0, 0.05, 0.20)):
        p_better, p_worse = gain, gain + margin
        row = _compare(p_better, p_worse, -margin, False, length, runs, rng)
        rows.append([f"{margin:.2f}", f"{p_better:.2f} / {p_worse:.2f}", *row])
    report.table(["margin", "better / worse", "e-process", "Tango", "z-test", "bootstrap (drawn, every 5)"], rows)
    report.promise("false PRESERVED, new prompts, e-process, worst cell", _worst(rows, 2), LIMIT)

    report.title(f"False REGRESSED under no change, new prompts, a look after every prompt up to {length} (enumerated)")
    rows = []
    for discordance in (0.04, 0.10, 0.30, 0.60):
        row = _compare(discordance / 2, discordance / 2, 0.0, True, length, runs, rng)
        rows.append([f"{discordance:.2f}", *row])
    report.table(["discordance", "e-process", "Tango (McNemar)", "z-test", "bootstrap (drawn, every 5)"], rows)
    report.promise("false REGRESSED, new prompts, e-process, worst cell", _worst(rows, 1), LIMIT)


def fixed(report: Report, sizes: tuple[int, ...]) -> None:
    """One look at a size fixed in advance: the exact error of each interval at 95 %, nominal 2.5 %."""
    report.title("False PRESERVED at the margin, one look at a fixed size, nominal 0.025 (enumerated)")
    rows: list[list[object]] = []
    for margin, gain in itertools.product((0.05, 0.10, 0.20), (0.0, 0.05, 0.10)):
        for n in sizes:
            errors = np.zeros(3)
            for better, worse, chance in _tables(gain, gain + margin, n):
                ties = n - better - worse
                errors += chance * np.array(
                    [
                        tango(better, worse, n).lo > -margin,
                        newcombe(ties // 2, better, worse, ties - ties // 2).lo > -margin,
                        _wald_lower(better, worse, n) > -margin,
                    ]
                )
            rows.append([f"{margin:.2f}", f"{gain:.2f} / {gain + margin:.2f}", n, *(float(error) for error in errors)])
    worst = [max(float(str(row[at])) for row in rows) for at in (3, 4, 5)]
    rows.append(["worst", "", "", *worst])
    report.table(["margin", "better / worse", "n", "Tango", "Newcombe", "Wald"], rows)
    report.promise("false PRESERVED, fixed size, Tango, worst cell", worst[0], 0.03)


def bank(report: Report, runs: int, rng: np.random.Generator) -> None:
    """A finite bank at the margin, or without change, in random order."""
    report.title(f"This bank (without replacement), a look after every prompt, {runs} random orders")
    rows: list[list[object]] = []
    for size, margin, gain, scale in itertools.product((30, 50, 100, 200), (0.05, 0.10, 0.20), (0.0, 0.10), (1.0, 0.5)):
        losses, gains = round((margin / scale + gain) * size), round(gain * size)
        if losses + gains > size:
            continue
        scores = _bank(size, gains, losses, scale)
        delta0 = math.fsum(scores) / size
        preserved = _share(engines.log_e_paths(_orders(scores, runs, rng), delta0, size))
        rows.append([size, f"{-delta0:.3f}", f"{gains} / {losses} of {scale}", "PRESERVED", preserved])
    for size, share, scale in itertools.product((30, 50, 100, 200), (0.04, 0.10, 0.30), (1.0, 0.5)):
        moved = max(1, round(share * size / 2))
        scores = _bank(size, moved, moved, scale)
        regressed = _share(engines.log_e_paths(-_orders(scores, runs, rng), 0.0, size))
        rows.append([size, "0", f"{moved} / {moved} of {scale}", "REGRESSED", regressed])
    report.table(["bank", "true loss", "better / worse", "false claim", "e-process"], rows)
    report.promise(
        "false claims about this bank, e-process, worst cell", _worst(rows, 4), LIMIT, noise=noise_of(LIMIT, runs)
    )


def graded(report: Report, runs: int, length: int, rng: np.random.Generator) -> None:
    """Scores that are not 0 or 1: graded judges, means over repeats, means over clusters."""
    report.title(f"Graded scores, repeats and clusters, new prompts, a look after every unit up to {length}")
    rows: list[list[object]] = []
    for name, draw in _KINDS.items():
        for margin in (0.05, 0.10):
            at_margin = draw(runs, length, -margin, rng)
            no_change = draw(runs, length, 0.0, rng)
            rows.append(
                [
                    name,
                    f"{margin:.2f}",
                    _share(engines.log_e_paths(at_margin, -margin)),
                    _share(engines.log_e_paths(-no_change, 0.0)),
                    _peeked_t(at_margin, -margin),
                    _peeked_t(-no_change, 0.0),
                ]
            )
    header = ["scores", "margin", "false PRESERVED", "false REGRESSED", "z-test, PRESERVED", "z-test, REGRESSED"]
    report.table(header, rows)
    worst = max(_worst(rows, 2), _worst(rows, 3))
    report.promise("false claims on graded scores, e-process, worst cell", worst, LIMIT, noise=noise_of(LIMIT, runs))
    clusters = max(2, length // 4)
    members = _cluster_members(runs, clusters, 8, rng)
    naive = _share(engines.log_e_paths(-members.reshape(runs, -1), 0.0))
    proper = _share(engines.log_e_paths(-members.mean(axis=2), 0.0))
    report.table(
        [f"{clusters} clusters of 8, no change", "false REGRESSED"],
        [["cluster mean as the unit", proper], ["each prompt as a unit (wrong)", naive]],
    )
    report.promise("false REGRESSED with clusters, cluster mean as unit", proper, LIMIT, noise=noise_of(LIMIT, runs))


def joint(report: Report, runs: int, length: int, rng: np.random.Generator) -> None:
    """Six dimensions at once: Holm on anytime-valid p, and the intersection-union claim."""
    report.title(f"Six dimensions, a look after every prompt up to {length}, {runs} runs")
    log_peaks = np.stack(
        [engines.log_e_paths(-_binary(runs, length, 0.05, 0.05, rng), 0.0).max(axis=1) for _ in range(6)]
    )
    any_false = float((log_peaks.max(axis=0) >= math.log(6 / engines.ALPHA)).mean())
    certified = np.stack(
        [
            _crossed(engines.log_e_paths(_binary(runs, length, 0.0, loss, rng), -0.10))
            for loss in (0.10, 0.0, 0.0, 0.0, 0.0, 0.0)
        ]
    )
    all_false = float(certified.all(axis=0).mean())
    report.table(
        ["claim", "false"],
        [
            ["something regressed (Holm), nothing did", any_false],
            ["all six preserved, one of them lost exactly the margin", all_false],
        ],
    )
    report.promise("false 'something regressed' over six dimensions", any_false, LIMIT, noise=noise_of(LIMIT, runs))
    report.promise("false 'all six preserved'", all_false, LIMIT, noise=noise_of(LIMIT, runs))


def _compare(
    p_better: float, p_worse: float, delta0: float, towards_loss: bool, length: int, runs: int, rng: np.random.Generator
) -> list[float]:
    rules = [rule(delta0, towards_loss) for rule in (engines.betting, engines.tango, engines.wald)]
    # Nobody looks at a z-test of three prompts; giving it ten first is kind to it.
    exact = [
        engines.exact_rate(p_better, p_worse, length, rule, first=1 if at == 0 else 10)[0]
        for at, rule in enumerate(rules)
    ]
    drawn = engines.simulated_rate(
        p_better, p_worse, length, engines.bootstrap(delta0, rng, towards_loss), runs, rng, every=5, first=10
    )
    return [*exact, drawn]


def _tables(p_better: float, p_worse: float, n: int) -> list[tuple[int, int, float]]:
    out = []
    for better in range(n + 1 if p_better else 1):
        for worse in range(n - better + 1):
            log = (
                math.lgamma(n + 1)
                - math.lgamma(better + 1)
                - math.lgamma(worse + 1)
                - math.lgamma(n - better - worse + 1)
            )
            log += better * math.log(p_better) if better else 0.0
            log += worse * math.log(p_worse) + (n - better - worse) * math.log(1.0 - p_better - p_worse)
            if log > -25.0:
                out.append((better, worse, math.exp(log)))
    return out


def _wald_lower(better: int, worse: int, n: int) -> float:
    delta = (better - worse) / n
    return delta - 1.959964 * math.sqrt(max(0.0, (better + worse) / n - delta**2) / n)


def _bank(size: int, gains: int, losses: int, scale: float) -> list[float]:
    return [scale] * gains + [-scale] * losses + [0.0] * (size - gains - losses)


def _orders(scores: list[float], runs: int, rng: np.random.Generator) -> engines.Floats:
    return rng.permuted(np.tile(np.array(scores), (runs, 1)), axis=1)


def _binary(runs: int, length: int, p_better: float, p_worse: float, rng: np.random.Generator) -> engines.Floats:
    draws = rng.random((runs, length))
    return (draws < p_better).astype(float) - (draws > 1.0 - p_worse)


def _rare(runs: int, length: int, delta: float, rng: np.random.Generator) -> engines.Floats:
    return _binary(runs, length, 0.0, -delta, rng) if delta else _binary(runs, length, 0.02, 0.02, rng)


def _five_level(runs: int, length: int, delta: float, rng: np.random.Generator) -> engines.Floats:
    levels = np.array([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0])
    base = np.array([0.02, 0.05, 0.08, 0.70, 0.08, 0.05, 0.02])
    worse = np.array([0.4, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0])
    weight = -delta / -(levels @ worse)
    return rng.choice(levels, p=(1 - weight) * base + weight * worse, size=(runs, length))


def _smooth(runs: int, length: int, delta: float, rng: np.random.Generator) -> engines.Floats:
    return delta + rng.triangular(-0.5, 0.0, 0.5, size=(runs, length))


def _repeats(runs: int, length: int, delta: float, rng: np.random.Generator) -> engines.Floats:
    baseline = rng.beta(4.0, 1.0, size=(runs, length))
    # A share -delta of the good replies turns bad, so the mean difference is delta whatever the prompt.
    candidate = baseline * (1.0 + delta / 0.8)
    diffs: engines.Floats = (rng.binomial(5, candidate) - rng.binomial(5, baseline)) / 5.0
    return diffs


def _cluster_means(runs: int, length: int, delta: float, rng: np.random.Generator) -> engines.Floats:
    means: engines.Floats = delta + _cluster_members(runs, length, 4, rng).mean(axis=2) * (1.0 + delta)
    return means


def _cluster_members(runs: int, clusters: int, size: int, rng: np.random.Generator) -> engines.Floats:
    shift = rng.choice([-0.4, 0.0, 0.0, 0.0, 0.4], size=(runs, clusters, 1))
    draws = rng.random((runs, clusters, size))
    members: engines.Floats = (draws < 0.05 + np.maximum(shift, 0.0)) * 1.0 - (draws > 0.95 + np.minimum(shift, 0.0))
    return members


_KINDS = {
    "rare total losses": _rare,
    "graded in five steps": _five_level,
    "smooth": _smooth,
    "mean of 5 repeats": _repeats,
    "mean of a cluster of 4": _cluster_means,
}


def _peeked_t(diffs: engines.Floats, delta0: float) -> float:
    n = np.arange(1, diffs.shape[1] + 1)
    mean = np.cumsum(diffs, axis=1) / n
    spread = np.sqrt(np.maximum(0.0, np.cumsum(diffs**2, axis=1) / n - mean**2) / n)
    hit = (mean - engines.Z * spread > delta0)[:, 9:]
    return float(hit.any(axis=1).mean())


def _crossed(log_e: engines.Floats) -> engines.Bools:
    crossed: engines.Bools = engines.first_stop(log_e) <= log_e.shape[1]
    return crossed


def _share(log_e: engines.Floats) -> float:
    return float(_crossed(log_e).mean())


def _worst(rows: list[list[object]], at: int) -> float:
    return max(value for row in rows if isinstance(value := row[at], float))
