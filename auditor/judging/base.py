"""What every judge takes and gives, whichever way it comes to its label."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from auditor.judging.rubric import Rubric
from auditor.records import Part, Prompt, Verdict

JudgeKind = Literal["rules", "llm"]


class JudgeQuestion(msgspec.Struct, frozen=True):
    """One part of one reply to be judged alone: no model name, no other reply, no other part beside it."""

    prompt: Prompt
    text: str
    part: Part


class Judge(Protocol):
    """Gives one label of one rubric to one text, or says why it can't."""

    @property
    def name(self) -> str:
        """How reports call this judge."""
        ...

    @property
    def kind(self) -> JudgeKind:
        """What stands behind its labels: deterministic rules or a language model."""
        ...

    async def judge(self, rubric: Rubric, question: JudgeQuestion) -> Verdict:
        """Judge one text by one rubric; ``label`` None with ``unscored_reason`` when there is no valid verdict."""
        ...


def request_of(prompt: Prompt) -> str:
    """The last thing the user asked, which is what a reply replies to."""
    users = [message.content for message in prompt.messages if message.role == "user"]
    return users[-1] if users else ""


def verdict_of(
    rubric: Rubric,
    question: JudgeQuestion,
    judge: Judge,
    *,
    label: str | None,
    evidence: str = "",
    rationale: str = "",
    unscored_reason: str = "",
    raw: str = "",
    attempts: int = 1,
) -> Verdict:
    """The record of a judgement, stamped with the rubric's version and hash and with who judged.

    Either ``label`` is one of the rubric's labels or it is None and ``unscored_reason`` is set; anything else is a
    programming error and raises ValueError, so that a label off the menu can never become a score.
    """
    if label is None and not unscored_reason:
        msg = "a verdict without a label needs its reason"
        raise ValueError(msg)
    if label is not None and (label not in rubric.labels or unscored_reason):
        msg = f"{label!r} is no label of the rubric {rubric.name}"
        raise ValueError(msg)
    return Verdict(
        rubric=rubric.name,
        rubric_version=rubric.stamp,
        judge=judge.name,
        judge_kind=judge.kind,
        part=question.part,
        label=label,
        evidence=evidence,
        rationale=rationale,
        unscored_reason=unscored_reason,
        raw=raw,
        attempts=attempts,
    )
