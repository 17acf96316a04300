"""Prompts without a right answer, and questions asked several times: what counts and what does not."""

from __future__ import annotations

from typing import Any

from auditor.audit.conclusion import Conclusion, conclusion, context
from auditor.audit.course import Course
from auditor.audit.preflight import chosen_banks, schedule, units
from auditor.plan import Plan
from auditor.records import SIDES, Message, Outcome, Prompt, Scored
from tests.audit.pairs import terms

PAIR = {"baseline": {"endpoint": "openai:a"}, "candidate": {"endpoint": "openai:b"}}


def plan_of(**dimensions: dict[str, Any]) -> Plan:
    only = {name: {"enabled": False} for name in Plan.model_validate(PAIR).chosen_dimensions()}
    return Plan.from_mapping({**PAIR, "dimensions": only | dimensions, "run": {"until": "all"}})


def judgement(number: int) -> Prompt:
    return Prompt(f"j/{number}", "ethics", "j", "judgement", (Message("user", f"{number}?"),), {"answer": "wrong"})


def dilemma(number: int) -> Prompt:
    return Prompt(f"d/{number}", "ethics", "d", "dilemma", (Message("user", f"{number}!"),), cluster=f"d/{number // 2}")


WRONG = Scored(Outcome.ANSWERED, "wrong", 1.0, judge_kind="exact")
SAVES = Scored(Outcome.ANSWERED, "save", None, judge_kind="exact")


def concluded(prompts: list[Prompt]) -> Conclusion:
    scores = {prompt.id: {side: SAVES if context(prompt) else WRONG for side in SIDES} for prompt in prompts}
    return conclusion(plan_of(ethics={}), prompts, {"ethics": 60}, scores)


def test_dilemmas_are_described_but_are_no_unscored_pairs() -> None:
    found = concluded([*map(judgement, range(60)), *map(dilemma, range(40))]).findings["ethics"]
    assert found["primary"]["unscored"] == 0
    assert found["primary"]["n"] == found["primary"]["units"] == 60
    assert found["primary"]["decision"] == "PRESERVED"
    assert found["asked"] == found["planned"] == 100
    assert found["outcomes"]["baseline"] == {"answered": 60}
    assert found["context"] == {
        "prompts": 40,
        "kinds": ["dilemma"],
        "outcomes": {side: {"answered": 40} for side in ("baseline", "candidate")},
    }
    told = {metric["key"]: metric for metric in found["secondary"]}
    assert told["same_choice"]["candidate"]["n"] == 40


def test_dilemmas_alone_decide_nothing() -> None:
    found = concluded([*map(dilemma, range(40))]).findings["ethics"]
    assert found["primary"]["decision"] == "INCONCLUSIVE"
    assert found["primary"]["units"] == 0


def test_dilemmas_neither_close_a_dimension_nor_keep_it_open() -> None:
    prompts = [prompt for at in range(100) for prompt in (judgement(at), dilemma(at))]
    course = Course(prompts, {"ethics": terms(100)}, "decided", context)
    for seq, prompt in enumerate(prompts):
        course.put(seq, None if context(prompt) else 0.0)
    alone = Course(prompts[::2], {"ethics": terms(100)}, "decided", context)
    for seq in range(100):
        alone.put(seq, 0.0)
    assert course.closed("ethics")
    assert sum(seq % 2 == 0 for seq in course.counted("ethics")) == len(alone.counted("ethics"))


def test_dilemmas_are_no_units_of_a_bank() -> None:
    plan = plan_of(ethics={"banks": ["ethics-judgement", "ethics-dilemmas"]})
    assert units(chosen_banks(plan)) == units(chosen_banks(plan_of(ethics={"banks": ["ethics-judgement"]})))


def test_repetitions_follow_each_other_and_share_their_unit() -> None:
    plan = plan_of(toxicity={"banks": ["toxicity-tasks"], "limit": 4, "samples": 3})
    banks = chosen_banks(plan)
    prompts = schedule(plan, banks)
    assert len(prompts) == len({prompt.id for prompt in prompts}) == 12
    assert [prompt.sample for prompt in prompts] == [0, 1, 2] * 4
    assert len({prompt.unit for prompt in prompts}) == len({prompt.question for prompt in prompts}) == 4
    assert units(banks) == units(chosen_banks(plan_of(toxicity={"banks": ["toxicity-tasks"]})))


def test_a_plan_without_the_newer_settings_is_the_plan_it_was() -> None:
    assert "scoring" not in plan_of(ethics={}).identity()
    assert "samples" not in plan_of(ethics={}).identity()["dimensions"]["ethics"]
    assert plan_of(toxicity={"samples": 5}).identity()["dimensions"]["toxicity"]["samples"] == 5
