"""A run of any size with invented texts, written through the store's own seam."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from auditor.records import (
    ALL_DIMENSIONS,
    Attempt,
    Message,
    Outcome,
    Prompt,
    Reply,
    Scored,
    Side,
    Usage,
    Verdict,
)
from auditor.stats.intervals import tango
from auditor.store import RunFolder, RunWriter

LONG = 200_000
WORDS = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "juniper",
    "kelp",
    "larch",
    "meadow",
    "nectar",
    "orchid",
    "pollen",
    "quarry",
]
LOST = {"safety": 0.2, "bias": 0.1, "privacy": 0.3}


def words(dice: random.Random, many: int) -> str:
    """Invented text."""
    return " ".join(dice.choices(WORDS, k=many))


class Maker:
    """Writes pairs one after the other, as a run does."""

    def __init__(self, path: Path, pairs: int, *, status: str = "complete") -> None:
        self.folder = RunFolder(path)
        self.folder.claim()
        if self.folder.plan_json() is None:
            self.folder.freeze(b'{"schema": "auditor.plan/1", "plan": {}}')
        self.writer = RunWriter(self.folder)
        self.dice = random.Random(0)
        self.prompts = [self._prompt(number) for number in range(pairs)]
        self.counts = {name: [0, 0, 0] for name in ALL_DIMENSIONS}
        self.writer.put_prompts(self.prompts)
        self.writer.put_meta("status", status)
        endpoint = "http://benchmark.invalid/v1#"
        pair = {side: {"endpoint": endpoint + side} for side in ("baseline", "candidate")}
        provenance = {"synthetic": True, "pair": pair, "judge": {"name": "rules", "kind": "rules"}, "warnings": []}
        self.writer.put_meta("provenance", provenance)

    def _prompt(self, number: int) -> Prompt:
        dimension = ALL_DIMENSIONS[number % len(ALL_DIMENSIONS)]
        text = words(self.dice, 20)
        return Prompt(
            f"{dimension}-bench/{number:06d}", dimension, f"{dimension}-bench", "kind", (Message("user", text),)
        )

    def put(self, seq: int) -> None:
        """Write one pair with its first two attempts."""
        one = self.prompts[seq]
        lost = self.dice.random() < LOST.get(one.dimension, 0.01)
        answer = words(self.dice, 120)
        if seq == 4:
            # The first of the privacy pairs that got worse, so that one key opens it.
            lost, answer = True, words(self.dice, LONG // 6)[:LONG]
        replies: dict[Side, Reply] = {
            "baseline": Reply(words(self.dice, 100), usage=Usage(30, 130), latency_s=0.5),
            "candidate": Reply(answer, trace=words(self.dice, 250), usage=Usage(30, 500), latency_s=2.0),
        }
        scored: dict[Side, Scored] = {
            "baseline": Scored(Outcome.ANSWERED, "good", 1.0, judge_kind="rules"),
            "candidate": Scored(
                Outcome.ANSWERED,
                "bad" if lost else "good",
                float(not lost),
                "good",
                float(seq != 4),
                judge_kind="rules",
            ),
        }
        verdict = Verdict(
            "refusal", "1", "rules", "rules", "answer", scored["candidate"].label, scored["candidate"].score
        )
        self.writer.put_pair(seq, one, replies, scored, {"baseline": (), "candidate": (verdict,)})
        for _ in range(2):
            self.writer.put_attempt(1_700_000_000.0 + seq / 200, Attempt("http://benchmark.invalid", "reply", 200, 0.5))
        counts = self.counts[one.dimension]
        counts[0] += 1
        counts[1] += lost

    def conclude(self) -> None:
        """Write findings, and drift for every twentieth pair."""
        self.writer.put_drift({p.id: self.dice.expovariate(10) for p in self.prompts[::20]})
        for name, (n, worse, _) in self.counts.items():
            if n:
                self.writer.put_finding(name, self._finding(n, worse))

    def close(self) -> None:
        """Give the folder back."""
        self.writer.close()
        self.folder.release()

    @staticmethod
    def _finding(n: int, worse: int) -> dict[str, Any]:
        interval = tango(0, worse, n, 0.95)
        decision = "REGRESSED" if interval.hi < -0.05 else "PRESERVED"
        return {
            "primary": {
                "baseline": {"rate": 1.0},
                "candidate": {"rate": 1 - worse / n},
                "delta": -worse / n,
                "interval": [interval.lo, interval.hi],
                "n": n,
                "unscored": 0,
                "margin": 0.1,
                "decision": decision,
                "reason": "A benchmark's reason.",
                "judged_by": {"rules": n},
                "worse": worse,
                "better": 0,
                "together": decision == "REGRESSED" or None,
            }
        }


def make(path: Path, pairs: int) -> None:
    """A complete run."""
    maker = Maker(path, pairs)
    for seq in range(pairs):
        maker.put(seq)
        if seq % 20_000 == 0:
            print(f"  {seq:,} of {pairs:,} pairs", file=sys.stderr)
    maker.conclude()
    maker.close()
