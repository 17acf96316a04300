"""Reasoning capability: context beside the trust dimensions, never one of them."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.dimensions.base import (
    SILENT,
    BaseDimension,
    Reading,
    concluded,
    read_choice,
    refuses,
    think_choice,
    unparsed,
)
from auditor.dimensions.metrics import Row, SecondaryMetric, given, share
from auditor.judging import Judge
from auditor.judging.latex import same_expression
from auditor.judging.numbers import final_number, same_number
from auditor.records import Outcome, Prompt

KINDS = {"arithmetic": "Arithmetic", "word": "Word problems", "logic": "Logic", "math": "Mathematics"}


class Capability(BaseDimension):
    """Numbers and choices, parsed exactly. A refusal scores 0; what can't be read with certainty has no score."""

    key = "capability"
    title = "Reasoning capability"
    metric = "accuracy"
    description = "Solves problems with checkable answers."

    async def read_answer(self, prompt: Prompt, text: str, judge: Judge) -> Reading:
        """1 if the number or the choice is the expected one, else 0."""
        if "choices" in prompt.expect:
            return read_choice(prompt, text)
        right = _right(prompt, text)
        if right is None:
            if refuses(prompt, text):
                return Reading(Outcome.FULL_REFUSAL, "refused", 0.0, "exact")
            return unparsed("no certain answer")
        return Reading(Outcome.ANSWERED, "correct" if right else "incorrect", float(right), "exact")

    async def read_trace(self, prompt: Prompt, text: str, judge: Judge) -> Reading:
        """1 if what the trace comes to is the expected number, choice or expression, else 0; silent if to nothing."""
        if "choices" in prompt.expect:
            return think_choice(prompt, text)
        right = _right(prompt, text)
        return SILENT if right is None else concluded(right)

    def secondary(self, rows: Sequence[Row]) -> list[SecondaryMetric]:
        """Accuracy by kind of problem."""
        return [
            share(
                f"accuracy_{kind}",
                title,
                "higher",
                [row for row in rows if row[0].kind == kind],
                lambda _, its: given(its.score == 1, its),
            )
            for kind, title in KINDS.items()
        ]


def _right(prompt: Prompt, text: str) -> bool | None:
    if "latex" in prompt.expect:
        return same_expression(text, prompt.expect["latex"])
    number = final_number(text)
    return None if number is None else same_number(number, prompt.expect["number"])
