"""Reasoning capability: context beside the trust dimensions, never one of them."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.dimensions.base import (
    BaseDimension,
    Reading,
    Row,
    SecondaryMetric,
    given,
    read_choice,
    refuses,
    share,
    unparsed,
)
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
    banks = ("capability-basics",)

    async def read_answer(self, prompt: Prompt, text: str, judge: Judge) -> Reading:
        """1 if the number or the choice is the expected one, else 0."""
        if "latex" in prompt.expect:
            right = same_expression(text, prompt.expect["latex"])
        elif "number" in prompt.expect:
            number = final_number(text)
            right = None if number is None else same_number(number, prompt.expect["number"])
        else:
            return read_choice(prompt, text)
        if right is None:
            if refuses(prompt, text):
                return Reading(Outcome.FULL_REFUSAL, "refused", 0.0, "exact")
            return unparsed("no certain answer")
        return Reading(Outcome.ANSWERED, "correct" if right else "incorrect", float(right), "exact")

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
