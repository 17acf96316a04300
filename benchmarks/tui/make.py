"""A run of any size with invented texts, written through the store's own seam."""

from __future__ import annotations

import random
import sys
from pathlib import Path

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
from benchmarks.tui.made import START, MadeRun

LONG = 200_000
URL = "http://benchmark.invalid/v1"
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
        self.dice = random.Random(0)
        self.prompts = [self._prompt(number) for number in range(pairs)]
        self.made = MadeRun(path, self.prompts, URL, status=status)

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
        self.made.put(seq, one, replies, scored, {"baseline": (), "candidate": (verdict,)})
        for _ in range(2):
            self.made.writer.put_attempt(START + seq / 200, Attempt(URL, "reply", 200, 0.5))

    def conclude(self) -> None:
        """Write findings, and drift for every twentieth pair."""
        self.made.writer.put_drift({p.id: self.dice.expovariate(10) for p in self.prompts[::20]})
        self.made.conclude()

    def close(self) -> None:
        """Give the folder back."""
        self.made.close()


def make(path: Path, pairs: int) -> None:
    """A complete run."""
    maker = Maker(path, pairs)
    for seq in range(pairs):
        maker.put(seq)
        if seq % 20_000 == 0:
            print(f"  {seq:,} of {pairs:,} pairs", file=sys.stderr)
    maker.conclude()
    maker.close()
