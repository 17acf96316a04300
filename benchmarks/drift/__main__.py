"""Bias and spread of every KL estimator on synthetic next-token pairs with a known answer.

    python -m benchmarks.drift [--seed N] [--vocabulary N] [--contexts N] [--samples N] [--json FILE]

Per scenario and k, contexts are drawn, the exact KL is computed from the full distributions, and every estimator sees
only what an API would return. Deterministic ones (E1, E2, E3, renormalised) have a bias per context; sampled ones (E4,
the plain hybrid, k1, k3) are drawn ``samples`` times per context through the package's own code and their mean error is
given with its standard error; their spread, the standard deviation per position around the context's exact value, is
summed over the whole vocabulary instead, since samples of a heavy tail show whatever they happen to hit.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.drift.bounds import jsd_bounds, kl_lower_capped, kl_lower_lumped, kl_lower_targeted
from auditor.drift.hybrid import Position, k1, k3
from auditor.drift.topk import TopK

Array = NDArray[np.float64]

SCENARIOS = (
    ("peaked, small change", 6.0, 0.3),
    ("peaked, large change", 6.0, 1.0),
    ("middling, small change", 4.0, 0.3),
    ("middling, large change", 4.0, 1.0),
    ("flat, large change", 2.5, 1.0),
    ("peaked, very large change", 6.0, 2.5),
    ("unrelated", 4.0, math.inf),
)
"""Name, spread of the logits (6: peaked, as mostly in running text), standard deviation of the change of each logit."""
SIZES = (1, 2, 5, 20)
DETERMINISTIC = ("E1", "E2", "E3", "renormalised")
SAMPLED = ("E4", "plain", "k1", "k3")


@dataclass(frozen=True)
class Row:
    """One estimator in one scenario; nats, except shares."""

    scenario: str
    k: int
    mass: float
    exact: float
    jsd_width: float
    estimator: str
    mean: float
    bias: float
    standard_error: float
    spread: float
    worst_low: float
    worst_high: float
    negative: float


def contexts(
    spread: float, shift: float, size: int, count: int, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    for _ in range(count):
        logits = rng.normal(0.0, spread, size)
        other = rng.normal(0.0, spread, size) if math.isinf(shift) else logits + rng.normal(0.0, shift, size)
        yield softmax(logits), softmax(other)


def softmax(logits: Array) -> Array:
    e = np.exp(logits - logits.max())
    return np.asarray(e / e.sum(), dtype=np.float64)


def listing(x: Array, order: NDArray[np.intp], k: int) -> TopK:
    return TopK.from_pairs([(int(i), math.log(x[i])) for i in order[:k]], k=k)


def renormalised(p: TopK, q: TopK) -> float:
    """What is often printed as "KL": both lists cut to their shared keys and rescaled to sum to one."""
    shared = [(math.exp(v), math.exp(q.logprobs[key])) for key, v in p.logprobs.items() if key in q.logprobs]
    if not shared:
        return 0.0
    a, b = math.fsum(x for x, _ in shared), math.fsum(y for _, y in shared)
    return math.fsum(x / a * math.log((x / a) / (y / b)) for x, y in shared)


def exact_errors(p: Array, q: Array, shared: list[int]) -> dict[str, float]:
    """Mean squared error of each sampled estimator over all y, for S = ``shared``."""
    log_r, r = np.log(q / p), q / p
    truth = float(-(p * log_r).sum())
    outside = np.ones(len(p), dtype=bool)
    outside[shared] = False
    inside = float((p * (r - 1 - log_r))[~outside].sum()), float((p * -log_r)[~outside].sum())
    found = {
        "E4": inside[0] + np.where(outside, r - 1 - log_r, 0.0),
        "plain": inside[1] + np.where(outside, -log_r, 0.0),
        "k1": -log_r,
        "k3": r - 1 - log_r,
    }
    return {name: float((p * (value - truth) ** 2).sum()) for name, value in found.items()}


def measure(scenario: tuple[str, float, float], size: int, count: int, samples: int, seed: int) -> list[Row]:
    name, spread, shift = scenario
    rng = np.random.default_rng(seed)
    values: dict[tuple[int, str], list[Array]] = {}
    squares: dict[tuple[int, str], list[float]] = {}
    exacts: list[float] = []
    masses: dict[int, list[float]] = {k: [] for k in SIZES}
    widths: dict[int, list[float]] = {k: [] for k in SIZES}
    for p, q in contexts(spread, shift, size, count, rng):
        exacts.append(float(np.sum(p * np.log(p / q))))
        p_order, q_order = (np.argsort(-x, kind="stable")[: max(SIZES)] for x in (p, q))
        drawn = [int(y) for y in rng.choice(size, size=samples, p=p)]
        scores = [(y, math.log(p[y]), math.log(q[y])) for y in drawn]
        for k in SIZES:
            a, b = listing(p, p_order, k), listing(q, q_order, k)
            asked = {int(i): math.log(q[i]) for i in p_order[:k]}
            masses[k].append(min(a.mass, b.mass))
            widths[k].append(jsd_bounds(a, b).width)
            found = {
                "E1": np.array([kl_lower_lumped(a, b)]),
                "E2": np.array([kl_lower_capped(a, b)]),
                "E3": np.array([kl_lower_targeted(a, asked, b)]),
                "renormalised": np.array([renormalised(a, b)]),
                "E4": np.array([Position(y, x, w, a, b).kl for y, x, w in scores]),
                "plain": np.array([Position(y, x, w, a, b).kl_plain for y, x, w in scores]),
                "k1": np.array([k1(x, w) for _, x, w in scores]),
                "k3": np.array([k3(x, w) for _, x, w in scores]),
            }
            for estimator, value in found.items():
                values.setdefault((k, estimator), []).append(value)
            shared = [int(i) for i in np.intersect1d(p_order[:k], q_order[:k])]
            for estimator, error in exact_errors(p, q, shared).items():
                squares.setdefault((k, estimator), []).append(error)
    exact = np.array(exacts)
    rows = []
    for (k, estimator), per_context in values.items():
        means = np.array([value.mean() for value in per_context])
        errors = np.concatenate([value - truth for value, truth in zip(per_context, exacts, strict=True)])
        sampled = estimator in SAMPLED
        rows.append(
            Row(
                scenario=name,
                k=k,
                mass=float(np.mean(masses[k])),
                exact=float(exact.mean()),
                jsd_width=float(np.mean(widths[k])),
                estimator=estimator,
                mean=float(means.mean()),
                bias=float((means - exact).mean()),
                standard_error=float(errors.std() / math.sqrt(len(errors))) if sampled else 0.0,
                spread=float(np.sqrt(np.mean(squares[k, estimator]))) if sampled else float(np.std(means / exact)),
                worst_low=float((means / exact).min()) if not sampled else float("nan"),
                worst_high=float((means / exact).max()) if not sampled else float("nan"),
                negative=float(np.mean(np.concatenate(per_context) < 0)),
            )
        )
    return rows


def _short(value: float) -> str:
    return f"{value:.3f}" if value < 100 else f"{value:.0f}"


def table(rows: list[Row]) -> str:
    lines = []
    for scenario in dict.fromkeys(row.scenario for row in rows):
        some = [row for row in rows if row.scenario == scenario]
        lines += [
            f"**{scenario}**: exact KL {some[0].exact:.4f} nats",
            "",
            "| k | mass | JSD width | E1 | E2 | E3 | renormalised (least..most) | E4 error ± s.e. | E4 sd | plain sd | k1 sd | k3 sd | k1 < 0 |",
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for k in SIZES:
            at = {row.estimator: row for row in some if row.k == k}
            e4, other = at["E4"], at["renormalised"]
            share = [f"{100 * at[name].mean / at[name].exact:.0f} %" for name in ("E1", "E2", "E3")]
            lines.append(
                f"| {k} | {e4.mass:.2f} | {e4.jsd_width:.3f} | {' | '.join(share)} "
                f"| {100 * other.mean / other.exact:.0f} % ({100 * other.worst_low:.0f}..{100 * other.worst_high:.0f}) "
                f"| {e4.bias:+.4f} ± {e4.standard_error:.4f} | {_short(e4.spread)} | {_short(at['plain'].spread)} "
                f"| {_short(at['k1'].spread)} | {_short(at['k3'].spread)} | {100 * at['k1'].negative:.0f} % |"
            )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vocabulary", type=int, default=50_000)
    parser.add_argument("--contexts", type=int, default=60)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    start = time.perf_counter()
    rows = []
    for place, scenario in enumerate(SCENARIOS):
        rows += measure(scenario, options.vocabulary, options.contexts, options.samples, options.seed + 1000 * place)
    print(table(rows))
    drawn = options.contexts * options.samples
    print(
        f"seed {options.seed}, vocabulary {options.vocabulary}, {options.contexts} contexts per scenario, "
        f"{drawn} sampled positions each, {time.perf_counter() - start:.0f} s"
    )
    outside = [row for row in rows if row.estimator in SAMPLED and abs(row.bias) > 3 * row.standard_error]
    negative = [row for row in rows if row.estimator in {"E1", "E2", "E3", "E4", "k3"} and row.negative > 0]
    print(f"sampled estimators beyond three standard errors: {[(r.scenario, r.k, r.estimator) for r in outside]}")
    print(f"negative values of E1, E2, E3, E4 and k3: {[(r.scenario, r.k, r.estimator) for r in negative]}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
