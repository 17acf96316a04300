"""What stopping early saves, whether it changes the answer, and how wide the intervals are."""

import itertools
import math

import numpy as np

from auditor.stats.graded import mean_interval
from auditor.stats.intervals import newcombe, tango
from auditor.stats.ppi import ppi
from benchmarks.statistics import engines
from benchmarks.statistics.report import Report, noise_of

CASES = {
    "no change": (0.03, 0.03),
    "noisy, no change": (0.10, 0.10),
    "20 points worse": (0.03, 0.23),
    "30 points worse": (0.03, 0.33),
    "exactly at the margin": (0.03, 0.13),
}
MARGIN = 0.10


def calls(report: Report, runs: int, rng: np.random.Generator) -> None:
    """Share of the bank that is asked until the question "is the loss within the margin?" is answered."""
    report.title(f"Calls against the full bank, margin {MARGIN}, {runs} random orders of random banks")
    rows: list[list[object]] = []
    used: dict[tuple[str, int], float] = {}
    spot: dict[tuple[str, int], float] = {}
    agreed: dict[tuple[str, int], float] = {}
    for size, (name, (p_better, p_worse)) in itertools.product((50, 100, 200, 400), CASES.items()):
        draws = rng.random((runs, size))
        diffs = (draws < p_better).astype(float) - (draws > 1.0 - p_worse)
        if name == "exactly at the margin":
            scores = [1.0] * round(p_better * size) + [-1.0] * round((p_better + MARGIN) * size)
            scores += [0.0] * (size - len(scores))
            diffs = rng.permuted(np.tile(np.array(scores), (runs, 1)), axis=1)
        preserved = engines.first_stop(engines.log_e_paths(diffs, -MARGIN, size))
        material = engines.first_stop(engines.log_e_paths(-diffs, MARGIN, size))
        # As `sequences.spot_check` does: preserved about this bank, a loss about new prompts.
        any_loss = engines.first_stop(engines.log_e_paths(-diffs, 0.0))
        within = diffs.mean(axis=1) > -MARGIN + 1e-12
        early = preserved < material
        settled = np.minimum(np.minimum(preserved, material), size)
        # Nobody has answered where neither test ever stopped: the full bank sits exactly at the margin.
        answered = np.minimum(preserved, material) <= size
        agreement = float(np.where(answered, early == within, ~within).mean())
        decided = np.minimum(np.minimum(preserved, any_loss), size)
        spot[name, size] = float(decided.mean()) / size
        used[name, size], agreed[name, size] = float(settled.mean()) / size, agreement
        rows.append([size, name, used[name, size], spot[name, size], agreement])
    header = [
        "bank",
        "truth",
        "calls until 'within the margin?' is answered",
        "calls until a spot-check decides",
        "same answer as the full bank",
    ]
    report.table(header, rows)
    for rule, shares in (("margin question", used), ("spot-check", spot)):
        report.promise(f"calls ({rule}), no change, bank of 100", shares["no change", 100], 0.50)
        report.promise(f"calls ({rule}), no change, bank of 200", shares["no change", 200], 0.30)
        report.promise(f"calls ({rule}), 30 points worse, bank of 100", shares["30 points worse", 100], 0.40)
        report.promise(f"calls ({rule}), 30 points worse, bank of 200", shares["30 points worse", 200], 0.25)
    report.promise(
        "early answer equals the full bank's, worst cell",
        min(agreed.values()),
        0.95,
        at_least=True,
        noise=noise_of(0.05, runs),
    )


def noise(report: Report, runs: int, rng: np.random.Generator) -> None:
    """The same model twice, at a temperature: every difference is sampling noise, yet a whole bank has *some* mean."""
    report.title(
        f"The same model twice, replies differ by chance on 10 % of the prompts, {runs} runs to the end of the bank"
    )
    rows: list[list[object]] = []
    for size in (50, 100, 200):
        draws = rng.random((runs, size))
        diffs = (draws < 0.05).astype(float) - (draws > 0.95)
        bank_loss, loss = (engines.first_stop(engines.log_e_paths(-diffs, 0.0, bank)) for bank in (size, None))
        preserved = engines.first_stop(engines.log_e_paths(diffs, -MARGIN, size))
        spot = (loss < preserved) & (loss <= size)
        shares = [bank_loss <= size, loss <= size, spot, (preserved <= size) & ~spot]
        rows.append([size, *(float(share.mean()) for share in shares)])
    header = [
        "bank",
        "REGRESSED: this bank",
        "REGRESSED: new prompts",
        "REGRESSED: spot-check",
        "PRESERVED: spot-check",
    ]
    report.table(header, rows)
    worst = max(value for row in rows if isinstance(value := row[3], float))
    report.promise("false REGRESSED, same model twice, spot-check", worst, 0.05, noise=noise_of(0.05, runs))


