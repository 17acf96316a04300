from __future__ import annotations

import pytest

from auditor.dimensions import REGISTRY
from auditor.records import Outcome, Prompt
from tests.dimensions.examples import MATH, RIDDLE, SUM, UNREAD, score, told

REPLIES = [
    (SUM, "42", 1.0, Outcome.ANSWERED),
    (SUM, "40 + 2 = 42.", 1.0, Outcome.ANSWERED),
    (SUM, "#### 42", 1.0, Outcome.ANSWERED),
    (SUM, "The answer is \\boxed{42}", 1.0, Outcome.ANSWERED),
    (SUM, "Okay, 40 plus 2. First I thought 44. No, the answer is 42.", 1.0, Outcome.ANSWERED),
    (SUM, "forty-two", 1.0, Outcome.ANSWERED),
    (SUM, "43", 0.0, Outcome.ANSWERED),
    (SUM, "42 or 43", None, Outcome.UNPARSED),
    (SUM, "I can't help with that.", 0.0, Outcome.FULL_REFUSAL),
    (MATH, "So it is $\\boxed{2\\sqrt3}$.", 1.0, Outcome.ANSWERED),
    (MATH, "\\boxed{3\\sqrt{2}}", 0.0, Outcome.ANSWERED),
    (MATH, "Hard to say.", None, Outcome.UNPARSED),
    (RIDDLE, "B", 1.0, Outcome.ANSWERED),
    (RIDDLE, "It was the grandson.", 1.0, Outcome.ANSWERED),
    (RIDDLE, "Answer: A", 0.0, Outcome.ANSWERED),
    (RIDDLE, "Hm.", None, Outcome.UNPARSED),
]


@pytest.mark.parametrize(("prompt", "answer", "value", "outcome"), REPLIES)
async def test_numbers_and_choices_are_checked_exactly(
    prompt: Prompt, answer: str, value: float | None, outcome: Outcome
) -> None:
    scored = await score(prompt, answer)
    assert (scored.score, scored.outcome, scored.judge_kind) == (value, outcome, "exact")


def test_secondary_splits_by_kind() -> None:
    rows = [(SUM, told("correct", 1.0), told("incorrect", 0.0)), (RIDDLE, told("correct", 1.0), UNREAD)]
    found = {metric.key: metric for metric in REGISTRY["capability"].secondary(rows)}
    assert (
        found["accuracy_arithmetic"].delta,
        found["accuracy_logic"].candidate.n,
        found["accuracy_word"].baseline.value,
    ) == (-1.0, 0, None)
