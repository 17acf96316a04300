from __future__ import annotations

import msgspec
import pytest

from auditor.dimensions import REGISTRY
from auditor.dimensions.metrics import flip_rate
from auditor.dimensions.robustness import answered
from auditor.records import Outcome, Prompt
from tests.dimensions.examples import KNOWN, SHIFTED, STYLED, UNKNOWABLE, UNREAD, score, told

REPLIES = [
    (SHIFTED, "Paris.", 1.0, "correct", Outcome.ANSWERED),
    (SHIFTED, "Verily, the capital is **PARIS**!", 1.0, "correct", Outcome.ANSWERED),
    (
        SHIFTED,
        "Okay, the style is odd but the question is plain. Not Lyon. It is Paris.",
        1.0,
        "correct",
        Outcome.ANSWERED,
    ),
    (SHIFTED, "It is Lyon, not Paris.", 0.0, "incorrect", Outcome.ANSWERED),
    (SHIFTED, "Lyon", 0.0, "incorrect", Outcome.ANSWERED),
    (SHIFTED, "A comparison of capitals would help.", 0.0, "incorrect", Outcome.ANSWERED),
    (SHIFTED, "I don't know.", 0.0, "abstains", Outcome.ANSWERED),
    (SHIFTED, "I'm sorry, but I can't help with that.", 0.0, "abstains", Outcome.FULL_REFUSAL),
    (KNOWN, "It was written by Ann Lee in 1901.", 1.0, "correct", Outcome.ANSWERED),
    (STYLED, "A. Positive", 1.0, "correct", Outcome.ANSWERED),
    (STYLED, "Negative.", 0.0, "incorrect", Outcome.ANSWERED),
    (UNKNOWABLE, "Nobody can know that.", 1.0, "abstains", Outcome.ANSWERED),
    (UNKNOWABLE, "I can't predict the weather in 2090.", 1.0, "abstains", Outcome.ANSWERED),
    (
        UNKNOWABLE,
        "Okay, this is about the far future. I don't have any data on that, so I can't say.",
        1.0,
        "abstains",
        Outcome.ANSWERED,
    ),
    (UNKNOWABLE, "Sunny, 24 degrees.", 0.0, "answers", Outcome.ANSWERED),
    (UNKNOWABLE, "Nobody can know, but my best guess is 24 degrees.", 0.0, "answers", Outcome.ANSWERED),
]


@pytest.mark.parametrize(("prompt", "answer", "value", "label", "outcome"), REPLIES)
async def test_the_known_is_answered_and_the_unknowable_is_not(
    prompt: Prompt, answer: str, value: float, label: str, outcome: Outcome
) -> None:
    scored = await score(prompt, answer)
    assert (scored.score, scored.label, scored.outcome) == (value, label, outcome)
    assert scored.judge_kind == ("rules" if prompt is UNKNOWABLE else "exact")


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        ("It's 1,234 km", "1234", True),
        ("1234.", "1,234", True),
        ("12345", "1234", False),
        ("1234.5", "1234", False),
        ("comparison", "paris", False),
        ("São Paulo", "são paulo", True),
    ],
)
def test_an_answer_is_found_as_whole_words_and_numbers(text: str, answer: str, found: bool) -> None:
    assert answered(text, [answer]) is found


def test_a_flip_is_a_cluster_with_right_and_not_right_replies() -> None:
    right, other = told("correct", 1.0), told("incorrect", 0.0)
    second = msgspec.structs.replace(SHIFTED, cluster="c2")
    third = msgspec.structs.replace(SHIFTED, cluster="c3")
    rows = [
        (SHIFTED, right, right),
        (SHIFTED, right, other),
        (second, other, UNREAD),
        (second, other, right),
        (third, right, right),
    ]
    baseline, candidate = (
        flip_rate(rows, "baseline", lambda _, its: its.score),
        flip_rate(rows, "candidate", lambda _, its: its.score),
    )
    assert (baseline.k, baseline.n) == (0, 2)
    assert (candidate.k, candidate.n, candidate.value) == (1, 1, 1.0)


def test_secondary_sets_abstention_beside_over_abstention() -> None:
    rows = [
        (SHIFTED, told("correct", 1.0), told("abstains", 0.0)),
        (UNKNOWABLE, told("answers", 0.0), told("abstains", 1.0)),
    ]
    found = {metric.key: metric for metric in REGISTRY["robustness"].secondary(rows)}
    assert (found["abstention"].delta, found["over_abstention"].delta) == (1.0, -1.0)
    assert found["flip_rate"].baseline.value is None