def coverage(report: Report, runs: int, rng: np.random.Generator) -> None:
    """Coverage and width of 95 % intervals for a binary difference (enumerated) and a graded one (drawn)."""
    report.title("Coverage / mean width of 95 % intervals, binary scores (enumerated over tables)")
    rows: list[list[object]] = []
    for n, (p_better, p_worse) in itertools.product((15, 30, 60), ((0.02, 0.12), (0.10, 0.20), (0.01, 0.01))):
        truth = p_better - p_worse
        held, width = np.zeros(4), np.zeros(4)
        for better, worse in itertools.product(range(n + 1), repeat=2):
            if (ties := n - better - worse) < 0:
                continue
            chance = math.comb(n, better) * math.comb(n - better, worse) * p_better**better * p_worse**worse
            chance *= (1 - p_better - p_worse) ** ties
            if chance < 1e-9:
                continue
            diffs = [1.0] * better + [-1.0] * worse + [0.0] * ties
            delta = (better - worse) / n
            half = 1.959964 * math.sqrt(max(0.0, (better + worse) / n - delta**2) / n)
            found = [
                tango(better, worse, n)[:2],
                newcombe(ties // 2, better, worse, ties - ties // 2)[:2],
                mean_interval(diffs)[:2],
                (delta - half, delta + half),
            ]
            held += chance * np.array([lo <= truth <= hi for lo, hi in found])
            width += chance * np.array([hi - lo for lo, hi in found])
        cells = [f"{one:.3f} / {wide:.3f}" for one, wide in zip(held, width, strict=True)]
        rows.append([n, f"{p_better:.2f} / {p_worse:.2f}", *cells])
    report.table(["n", "better / worse", "Tango", "Newcombe", "Gaffke", "Wald"], rows)

    report.title(f"Coverage / mean width of 95 % intervals, graded scores ({runs} drawn samples)")
    rows = []
    worst = 1.0
    for name, n in itertools.product(("skewed", "steps", "repeats"), (10, 20, 40)):
        samples, truth = _graded(name, runs, n, rng)
        held, width = np.zeros(3), np.zeros(3)
        for sample in samples:
            gaffke = mean_interval(sample.tolist())
            mean, half = sample.mean(), 1.959964 * sample.std(ddof=1) / math.sqrt(n)
            drawn = sample[rng.integers(0, n, size=(600, n))].mean(axis=1)
            found = [gaffke[:2], (mean - half, mean + half), tuple(np.quantile(drawn, [0.025, 0.975]))]
            held += [lo <= truth <= hi for lo, hi in found]
            width += [hi - lo for lo, hi in found]
        worst = min(worst, held[0] / runs)
        rows.append(
            [name, n, *(f"{one:.3f} / {wide:.3f}" for one, wide in zip(held / runs, width / runs, strict=True))]
        )
    report.table(["scores", "n", "Gaffke", "normal", "percentile bootstrap"], rows)
    report.promise("coverage of Gaffke's interval, worst cell", worst, 0.95, at_least=True, noise=noise_of(0.05, runs))


def sequence_coverage(report: Report, runs: int, length: int, rng: np.random.Generator) -> None:
    """The chance that a 90 % confidence sequence is wrong at any time at all."""
    report.title(f"Confidence sequence, level 0.90: ever wrong within {length} prompts ({runs} runs)")
    rows: list[list[object]] = []
    for p_better, p_worse in ((0.0, 0.05), (0.02, 0.12), (0.10, 0.20), (0.30, 0.30)):
        draws = rng.random((runs, length))
        diffs = (draws < p_better).astype(float) - (draws > 1.0 - p_worse)
        truth = p_better - p_worse
        low = engines.first_stop(engines.log_e_paths(diffs, truth)) <= length
        high = engines.first_stop(engines.log_e_paths(-diffs, -truth)) <= length
        rows.append(
            [f"{p_better:.2f} / {p_worse:.2f}", float(low.mean()), float(high.mean()), float((low | high).mean())]
        )
    report.table(["better / worse", "lower end", "upper end", "either"], rows)
    worst = max(value for row in rows if isinstance(value := row[3], float))
    report.promise("confidence sequence ever wrong, worst cell", worst, 0.10, noise=noise_of(0.10, runs))


def judge(report: Report, runs: int, rng: np.random.Generator) -> None:
    """A judge that misses more of the candidate's faults than of the baseline's."""
    report.title(f"A style-biased judge (sensitivity .90 / .65, specificity .95), 95 % intervals, {runs} runs")
    rows: list[list[object]] = []
    kept: dict[tuple[int, str], float] = {}
    cases = (("8 points worse", 0.30, 0.38, 400), ("rare, 3 points worse", 0.03, 0.06, 200))
    for (name, base, cand, n), n_gold in itertools.product(cases, (30, 60, 100)):
        held, width, bias = np.zeros(3), np.zeros(3), np.zeros(3)
        truth = base - cand
        for _ in range(runs):
            fault = rng.random(n)
            human, seen = _judged(fault, base, cand, rng)
            gold = list(zip(human[:n_gold].tolist(), seen[:n_gold].tolist(), strict=True))
            found = ppi(gold, seen[n_gold:].tolist())
            naive, gold_only = seen.mean(), human[:n_gold].mean()
            naive_half = 1.96 * seen.std() / math.sqrt(n)
            gold_half = 1.96 * human[:n_gold].std(ddof=1) / math.sqrt(n_gold)
            three = [
                (found.delta, *found.interval[:2]),
                (naive, naive - naive_half, naive + naive_half),
                (gold_only, gold_only - gold_half, gold_only + gold_half),
            ]
            held += [lo <= truth <= hi for _, lo, hi in three]
            width += [hi - lo for _, lo, hi in three]
            bias += [middle - truth for middle, _, _ in three]
        kept[n_gold, name] = held[0] / runs
        cells = [
            f"{one:.3f} / {wide:.3f} / {off:+.3f}"
            for one, wide, off in zip(held / runs, width / runs, bias / runs, strict=True)
        ]
        rows.append([name, n_gold, *cells])
    report.table(["truth", "gold pairs", "PPI: coverage / width / bias", "judge alone", "gold alone"], rows)
    worst = min(share for (n_gold, _), share in kept.items() if n_gold == 60)
    report.promise(
        "coverage of the corrected difference, 60 gold pairs", worst, 0.93, at_least=True, noise=noise_of(0.07, runs)
    )


def _judged(
    fault: engines.Floats, base: float, cand: float, rng: np.random.Generator
) -> tuple[engines.Floats, engines.Floats]:
    n = len(fault)
    base_fault, cand_fault = fault < base, fault < cand
    base_seen = np.where(base_fault, rng.random(n) < 0.90, rng.random(n) < 0.05)
    cand_seen = np.where(cand_fault, rng.random(n) < 0.65, rng.random(n) < 0.05)
    return base_fault.astype(float) - cand_fault, base_seen.astype(float) - cand_seen


def _graded(name: str, runs: int, n: int, rng: np.random.Generator) -> tuple[engines.Floats, float]:
    if name == "skewed":
        heavy = rng.random((runs, n)) < 0.1
        return np.where(heavy, -rng.beta(3.0, 1.0, size=(runs, n)), 0.0), -0.075
    if name == "steps":
        levels, chances = [-1.0, -0.5, 0.0, 0.5, 1.0], [0.08, 0.12, 0.65, 0.12, 0.03]
        return rng.choice(levels, p=chances, size=(runs, n)), -0.05
    baseline = rng.beta(4.0, 1.0, size=(runs, n))
    return (rng.binomial(5, 0.9 * baseline) - rng.binomial(5, baseline)) / 5.0, -0.08
