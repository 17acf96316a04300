"""Several judges as one: the majority's label, with every member's verdict kept beside it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal

import msgspec

from auditor.errors import PlanError
from auditor.judging.base import Judge, JudgeQuestion, verdict_of
from auditor.judging.rubric import Rubric
from auditor.records import Verdict

PANEL_SPLIT = "panel_split"
"""Unscored: no label has more than half of the panel behind it."""


class Panel:
    """A panel of judges, best from different families. A label needs more than half of *all* members behind it: a member
    without a valid verdict counts as not agreeing, so that silence never decides.
    """

    kind: Literal["llm"] = "llm"

    def __init__(self, members: Sequence[Judge]) -> None:
        if len(members) < 2:
            raise PlanError("A panel needs at least two judges.", "Name another one, or use the one judge alone.")
        names = [member.name for member in members]
        if len(set(names)) != len(names):
            raise PlanError(f"The judge {Counter(names).most_common(1)[0][0]} is named twice.", "Name each judge once.")
        self.members = tuple(members)

    @property
    def name(self) -> str:
        """How reports call the panel."""
        return f"panel of {len(self.members)}"

    async def judge(self, rubric: Rubric, question: JudgeQuestion) -> Verdict:
        """Ask all members at once; ``members`` of the verdict are theirs, in the panel's order."""
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(member.judge(rubric, question)) for member in self.members]
        except BaseExceptionGroup as several:
            # Only what no later call can cure is raised by a judge: the first of it says it all.
            raise several.exceptions[0] from several
        return self._majority(rubric, question, [task.result() for task in asked])

    def _majority(self, rubric: Rubric, question: JudgeQuestion, verdicts: list[Verdict]) -> Verdict:
        votes = Counter(verdict.label for verdict in verdicts if verdict.label is not None)
        label = next((label for label, count in votes.most_common(1) if 2 * count > len(verdicts)), None)
        behind = [verdict for verdict in verdicts if label is not None and verdict.label == label]
        reasons = {verdict.unscored_reason for verdict in verdicts}
        made = verdict_of(
            rubric,
            question,
            self,
            label=label,
            evidence=behind[0].evidence if behind else "",
            rationale="; ".join(f"{one.judge}: {one.label or one.unscored_reason}" for one in verdicts),
            unscored_reason="" if behind else reasons.pop() if len(reasons) == 1 and not votes else PANEL_SPLIT,
            attempts=0,
        )
        scores = [verdict.score for verdict in behind if verdict.score is not None]
        return msgspec.structs.replace(made, score=median(scores) if scores else None, members=tuple(verdicts))


def flat(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Each verdict followed by those that it was made of, none inside another: how they are stored."""
    found: list[Verdict] = []
    for verdict in verdicts:
        found.append(msgspec.structs.replace(verdict, members=()) if verdict.members else verdict)
        found += flat(verdict.members)
    return tuple(found)
