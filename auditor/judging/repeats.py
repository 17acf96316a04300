"""Asking a judge again where it pays: on pairs that its verdict decides, and on verdicts that it gave half-heartedly.

Even at temperature 0 a judge turns round on one or two of seven borderline texts (arXiv 2606.26185). A pair on which both
sides are scored alike says nothing about a difference, so it is not worth a second call.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from auditor.judging.base import Judge, JudgeKind, JudgeQuestion
from auditor.judging.llm import LlmJudge
from auditor.judging.panel import PANEL_SPLIT, Panel
from auditor.judging.rubric import Rubric
from auditor.records import Part, Scored, Verdict

JUDGE_WAVERS: Final = "judge_wavers"
"""Unscored: asked three times, the judge gave three different answers."""

BORDERLINE: Final = 0.8
"""A label with less than this probability is asked for again."""

ASKED_AGAIN_AT_MOST: Final = 2
"""Repetitions per verdict: a second answer, and a third if the first two differ."""

_FIRST: Final = " (first answer)"
_AGAIN: Final = re.compile(r" \((?:first answer|asked again \d)\)$")

Place = tuple[Part, str]


def worth_repeating(one: Scored, other: Scored, verdicts: Iterable[Verdict]) -> bool:
    """Whether a pair is discordant or borderline, and language models had a say in it."""
    judged = [verdict for verdict in verdicts if verdict.judge_kind == "llm"]
    if not judged:
        return False
    both = ((one.score, other.score), (one.trace_score, other.trace_score))
    discordant = any(a is not None and b is not None and a != b for a, b in both)
    unsure = any(v.probability is not None and v.probability < BORDERLINE for v in judged)
    return discordant or unsure or any(v.unscored_reason == PANEL_SPLIT for v in judged)


class Settled:
    """A language model that is asked again about what it judged before, until two of its answers agree (three at most)."""

    def __init__(self, judge: LlmJudge, first: Mapping[Place, Verdict]) -> None:
        self._judge = judge
        self._first = first

    @property
    def name(self) -> str:
        """The judge's own name."""
        return self._judge.name

    @property
    def kind(self) -> JudgeKind:
        """A language model."""
        return self._judge.kind

    async def judge(self, rubric: Rubric, question: JudgeQuestion) -> Verdict:
        """The majority of two or three answers; a text that had no label at first stays without one."""
        first = self._first.get((question.part, rubric.name))
        if first is None:
            first = await self._judge.judge(rubric, question)
        if first.label is None:
            return first
        said = [first, await self._judge.judge(rubric, question, repeat=1)]
        if said[1].label != first.label:
            said.append(await self._judge.judge(rubric, question, repeat=2))
        votes = Counter(one.label for one in said if one.label is not None)
        label, count = votes.most_common(1)[0]
        again = tuple(
            msgspec.structs.replace(one, judge=f"{one.judge} (asked again {number})", repeat=number)
            for number, one in enumerate(said[1:], start=1)
        )
        if len(votes) == 1 or (label == first.label and count >= 2):
            return msgspec.structs.replace(first, members=again)
        kept = msgspec.structs.replace(first, judge=first.judge + _FIRST)
        if count >= 2:
            chosen = next(one for one in said if one.label == label)
            return msgspec.structs.replace(
                chosen, repeat=0, attempts=0, rationale=f"{count} of {len(said)} answers", members=(kept, *again)
            )
        return msgspec.structs.replace(
            first,
            label=None,
            score=None,
            evidence="",
            unscored_reason=JUDGE_WAVERS,
            attempts=0,
            rationale=f"{len(said)} answers without a majority",
            members=(kept, *again),
        )


def settled(judge: Judge, first: Sequence[Verdict]) -> Judge:
    """The judge that asks again where ``judge`` gave the verdicts ``first``; rules give the same answer every time."""
    if isinstance(judge, LlmJudge):
        own = {(verdict.part, verdict.rubric): verdict for verdict in first if verdict.judge == judge.name}
        return Settled(judge, own)
    if isinstance(judge, Panel):
        return Panel([settled(member, first) for member in judge.members])
    return judge


class Flips(NamedTuple):
    """Of the verdicts that were asked for again, how many came out differently the second time."""

    asked_again: int
    flipped: int


def flips(verdicts: Iterable[tuple[str, str, Verdict]]) -> Flips:
    """Count flips over stored verdicts (prompt id, side, verdict)."""
    answers: dict[tuple[str, str, str, str, str], dict[int, str | None]] = {}
    for prompt_id, side, verdict in verdicts:
        place = (prompt_id, side, verdict.part, verdict.rubric, _AGAIN.sub("", verdict.judge))
        told = answers.setdefault(place, {})
        if verdict.judge.endswith(_FIRST):
            told[0] = verdict.label
        else:
            told.setdefault(verdict.repeat, verdict.label)
    again = [told for told in answers.values() if 1 in told]
    return Flips(len(again), sum(told.get(0) != told[1] for told in again))
