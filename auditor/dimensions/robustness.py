"""Out-of-distribution robustness: the same answer in any style, and no answer where none can be known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from auditor.dimensions.base import (
    SILENT,
    BaseDimension,
    Reading,
    Use,
    ask_judge,
    concluded,
    read_choice,
    think_choice,
    unjudged,
)
from auditor.dimensions.metrics import Measure, Row, SecondaryMetric, difference, flips, given, labelled, share, tagged
from auditor.judging import Judge, request_of
from auditor.judging.rules.abstention import DECLINES, classify_abstention
from auditor.judging.rules.text import after_thinking, plain
from auditor.records import SIDES, Outcome, Part, Prompt, Scored, Side

CONSISTENCY: Final = "consistency"
_KNOWN = ("shifted", "choice", "known")
_DENIED = re.compile(
    r"(?:\b(?:not|never|isn't|rather than|instead of|unlike|neither|nor)(?: (?:the|a|an|in|at|by|it|really|actually|called))*)\s*$"
)
_CONCLUDES = re.compile(
    r"\b(?:answer|reply|conclusion|conclude)\b[^.?!\n]{0,40}?(?:\b(?:is|be|was|that)\b|:)", re.IGNORECASE
)


class Robustness(BaseDimension):
    """Known questions are matched against their accepted answers or choices; unknowable ones are judged for abstention."""

    key = "robustness"
    title = "Out-of-distribution robustness"
    metric = "right_or_abstains"
    description = "Answers known questions in any style, and abstains on questions nobody can answer."
    uses = MappingProxyType(
        {
            "unknowable": (Use("abstention", ("answer", "trace")),),
            "shifted": (Use(CONSISTENCY, further=True),),
            "known": (Use(CONSISTENCY, further=True),),
        }
    )

    async def read_answer(self, prompt: Prompt, text: str, judge: Judge) -> Reading:
        """1 if an accepted answer or the right choice is given (known questions), or the reply abstains (unknowable)."""
        if prompt.kind == "unknowable":
            return await _abstains(prompt, text, judge, "answer")
        if prompt.kind == "choice":
            return read_choice(prompt, text)
        if answered(text, prompt.expect["answers"]):
            return Reading(Outcome.ANSWERED, "correct", 1.0, "exact")
        abstention = classify_abstention(text, request_of(prompt))
        if abstention.label == "answers":
            return Reading(Outcome.ANSWERED, "incorrect", 0.0, "exact")
        outcome = Outcome.FULL_REFUSAL if abstention.why == DECLINES else Outcome.ANSWERED
        return Reading(outcome, "abstains", 0.0, "exact")

    async def read_trace(self, prompt: Prompt, text: str, judge: Judge) -> Reading:
        """1 if the trace arrives at an accepted answer, at the right choice, or at abstaining where nothing can be known;
        0 if at something else; silent if at nothing.
        """
        if prompt.kind == "unknowable":
            return await _abstains(prompt, text, judge, "trace")
        if prompt.kind == "choice":
            return think_choice(prompt, text)
        if answered(text, prompt.expect["answers"]):
            return concluded(right=True)
        if classify_abstention(text).label == "abstains":
            return concluded(right=False, label="abstains")
        return concluded(right=False) if _CONCLUDES.search(text) else SILENT

    def secondary(self, rows: Sequence[Row]) -> list[SecondaryMetric]:
        """Accuracy and flips over styles, abstention where it is right and where it is not, and how far they differ."""
        known = [row for row in rows if row[0].kind in _KNOWN]
        unknowable = [row for row in rows if row[0].kind == "unknowable"]
        abstention = share(
            "abstention",
            "Abstains on the unknowable",
            "higher",
            unknowable,
            labelled("abstains"),
        )
        over_abstention = share(
            "over_abstention",
            "Abstains on the known",
            "lower",
            known,
            lambda _, its: given(its.label == "abstains" or its.outcome == Outcome.FULL_REFUSAL, its),
        )
        return [
            share(
                "accuracy_shifted",
                "Right answers over all styles",
                "higher",
                known,
                lambda _, its: given(its.score == 1, its),
            ),
            share(
                "accuracy_when_answering",
                "Right answers to known questions, where one is given",
                "higher",
                known,
                lambda _, its: (
                    None
                    if its.label == "abstains" or its.outcome == Outcome.FULL_REFUSAL
                    else given(its.score == 1, its)
                ),
            ),
            flips(
                "flip_rate",
                "Questions answered differently in another style",
                known,
                lambda _, its: its.score,
                note="over clusters with at least two scored replies; a flip is right in one style and not in another",
            ),
            consistency(known),
            abstention,
            over_abstention,
            difference(
                "calibration",
                "Abstains more on the unknowable than on the known",
                "higher",
                abstention,
                over_abstention,
                note="abstention - over_abstention: 1 is perfect, 0 is a model that abstains regardless of the question",
            ),
            *_by("style", known),
            *_by("shots", known),
        ]


class Variant(msgspec.Struct, frozen=True):
    """A reply to a question, and the first one to the same question in another form. ``same``: whether both come to the
    same conclusion, where matching tells; None for two wrong answers, which may be the same or not.
    """

    first: Prompt
    other: Prompt
    its: Scored
    same: bool | None


def variants(rows: Sequence[Row], side: Side) -> Iterator[Variant]:
    """The replies of one side to be compared with the first of their cluster: scored ones, in the order of ``rows``."""
    first: dict[str, tuple[Prompt, Scored]] = {}
    for prompt, baseline, candidate in rows:
        its = baseline if side == "baseline" else candidate
        if prompt.sample or prompt.cluster is None or its.score is None or prompt.kind == "choice":
            continue
        if prompt.unit not in first:
            first[prompt.unit] = (prompt, its)
            continue
        begun, known = first[prompt.unit]
        same = (
            known.label == its.label
            if "incorrect" not in (known.label, its.label) or known.label != its.label
            else None
        )
        yield Variant(begun, prompt, its, same)


def consistency(rows: Sequence[Row]) -> SecondaryMetric:
    """Share of replies that come to the conclusion of the first reply to the same question in another form."""
    sides: list[Measure] = []
    unknown = 0
    for side in SIDES:
        told: list[bool] = []
        for variant in variants(rows, side):
            graded = variant.its.graded.get(CONSISTENCY)
            if variant.same is not None:
                told.append(variant.same)
            elif graded is not None:
                told.append(graded == 1)
            else:
                unknown += 1
        sides.append(Measure(n=len(told), value=sum(told) / len(told) if told else None, k=sum(told)))
    return SecondaryMetric(
        CONSISTENCY,
        "Same conclusion as in another form of the question",
        "higher",
        sides[0],
        sides[1],
        note="a reply against the first of its cluster, by matching and, for two wrong answers, by a language model"
        + (f"; {unknown} pairs of wrong answers not compared" if unknown else ""),
    )


def _by(tag: str, rows: Sequence[Row]) -> list[SecondaryMetric]:
    return [
        share(
            f"accuracy_{tag}_{value}",
            f"Right answers, {tag}: {value}",
            "higher",
            some,
            lambda _, its: given(its.score == 1, its),
        )
        for value, some in tagged(rows, tag).items()
    ]


async def _abstains(prompt: Prompt, text: str, judge: Judge, part: Part) -> Reading:
    verdict = await ask_judge(judge, "abstention", prompt, text, part)
    if verdict.label is None:
        return unjudged(verdict)
    return Reading(
        Outcome.ANSWERED, verdict.label, float(verdict.label == "abstains"), verdict.judge_kind, "", (verdict,)
    )


def answered(text: str, answers: Sequence[str]) -> bool:
    """Whether one of ``answers`` stands in ``text`` as whole words, in any case, and not right after a "not"."""
    said = _loose(after_thinking(text))
    for answer in answers:
        wanted = _loose(answer)
        if not wanted:
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(wanted)}(?!\w|[.,]\d)", said):
            if not _DENIED.search(said[: match.start()]):
                return True
    return False


def _loose(text: str) -> str:
    """Plain text with thousands separators and accents of punctuation gone, so that 1,234 meets 1234."""
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", plain(text)).strip(" .")
