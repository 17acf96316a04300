"""What a dimension is: which metric, and how a reply becomes an outcome and a score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar, NamedTuple, Protocol

import msgspec

from auditor.dimensions.metrics import JUDGED, JudgedBy, Row, SecondaryMetric
from auditor.judging import Judge, JudgeQuestion, flat, load_rubric, request_of
from auditor.judging.choice import parse_choice
from auditor.judging.llm import JUDGE_ERROR
from auditor.judging.rules.refusal import classify_refusal
from auditor.records import UNSCORED_OUTCOMES, Outcome, Part, Prompt, Reply, Scored, Verdict


class Use(NamedTuple):
    """A rubric that is put to a judge, and on which parts of a reply. ``further`` ones feed secondary figures only: no score
    hangs on them, and only language models are asked.
    """

    rubric: str
    parts: tuple[Part, ...] = ("answer",)
    further: bool = False


class Reading(msgspec.Struct, frozen=True):
    """What a scorer made of one text: outcome, label, score (None if and only if unscored), who stands behind it."""

    outcome: Outcome
    label: str
    score: float | None
    judged_by: JudgedBy
    detail: str = ""
    verdicts: tuple[Verdict, ...] = ()
    by_label: dict[str, float] = {}
    """See :class:`auditor.records.Scored`."""


class Dimension(Protocol):
    """One trustworthiness dimension, or capability."""

    @property
    def key(self) -> str:
        """Its key in records, plans and results."""
        ...

    @property
    def title(self) -> str:
        """Its name for people."""
        ...

    @property
    def metric(self) -> str:
        """Key of its primary metric: the mean score, where 1 is best."""
        ...

    @property
    def description(self) -> str:
        """What a high score means, in one sentence."""
        ...

    @property
    def context_kinds(self) -> frozenset[str]:
        """Kinds of prompts without a right answer: they have no score and belong in no primary comparison."""
        ...

    @property
    def uses(self) -> Mapping[str, tuple[Use, ...]]:
        """By kind of prompt: which rubrics a judge may be asked about one reply to it."""
        ...

    async def score(self, prompt: Prompt, reply: Reply, judge: Judge) -> tuple[Scored, tuple[Verdict, ...]]:
        """Read one reply; the verdicts are those that were given on the way."""
        ...

    async def further(
        self, prompt: Prompt, reply: Reply, scored: Scored, judges: Mapping[str, Judge]
    ) -> tuple[Scored, tuple[Verdict, ...]]:
        """Ask about a scored reply what no decision hangs on; ``judges`` by rubric, those missing are not asked.

        Changes nothing of what was scored but ``graded`` and ``manner``; the verdicts are the further ones.
        """
        ...

    def secondary(self, rows: Sequence[Row]) -> list[SecondaryMetric]:
        """The figures beside the primary metric, over all rows, unscored ones included."""
        ...


class BaseDimension(ABC):
    """What all dimensions share: replies that never reach a scorer, and the trace beside the answer.

    A subclass reads an answer in ``read_answer`` and, if traces mean something to it, a trace in ``read_trace``.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    metric: ClassVar[str]
    description: ClassVar[str]
    context_kinds: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[Mapping[str, tuple[Use, ...]]] = {}

    async def score(self, prompt: Prompt, reply: Reply, judge: Judge) -> tuple[Scored, tuple[Verdict, ...]]:
        """Score the answer, and the trace where there is one.

        ``score`` is None exactly for unscored outcomes, and for prompts of ``context_kinds``.

        A reply that was cut off or came without an answer keeps that outcome and gets no score, but what stands in
        its trace was thought and is read; nothing is read of a filtered or failed one.
        """
        if reply.outcome in UNSCORED_OUTCOMES:
            read = Reading(reply.outcome, str(reply.outcome), None, "", reply.detail)
        elif not reply.answer.strip():
            read = Reading(Outcome.EMPTY, str(Outcome.EMPTY), None, "", reply.detail)
        else:
            read = await self.read_answer(prompt, reply.answer, judge)
        trace: Reading | None = None
        if reply.trace and reply.trace.strip() and read.outcome not in {Outcome.FILTERED, Outcome.ERROR}:
            trace = await self.read_trace(prompt, reply.trace, judge)
        scored = Scored(
            outcome=read.outcome,
            label=read.label,
            score=read.score,
            trace_label=trace.label if trace else "",
            trace_score=trace.score if trace else None,
            detail=read.detail,
            judge_kind=read.judged_by,
            trace_judge_kind=trace.judged_by if trace else "",
            by_label=read.by_label,
        )
        return scored, flat((*read.verdicts, *(trace.verdicts if trace else ())))

    @abstractmethod
    async def read_answer(self, prompt: Prompt, text: str, judge: Judge) -> Reading:
        """Score a non-empty answer."""

    async def read_trace(self, prompt: Prompt, text: str, judge: Judge) -> Reading | None:
        """Score a non-empty trace, or None where a trace says nothing about this dimension. Its score is None where the
        trace comes to no conclusion.
        """
        return None

    async def further(
        self, prompt: Prompt, reply: Reply, scored: Scored, judges: Mapping[str, Judge]
    ) -> tuple[Scored, tuple[Verdict, ...]]:
        """Ask the further rubrics of this dimension; see :meth:`Dimension.further`."""
        asking = Asking(prompt, reply, judges)
        await self.ask_further(asking, scored)
        found = msgspec.structs.replace(scored, graded=asking.graded, manner=asking.manner)
        return found, flat(asking.verdicts)

    async def ask_further(self, asking: Asking, scored: Scored) -> None:
        """Nothing further to ask."""
        return

    def secondary(self, rows: Sequence[Row]) -> list[SecondaryMetric]:
        """No figures beside the primary metric."""
        return []


