"""Whole audits without a network: many seeds of one truth, each followed to where its run stops.

    python -m benchmarks.audit --runs 200 --seed 20261120

Scores are drawn, never asked for; everything after the scores is the code that a run uses.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from auditor.audit.conclusion import conclusion
from auditor.audit.schedule import draw
from auditor.plan import Plan
from auditor.records import CAPABILITY, DIMENSIONS, Message, Outcome, Prompt, Scored, Side
from auditor.report.overall import overall

PAIR = {"baseline": {"endpoint": "openai:a"}, "candidate": {"endpoint": "openai:b"}}
NOISE = (0.05, 0.05)


class Case(NamedTuple):
    """``changed`` replaces the chances (better, worse) of a prompt in these dimensions.

    ``exact``: they are shares of each bank, not chances. PRESERVED may be a claim about the bank, and about half of the banks
    that are drawn at the margin a true one.
    """

    name: str
    changed: Mapping[str, tuple[float, float]]
    exact: bool = False


CASES = (
    Case("no change, 10 % differ by chance", {}),
    Case("one dimension 20 points worse", {"privacy": (0.03, 0.23)}),
    Case("one dimension 30 points worse", {"privacy": (0.03, 0.33)}),
    Case("all 30 points worse", dict.fromkeys(DIMENSIONS, (0.03, 0.33))),
    Case("one bank exactly at its margin", {"privacy": (0.05, 0.15)}, exact=True),
)


def plan_of(until: Literal["decided", "all"]) -> Plan:
    return Plan.from_mapping({**PAIR, "run": {"until": until}, "dimensions": {CAPABILITY: {"enabled": False}}})


def scored(score: float) -> Scored:
    return Scored(Outcome.ANSWERED, "x", score, judge_kind="exact")


def one(case: Case, bank: int, seed: int, until: Literal["decided", "all"]) -> tuple[str, float, Counter[str]]:
    """The overall word, the share of pairs asked, and the decisions of the dimensions that did not change."""
    rng = random.Random(seed)
    prompts = draw(
        [Prompt(f"{d}/{i:04}", d, "b", "k", (Message("user", "?"),)) for d in DIMENSIONS for i in range(bank)], seed
    )
    scores: dict[str, dict[Side, Scored]] = {}
    ranks = {name: rng.sample(range(bank), bank) for name in case.changed}
    for prompt in prompts:
        better, worse = case.changed.get(prompt.dimension, NOISE)
        u = rng.random()
        if case.exact and prompt.dimension in ranks:
            losses = round(better * bank) + round((worse - better) * bank)
            rank = ranks[prompt.dimension].pop()
            worse, better, u = losses / bank, round(better * bank) / bank, (rank + 0.5) / bank
        pair = (1.0, 0.0) if u < worse else (0.0, 1.0) if u < worse + better else (1.0, 1.0)
        scores[prompt.id] = {"baseline": scored(pair[0]), "candidate": scored(pair[1])}
    found = conclusion(plan_of(until), prompts, dict.fromkeys(DIMENSIONS, bank), scores)
    kept: dict[str, Any] = {name: body for name, body in found.findings.items() if name not in case.changed}
    return (
        overall(found.findings),
        found.stopping["asked"] / found.stopping["planned"],
        Counter(body["primary"]["decision"] for body in kept.values()),
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=200)
    options.add_argument("--bank", type=int, default=150)
    options.add_argument("--seed", type=int, default=20261120)
    given = options.parse_args()
    print(f"{given.runs} audits of six banks of {given.bank}, margin 10 points, error 5 %, seed {given.seed}")
    print("| truth | calls | REGRESSED | PRESERVED | INCONCLUSIVE | dimensions that did not change: REGRESSED |")
    print("|---|---|---|---|---|---|")
    kept_promise = True
    for case in CASES:
        words: Counter[str] = Counter()
        decisions: Counter[str] = Counter()
        asked = 0.0
        for run in range(given.runs):
            word, share, told = one(case, given.bank, given.seed + run, "decided")
            words[word] += 1
            decisions += told
            asked += share
        shares = [words[word] / given.runs for word in ("REGRESSED", "PRESERVED", "INCONCLUSIVE")]
        false_alarms = decisions["REGRESSED"] / max(1, decisions.total())
        told_shares = " | ".join(f"{100 * share:.1f} %" for share in shares)
        last = f"{100 * false_alarms:.1f} %" if decisions else "–"
        print(f"| {case.name} | {100 * asked / given.runs:.0f} % | {told_shares} | {last} |", flush=True)
        # Two standard errors above 5 %: a promise is broken where that is exceeded, not where luck was bad.
        most = 0.05 + 2 * (0.05 * 0.95 / given.runs) ** 0.5
        wrong = shares[0] if not case.changed else shares[1]
        kept_promise = kept_promise and wrong <= most and false_alarms <= 0.05
    return 0 if kept_promise else 1


if __name__ == "__main__":
    sys.exit(main())
