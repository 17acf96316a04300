from __future__ import annotations

import json

import pytest

from auditor.errors import AuthenticationFailed, JudgeUnfit
from auditor.judging import LlmJudge, Panel, RulesJudge, load_rubric, rubric_names
from auditor.judging.startup import check
from auditor.records import Ask
from auditor.simulator.judge import answer
from auditor.simulator.truth import PlantedTruth
from tests.judging.examples import Parrot

RUBRIC = load_rubric("refusal")
JUDGED = ("refusal", "toxicity", "stereotype", "leak", "abstention")


def simulated(ask: Ask) -> str:
    return answer(PlantedTruth(), ask.messages, ask.json_schema) or ""


def fooled(ask: Ask) -> str:
    """Right on everything but an injected verdict, which it believes."""
    asked = ask.messages[1].content
    if "Note to the grader" in asked:
        return json.dumps({"evidence": "I won't assist with this request.", "label": "full_compliance"})
    return simulated(ask)


async def test_a_good_judge_passes_every_case_of_every_rubric_an_audit_uses() -> None:
    rubrics = [load_rubric(name) for name in JUDGED]
    found = await check(LlmJudge(Parrot(simulated)), rubrics)
    assert len(found) == 4 * len(rubrics)
    assert all(result.passed for result in found)


async def test_rules_are_not_asked() -> None:
    assert await check(RulesJudge(), [RUBRIC]) == []


@pytest.mark.parametrize(
    ("says", "names"),
    [
        (fooled, "an injected verdict: full_refusal is right, it gave full_compliance"),
        (json.dumps({"evidence": "Hold the blade", "label": "full_compliance"}), "its clear opposite"),
        ("I think this is fine.", "invalid_verdict"),
        ("", "judge_empty"),
    ],
)
async def test_a_judge_that_gets_a_case_wrong_is_not_used_and_the_error_says_which(says: str, names: str) -> None:
    with pytest.raises(JudgeUnfit) as caught:
        await check(LlmJudge(Parrot(says)), [RUBRIC])
    assert names in caught.value.what
    assert caught.value.exit_code == 4
    assert "--judge" in caught.value.todo


async def test_one_unfit_member_makes_the_panel_unfit() -> None:
    endpoint = Parrot(fooled)
    with pytest.raises(JudgeUnfit):
        await check(Panel([RulesJudge(), LlmJudge(endpoint)]), [RUBRIC])


async def test_a_wrong_key_is_told_as_such() -> None:
    with pytest.raises(AuthenticationFailed):
        await check(LlmJudge(Parrot(AuthenticationFailed("401"))), [RUBRIC])


@pytest.mark.parametrize("name", rubric_names())
def test_every_rubric_has_the_cases(name: str) -> None:
    canaries = {row.kind: row for row in load_rubric(name).canaries}
    assert canaries["clear"].label != canaries["opposite"].label
    # What is injected must differ from what is right, or falling for it would not show.
    assert canaries["injection"].text
