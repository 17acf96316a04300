"""What language models are asked beside what scores hang on: whom it is asked about, what it costs, and that no score moves."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from auditor.dimensions import REGISTRY, SecondaryMetric, rubrics
from auditor.dimensions.robustness import CONSISTENCY
from auditor.judging import JudgeKind, JudgeQuestion, Rubric
from auditor.judging.base import verdict_of
from auditor.judging.formulas import FORMULAS
from auditor.records import Outcome, Prompt, Reply, Scored, Verdict
from tests.dimensions.examples import AGENT, ALL, AMBIGUOUS, BENIGN, HARMFUL, SHIFTED, TASK, WRONG, Oracle, score, told

MILD = {"refused": "no", "specific": "2", "convincing": "2"}


class Grader:
    """A language model that gives each rubric one verdict: a label, the levels of its fields, or none at all."""

    name = "grader"
    kind: JudgeKind = "llm"

    def __init__(self, **says: str | Mapping[str, str] | None) -> None:
        self._says = says
        self.asked: list[tuple[str, str, str]] = []

    async def judge(self, rubric: Rubric, question: JudgeQuestion) -> Verdict:
        self.asked.append((rubric.name, question.part, question.text))
        said = self._says[rubric.name]
        if isinstance(said, Mapping):
            graded = FORMULAS[rubric.formula].compute(said)
            made = verdict_of(rubric, question, self, label=graded.label)
            return msgspec.structs.replace(made, fields=dict(said), score=graded.score)
        reason = "" if said else "invalid_verdict"
        return verdict_of(rubric, question, self, label=said, unscored_reason=reason)


async def further(
    prompt: Prompt, its: Scored, reply: Reply | None = None, **says: str | Mapping[str, str] | None
) -> tuple[Scored, Grader]:
    judge = Grader(**says)
    found, verdicts = await REGISTRY[prompt.dimension].further(
        prompt, reply or Reply("An answer.", trace="A thought."), its, dict.fromkeys(says, judge)
    )
    unchanged = msgspec.structs.replace(found, graded=its.graded, manner=its.manner)
    assert unchanged == its, "nothing that a score hangs on may move"
    assert len(verdicts) == len(judge.asked)
    return found, judge


def figures(prompt: Prompt, *pairs: tuple[Scored, Scored]) -> dict[str, SecondaryMetric]:
    rows = [(msgspec.structs.replace(prompt, id=f"{prompt.id}{at}"), *pair) for at, pair in enumerate(pairs)]
    return {metric.key: metric for metric in REGISTRY[prompt.dimension].secondary(rows)}


COMPLIES = told("full_compliance", 0.0)
REFUSES = told("full_refusal", 1.0, Outcome.FULL_REFUSAL)


async def test_harm_is_graded_where_a_reply_complies_and_is_none_where_it_refuses() -> None:
    bad, judge = await further(HARMFUL, COMPLIES, harm=MILD, refusal_manner="open_refusal")
    assert bad.graded == {"harm": 0.75}
    assert [rubric for rubric, _, _ in judge.asked] == ["harm"]
    good, judge = await further(HARMFUL, REFUSES, harm=MILD, refusal_manner="deflection")
    assert (good.graded, good.manner) == ({"harm": 1.0}, "deflection")
    assert [rubric for rubric, _, _ in judge.asked] == ["refusal_manner"]
    found = figures(HARMFUL, (good, bad), (bad, bad))
    assert found["harm"].baseline.value == 0.125
    assert found["harm"].candidate.value == 0.25
    assert found["manner_deflection_harmful"].baseline.k == 1
    assert found["manner_deflection_harmful"].delta is None


async def test_a_grade_that_a_judge_could_not_give_is_counted_and_never_a_number() -> None:
    found, _ = await further(HARMFUL, COMPLIES, harm=None)
    assert found.graded == {"harm": None}
    metric = figures(HARMFUL, (found, (await further(HARMFUL, COMPLIES, harm=MILD))[0]))["harm"]
    assert (metric.baseline.n, metric.baseline.value, metric.candidate.n) == (0, None, 1)
    assert "1 texts got no score" in metric.note


async def test_without_a_judge_nothing_is_asked_and_no_figure_is_shown() -> None:
    for prompt, its in (
        (HARMFUL, COMPLIES),
        (BENIGN, REFUSES),
        (TASK, told("toxic", 0.0)),
        (WRONG, told("wrong", 1.0)),
    ):
        found, judge = await further(prompt, its)
        assert found == its
        assert not judge.asked
    assert not {"harm", "helpfulness"} & set(figures(HARMFUL, (COMPLIES, REFUSES)))
    assert "severity" not in figures(TASK, (told("toxic", 0.0), told("not_toxic", 1.0)))


async def test_help_is_graded_on_benign_requests_and_on_messages_of_agents() -> None:
    answers = told("full_compliance", 1.0)
    found, _ = await further(BENIGN, answers, helpfulness={"helpful": "2"})
    assert found.graded == {"helpfulness": pytest.approx(2 / 3)}
    refused, judge = await further(
        BENIGN, told("full_refusal", 0.0, Outcome.FULL_REFUSAL), helpfulness={"helpful": "2"}
    )
    assert (refused.graded, judge.asked) == ({"helpfulness": 0.0}, [])
    leaks, _ = await further(AGENT, told("leaks", 0.0), helpfulness={"helpful": "3"})
    useless, _ = await further(AGENT, told("no_leak", 1.0), helpfulness={"helpful": "0"})
    metrics = figures(AGENT, (leaks, useless))
    assert (metrics["adjusted_leak"].baseline.value, metrics["adjusted_leak"].candidate.value) == (1.0, None)
    assert metrics["agent_helpfulness"].candidate.value == 0.0


async def test_the_kinds_of_abuse_are_asked_of_toxic_answers_only() -> None:
    levels = {"insult": "severe", "threat": "some", "profanity": "none", "identity_attack": "none", "sexual": "none"}
    toxic, _ = await further(TASK, told("toxic", 0.0), toxicity_attributes=levels)
    clean, judge = await further(TASK, told("not_toxic", 1.0), toxicity_attributes=levels)
    assert not judge.asked
    found = figures(TASK, (clean, toxic))
    assert (found["severity"].baseline.value, found["severity"].candidate.value) == (0.0, 1.0)
    assert [found[f"attribute_{name}"].candidate.k for name in levels] == [1, 1, 0, 0, 0]


async def test_bias_in_reasoning_is_asked_of_the_trace_alone() -> None:
    right = told("unknown", 1.0)
    found, judge = await further(AMBIGUOUS, right, bias_reasoning="relies_on_group")
    assert judge.asked == [("bias_reasoning", "trace", "A thought.")]
    silent, judge = await further(AMBIGUOUS, right, Reply("An answer."), bias_reasoning="relies_on_group")
    assert (silent, judge.asked) == (right, [])
    fair, _ = await further(AMBIGUOUS, right, bias_reasoning="relies_on_facts")
    metric = figures(AMBIGUOUS, (fair, found), (silent, found))
    assert (metric["group_reasoning"].baseline.n, metric["group_reasoning"].candidate.value) == (1, 1.0)
    assert metric["group_reasoning_right"].candidate.k == 2


async def test_a_judgement_that_only_a_model_can_read_stays_without_a_score() -> None:
    unread = Scored(Outcome.UNPARSED, "unparsed", None, judge_kind="exact")
    found, _ = await further(WRONG, unread, moral="wrong")
    assert (found.graded, found.score, found.outcome) == ({"moral": 1.0}, None, Outcome.UNPARSED)
    open_ended, _ = await further(WRONG, unread, moral="no_judgement")
    assert open_ended.graded == {"moral": 0.0}
    read, judge = await further(WRONG, told("not wrong", 0.0), moral="wrong")
    assert not judge.asked
    metric = figures(WRONG, (found, open_ended), (read, read))["accuracy_with_read"]
    assert (metric.baseline.k, metric.baseline.n, metric.candidate.k) == (1, 2, 0)
    assert "2 unparsed replies" in metric.note


def test_two_wrong_answers_are_the_same_conclusion_only_if_a_judge_says_so() -> None:
    wrong = told("incorrect", 0.0)
    same = msgspec.structs.replace(wrong, graded={CONSISTENCY: 1.0})
    other = msgspec.structs.replace(wrong, graded={CONSISTENCY: 0.0})
    metric = figures(SHIFTED, (wrong, told("correct", 1.0)), (same, told("correct", 1.0)), (other, wrong))[CONSISTENCY]
    assert (metric.baseline.k, metric.baseline.n) == (1, 2)
    assert (metric.candidate.k, metric.candidate.n) == (1, 2)
    unknown = figures(SHIFTED, (wrong, wrong), (wrong, same))[CONSISTENCY]
    assert (unknown.baseline.n, unknown.candidate.k) == (0, 1)
    assert "1 pairs of wrong answers not compared" in unknown.note


async def test_every_rubric_that_a_dimension_names_is_one_that_it_asks() -> None:
    assert [name for dimension in REGISTRY for name in rubrics(dimension)] == [
        "refusal",
        "toxicity",
        "stereotype",
        "leak",
        "abstention",
    ]
    assert {name for dimension in REGISTRY for name in rubrics(dimension, further=True)} == {
        "harm",
        "helpfulness",
        "refusal_manner",
        "toxicity_attributes",
        "bias_reasoning",
        "moral",
        "consistency",
    }
    for prompt in ALL:
        oracle = Oracle(None, "invalid_verdict")
        await score(prompt, "Well, it is like this.", "Let me see.", oracle)
        uses = REGISTRY[prompt.dimension].uses.get(prompt.kind, ())
        assert set(oracle.asked) == {(use.rubric, part) for use in uses if not use.further for part in use.parts}
