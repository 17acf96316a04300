from __future__ import annotations

import json
from typing import Literal

import pytest

from auditor.errors import AuthenticationFailed, PlanError, Unreachable
from auditor.judging import (
    JudgeQuestion,
    LlmJudge,
    Panel,
    Rubric,
    RulesJudge,
    flat,
    flips,
    load_rubric,
    settled,
    worth_repeating,
)
from auditor.judging.base import verdict_of
from auditor.records import EndpointSpec, Outcome, Scored, Verdict
from tests.judging.examples import Parrot, Says, question

RUBRIC = load_rubric("refusal")
TEXT = "I can't help with that. It would hurt people."


def says(label: str) -> str:
    return json.dumps({"evidence": "I can't help with that.", "label": label})


class Fixed:
    """A judge that gives one label, or none."""

    kind: Literal["llm"] = "llm"

    def __init__(self, name: str, label: str | None, reason: str = "endpoint_error") -> None:
        self.name = name
        self._label, self._reason = label, reason

    async def judge(self, rubric: Rubric, question: JudgeQuestion) -> Verdict:
        why = "" if self._label else self._reason
        return verdict_of(rubric, question, self, label=self._label, evidence="I", unscored_reason=why)


def named(name: str, *told: Says) -> LlmJudge:
    endpoint = Parrot(*told)
    endpoint.spec = EndpointSpec("http://judge.invalid/v1", name)
    return LlmJudge(endpoint)


@pytest.mark.parametrize(
    ("labels", "label", "reason"),
    [
        (["full_refusal", "full_refusal", "full_compliance"], "full_refusal", ""),
        (["full_refusal", "full_compliance", "partial_refusal"], None, "panel_split"),
        (["full_refusal", "full_refusal", None], "full_refusal", ""),
        (["full_refusal", None, None], None, "panel_split"),
        ([None, None, None], None, "endpoint_error"),
        (["full_refusal", "full_compliance"], None, "panel_split"),
        (["full_refusal", "full_refusal"], "full_refusal", ""),
    ],
)
async def test_a_label_needs_more_than_half_of_all_members(
    labels: list[str | None], label: str | None, reason: str
) -> None:
    panel = Panel([Fixed(f"j{number}", said) for number, said in enumerate(labels)])
    verdict = await panel.judge(RUBRIC, question(TEXT))
    assert (verdict.label, verdict.unscored_reason) == (label, reason)
    assert [one.label for one in verdict.members] == labels
    stored = flat([verdict])
    assert len(stored) == len(labels) + 1
    assert len({one.judge for one in stored}) == len(stored)
    assert not any(one.members for one in stored)


async def test_a_wrong_key_of_one_member_stops_the_panel_and_a_dead_one_does_not() -> None:
    with pytest.raises(AuthenticationFailed):
        await Panel([Fixed("a", "full_refusal"), named("b", AuthenticationFailed("401"))]).judge(RUBRIC, question(TEXT))
    dead = named("c", Unreachable("gone"))
    panel = Panel([Fixed("a", "full_refusal"), named("b", says("full_refusal")), dead])
    assert (await panel.judge(RUBRIC, question(TEXT))).label == "full_refusal"


def test_a_panel_of_one_or_of_the_same_judge_twice_is_refused() -> None:
    with pytest.raises(PlanError):
        Panel([Fixed("a", None)])
    with pytest.raises(PlanError, match="twice"):
        Panel([Fixed("a", None), Fixed("a", None)])


@pytest.mark.parametrize(
    ("again", "label", "asked", "flipped"),
    [
        (["full_refusal"], "full_refusal", 1, 0),
        (["full_compliance", "full_refusal"], "full_refusal", 2, 1),
        (["full_compliance", "full_compliance"], "full_compliance", 2, 1),
        (["full_compliance", "partial_refusal"], None, 2, 1),
    ],
)
async def test_asked_again_two_of_three_answers_decide(
    again: list[str], label: str | None, asked: int, flipped: int
) -> None:
    judge = named("j", says("full_refusal"), *map(says, again))
    first = await judge.judge(RUBRIC, question(TEXT))
    verdict = await settled(judge, [first]).judge(RUBRIC, question(TEXT))
    assert verdict.label == label
    assert verdict.unscored_reason == ("" if label else "judge_wavers")
    stored = flat([verdict])
    assert sum(one.repeat > 0 for one in stored) == asked
    assert len({one.judge for one in stored}) == len(stored)
    assert flips(("p", "baseline", one) for one in stored) == (1, flipped)


async def test_each_repetition_is_a_request_of_its_own() -> None:
    endpoint = Parrot(says("full_refusal"), says("full_compliance"), says("full_refusal"))
    judge = LlmJudge(endpoint)
    first = await judge.judge(RUBRIC, question(TEXT))
    await settled(judge, [first]).judge(RUBRIC, question(TEXT))
    assert [ask.sample for ask in endpoint.asked] == [0, 1, 2]


async def test_members_of_a_panel_are_asked_again_one_by_one_and_rules_never() -> None:
    rules = RulesJudge()
    assert settled(rules, []) is rules
    panel = Panel([rules, named("a", says("full_refusal")), named("b", says("full_refusal"))])
    first = await panel.judge(RUBRIC, question(TEXT))
    again = await settled(panel, flat([first])).judge(RUBRIC, question(TEXT))
    assert again.label == "full_refusal"
    assert sum(one.repeat > 0 for one in flat([again])) == 2


async def test_a_failing_second_call_does_not_take_the_first_answer_away() -> None:
    judge = named("j", says("full_refusal"), Unreachable("gone"))
    first = await judge.judge(RUBRIC, question(TEXT))
    assert (await settled(judge, [first]).judge(RUBRIC, question(TEXT))).label == "full_refusal"


def test_only_discordant_and_borderline_pairs_are_worth_it() -> None:
    good, bad = Scored(Outcome.ANSWERED, "x", 1.0), Scored(Outcome.ANSWERED, "y", 0.0)
    none = Scored(Outcome.UNPARSED, "z", None)
    sure = Verdict("refusal", "1", "j", "llm", "answer", "full_refusal", probability=0.99)
    half = Verdict("refusal", "1", "j", "llm", "answer", "full_refusal", probability=0.6)
    ruled = Verdict("refusal", "1", "rules", "rules", "answer", "full_refusal")
    traced = Scored(Outcome.ANSWERED, "x", 1.0, trace_score=1.0)
    assert worth_repeating(good, bad, [sure])
    assert worth_repeating(good, good, [half])
    assert not worth_repeating(good, good, [sure])
    assert not worth_repeating(good, none, [sure])
    assert not worth_repeating(good, traced, [sure])
    assert not worth_repeating(good, bad, [ruled])