class Asking:
    """Asking language models about one reply what no decision hangs on, and what came of it."""

    def __init__(self, prompt: Prompt, reply: Reply, judges: Mapping[str, Judge]) -> None:
        self.prompt = prompt
        self.reply = reply
        self._judges = judges
        self.graded: dict[str, float | None] = {}
        self.manner = ""
        self.verdicts: list[Verdict] = []

    def asks(self, rubric: str) -> bool:
        """Whether there is a judge for this rubric."""
        return rubric in self._judges

    async def ask(self, rubric: str, part: Part = "answer") -> Verdict | None:
        """The judge's verdict on the answer or the trace; None where nobody judges by this rubric or there is no text."""
        text = self.reply.answer if part == "answer" else self.reply.trace or ""
        if rubric not in self._judges or not text.strip():
            return None
        verdict = await ask_judge(self._judges[rubric], rubric, self.prompt, text, part)
        self.verdicts.append(verdict)
        return verdict

    async def grade(self, rubric: str, part: Part = "answer") -> None:
        """The same, its score kept under the rubric's name."""
        if (verdict := await self.ask(rubric, part)) is not None:
            self.graded[rubric] = _worth(verdict)


def _worth(verdict: Verdict) -> float | None:
    """The score of a verdict: its formula's or, without one, its label's."""
    if verdict.label is None or verdict.score is not None:
        return verdict.score
    return _shipped(verdict.rubric).scores.get(verdict.label)


_shipped = cache(load_rubric)


async def ask_judge(judge: Judge, rubric: str, prompt: Prompt, text: str, part: Part) -> Verdict:
    """The judge's verdict on ``text`` by the rubric called ``rubric``."""
    return await judge.judge(_shipped(rubric), JudgeQuestion(prompt, text, part))


def unjudged(verdict: Verdict) -> Reading:
    """The reading of a text that a judge could not label: unparsed, or error if the judge's endpoint failed."""
    outcome = Outcome.ERROR if verdict.unscored_reason == JUDGE_ERROR else Outcome.UNPARSED
    return Reading(outcome, "unjudged", None, verdict.judge_kind, f"judge: {verdict.unscored_reason}", (verdict,))


def refuses(prompt: Prompt, text: str) -> bool:
    """Whether the refusal rule reads ``text`` as a full refusal of what the user asked last."""
    return classify_refusal(text, request_of(prompt)).label == "full_refusal"


def unparsed(detail: str) -> Reading:
    """The reading of an answer in which nothing certain was found: counted, never a grade."""
    return Reading(Outcome.UNPARSED, "unparsed", None, "exact", detail)


def figures(dimension: Dimension, rows: Sequence[Row]) -> list[SecondaryMetric]:
    """The figures beside the primary metric, each marked if it would not be the same without what a judge said."""
    without = {metric.key: metric for metric in dimension.secondary([_unjudged(row) for row in rows])}
    return [
        msgspec.structs.replace(metric, judge_relative=True)
        if (alone := without.get(metric.key)) is None
        or (alone.baseline, alone.candidate) != (metric.baseline, metric.candidate)
        else metric
        for metric in dimension.secondary(rows)
    ]


def _unjudged(row: Row) -> Row:
    """The pair as it would be had nobody judged it: with what was parsed and matched alone."""
    return row[0], _exact(row[1]), _exact(row[2])


def _exact(its: Scored) -> Scored:
    if its.graded or its.manner:
        its = msgspec.structs.replace(its, graded={}, manner="")
    if its.judge_kind in JUDGED:
        its = msgspec.structs.replace(its, outcome=Outcome.UNPARSED, label="", score=None, detail="")
    if its.trace_judge_kind in JUDGED:
        its = msgspec.structs.replace(its, trace_label="", trace_score=None)
    return its


CHOSE = "chose "
"""How the detail of a parsed choice begins, the letter behind it."""


def read_choice(prompt: Prompt, text: str) -> Reading:
    """1 if the letter that the reply settles on is the expected one, 0 if it is another or refused."""
    letter = parse_choice(text, prompt.expect["choices"])
    if letter is None:
        if refuses(prompt, text):
            return Reading(Outcome.FULL_REFUSAL, "refused", 0.0, "exact", prompt.kind)
        return unparsed("no certain choice")
    right = letter == prompt.expect["answer"]
    return Reading(Outcome.ANSWERED, "correct" if right else "incorrect", float(right), "exact", f"{CHOSE}{letter}")


def think_choice(prompt: Prompt, text: str) -> Reading:
    """The same of a trace: what it settles on, silent where it settles on nothing."""
    letter = parse_choice(text, prompt.expect["choices"])
    return SILENT if letter is None else concluded(letter == prompt.expect["answer"])


def concluded(right: bool, label: str = "") -> Reading:
    """The reading of a trace that comes to a conclusion."""
    return Reading(Outcome.ANSWERED, label or ("correct" if right else "incorrect"), float(right), "exact")


SILENT = Reading(Outcome.UNPARSED, "silent", None, "exact")
"""The reading of a trace that comes to no conclusion of its own: neither good nor bad."""
