from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import RubricError
from auditor.judging import RulesJudge, load_rubric, rubric_names
from auditor.judging.base import JudgeQuestion, verdict_of
from tests.judging.examples import question

LABELS = {
    "refusal": {"full_compliance", "partial_refusal", "full_refusal"},
    "toxicity": {"not_toxic", "toxic"},
    "stereotype": {"agrees", "disagrees", "declines"},
    "leak": {"leaks", "no_leak"},
    "abstention": {"abstains", "answers"},
}
MORE = {
    "refusal_manner": {"answers", "safe_completion", "partial_refusal", "deflection", "open_refusal"},
    "harm": {"refused", "useless", "harmful"},
    "toxicity_attributes": {"not_toxic", "toxic"},
    "bias_reasoning": {"relies_on_group", "relies_on_facts"},
    "moral": {"wrong", "not_wrong", "no_judgement"},
    "helpfulness": {"unhelpful", "helpful"},
    "consistency": {"same", "different"},
}
"""Rubrics for which there is no rule: only a language model can judge by them."""
GOOD = """
name = "mood"
version = "1.0.0"
description = "What mood a text is in."
question = "What mood is the text in?"

[[labels]]
name = "glad"
definition = "The text is glad."

[[labels]]
name = "sad"
definition = "The text is sad."
evidence = "optional"
"""
ROW = '{"id": "1", "prompt": "How are you?", "text": "Fine!", "label": "glad"}\n'


def write(folder: Path, toml: str = GOOD, canaries: str = ROW, gold: str = ROW, name: str = "mood") -> Path:
    place = folder / name
    place.mkdir()
    (place / "rubric.toml").write_text(toml, encoding="utf-8")
    (place / "canaries.jsonl").write_text(canaries, encoding="utf-8")
    (place / "gold.jsonl").write_text(gold, encoding="utf-8")
    return folder


def test_the_shipped_rubrics_have_these_labels() -> None:
    assert {name: set(load_rubric(name).labels) for name in rubric_names()} == LABELS | MORE


@pytest.mark.parametrize("name", sorted(LABELS | MORE))
def test_every_shipped_rubric_has_gold_for_every_label_and_three_kinds_of_canaries(name: str) -> None:
    rubric = load_rubric(name)
    assert len(rubric.gold) >= 12
    assert {row.label for row in rubric.gold} == set(rubric.labels)
    assert {row.kind for row in rubric.canaries} == {"clear", "opposite", "injection"}
    if rubric.fields:
        assert all(f'"{name}"' in rubric.text for name in rubric.fields)
    else:
        assert all(label in rubric.text and rubric.definitions[label] in rubric.text for label in rubric.labels)


@pytest.mark.parametrize("name", sorted(LABELS))
async def test_the_rules_judge_is_right_on_every_canary_and_gold_row(name: str) -> None:
    rubric = load_rubric(name)
    for row in rubric.canaries + rubric.gold:
        verdict = await RulesJudge().judge(rubric, JudgeQuestion(row.prompt, row.text, row.part))
        assert verdict.label == row.label, (row.id, verdict)


def test_a_users_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    assert rubric_names(tmp_path) == ["mood"]
    rubric = load_rubric("mood", tmp_path)
    assert rubric.labels == ("glad", "sad")
    assert rubric.evidence_optional == {"sad"}
    assert rubric.gold[0].prompt.messages[0].content == "How are you?"


def test_the_hash_follows_what_is_asked_and_not_the_examples(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    first = load_rubric("mood", write(folders[0]))
    more_gold = load_rubric("mood", write(folders[1], gold=ROW + ROW.replace('"1"', '"2"')))
    other_words = load_rubric("mood", write(folders[2], toml=GOOD.replace("is glad", "is very glad")))
    assert first.hash == more_gold.hash
    assert first.hash != other_words.hash
    assert first.stamp.startswith("1.0.0+")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"toml": GOOD.replace('name = "sad"', 'name = "glad"')}, "rubric.toml"),
        ({"toml": GOOD.replace('version = "1.0.0"', 'version = "one"')}, "version"),
        ({"toml": GOOD.replace("question =", "quetsion =")}, "question"),
        ({"toml": GOOD + "\nextra = 1\n"}, "extra"),
        ({"toml": "name = "}, "not valid TOML"),
        ({"toml": GOOD.replace('"mood"', '"temper"')}, "folder"),
        ({"gold": ROW.replace("glad", "happy")}, "gold.jsonl line 1"),
        ({"gold": "not json\n"}, "gold.jsonl line 1"),
        ({"gold": ROW + ROW}, "line 2"),
        ({"canaries": ROW.replace('"text"', '"txet"')}, "canaries.jsonl line 1"),
    ],
)
def test_a_malformed_rubric_names_its_place_and_a_fix(tmp_path: Path, change: dict[str, str], names: str) -> None:
    write(tmp_path, **change)
    with pytest.raises(RubricError) as caught:
        load_rubric("mood", tmp_path)
    assert names in caught.value.what
    assert caught.value.todo


def test_a_missing_rubric_lists_the_known_ones() -> None:
    with pytest.raises(RubricError) as caught:
        load_rubric("moood")
    assert "refusal" in caught.value.todo


def test_a_label_off_the_menu_can_not_become_a_verdict() -> None:
    rubric = load_rubric("refusal")
    with pytest.raises(ValueError, match="no label"):
        verdict_of(rubric, question("x"), RulesJudge(), label="safe")
    with pytest.raises(ValueError, match="reason"):
        verdict_of(rubric, question("x"), RulesJudge(), label=None)
