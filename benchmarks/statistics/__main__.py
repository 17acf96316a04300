"""Run the bench: `python -m benchmarks.statistics [--quick] [--seed N]`; exit code 1 when a promise is broken."""

import argparse
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.statistics import costs, false_claims
from benchmarks.statistics.report import Report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs: for a look, not for the documents")
    parser.add_argument("--seed", type=int, default=20261120, help="seed of every drawn figure (default 20261120)")
    options = parser.parse_args()
    runs, length = (300, 120) if options.quick else (4000, 300)
    few = 60 if options.quick else 800
    report = Report()
    sections: list[Callable[[np.random.Generator], None]] = [
        lambda rng: false_claims.enumerated(report, length, runs // 4, rng),
        lambda _: false_claims.fixed(report, (20, 60) if options.quick else (20, 40, 60, 100, 200)),
        lambda rng: false_claims.bank(report, runs, rng),
        lambda rng: false_claims.graded(report, runs, length, rng),
        lambda rng: false_claims.joint(report, runs, length, rng),
        lambda rng: costs.calls(report, runs // 2, rng),
        lambda rng: costs.noise(report, runs // 2, rng),
        lambda rng: costs.coverage(report, few, rng),
        lambda rng: costs.sequence_coverage(report, runs, length, rng),
        lambda rng: costs.judge(report, few * 2, rng),
    ]
    print(f"# Decisions that survive peeking: seed {options.seed}, {'quick' if options.quick else 'full'}")
    # One stream per section, so that changing one section leaves the figures of the others alone.
    for section, seed in zip(sections, np.random.SeedSequence(options.seed).spawn(len(sections)), strict=True):
        section(np.random.default_rng(seed))
    report.title("Promises")
    print("all kept" if not report.broken else "broken: " + "; ".join(report.broken))
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
