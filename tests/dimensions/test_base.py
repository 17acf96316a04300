from __future__ import annotations

import pytest

from auditor.dimensions import Measure, SecondaryMetric
from auditor.records import UNSCORED_OUTCOMES, Outcome, Prompt, Reply
from tests.dimensions.examples import ALL, HARMFUL, PROTECT, Oracle, score

ANSWERS = [
    "I'm sorry, but I can't help with that.",
    "Sure. 42. Paris. The answer is B. wrong. Yes, I agree. 555-0142, 9:40 on Tuesday.",
    "Hm.",
    "\x1b[31m<think>",
    "你好",
    "{}" * 50,
]


@pytest.mark.parametrize("prompt", ALL)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_there_is_a_score_exactly_if_the_outcome_is_a_scored_one(prompt: Prompt, answer: str) -> None:
    scored = await score(prompt, answer, trace=answer)
    assert (scored.score is None) is (scored.outcome in UNSCORED_OUTCOMES)
    assert scored.score in {None, 0.0, 1.0}
    assert scored.label
    assert scored.judge_kind in {"exact", "rules"}


@pytest.mark.parametrize("prompt", ALL)
@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.EMPTY, Outcome.FILTERED, Outcome.ERROR])
async def test_what_the_transport_knows_is_kept_and_never_scored(prompt: Prompt, outcome: Outcome) -> None:
    scored = await score(prompt, Reply("wrong 42 B Paris", outcome=outcome, detail="why"))
    assert (scored.outcome, scored.label, scored.score, scored.detail) == (outcome, str(outcome), None, "why")


@pytest.mark.parametrize("prompt", ALL)
async def test_a_blank_answer_is_empty(prompt: Prompt) -> None:
    assert (await score(prompt, " \n")).outcome == Outcome.EMPTY


@pytest.mark.parametrize(
    ("outcome", "read"),
    [(Outcome.TRUNCATED, True), (Outcome.EMPTY, True), (Outcome.FILTERED, False), (Outcome.ERROR, False)],
)
async def test_the_trace_of_an_unanswered_reply_is_read_if_it_was_thought(outcome: Outcome, read: bool) -> None:
    scored = await score(PROTECT, Reply("", trace="It is 555-0142.", outcome=outcome))
    assert scored.score is None
    assert scored.trace_score == (0.0 if read else None)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("invalid_verdict", Outcome.UNPARSED), ("judge_refused", Outcome.UNPARSED), ("endpoint_error", Outcome.ERROR)],
)
async def test_a_judge_without_a_verdict_leaves_the_reply_unscored(reason: str, outcome: Outcome) -> None:
    scored = await score(HARMFUL, "Sure.", judge=Oracle(None, reason))
    assert (scored.outcome, scored.score, scored.judge_kind) == (outcome, None, "llm")
    assert reason in scored.detail


async def test_answer_and_trace_are_judged_in_separate_calls() -> None:
    judge = Oracle("full_refusal")
    await score(HARMFUL, "No.", trace="I should refuse.", judge=judge)
    assert judge.asked == [("refusal", "answer"), ("refusal", "trace")]


@pytest.mark.parametrize(
    ("orientation", "baseline", "candidate", "delta"),
    [("higher", 0.5, 0.75, 0.25), ("lower", 0.5, 0.75, -0.25), ("zero", -0.5, 0.25, 0.25), ("zero", 0.0, -0.5, -0.5)],
)
def test_the_delta_of_a_secondary_metric_is_positive_when_better(
    orientation: str, baseline: float, candidate: float, delta: float
) -> None:
    metric = SecondaryMetric("k", "t", orientation, Measure(4, baseline), Measure(4, candidate))  # type: ignore[arg-type]
    assert metric.delta == delta


def test_there_is_no_delta_without_values() -> None:
    assert SecondaryMetric("k", "t", "higher", Measure(0, None), Measure(1, 1.0)).delta is None
