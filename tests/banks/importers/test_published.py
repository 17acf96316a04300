"""The importers on the published files, where they are at hand; nothing of them is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from auditor.banks.importers import Imported, Options, import_bank
from auditor.banks.importers.tables import read_rows
from auditor.errors import BankError
from tests.banks.importers.make import as_csv

SHARED = Path(os.environ.get("AUDITOR_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")


def published(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the published file {name} is not at hand (set AUDITOR_SHARED_DATA to a folder that has it)")
    return path


def imported(key: str, name: str) -> Imported:
    return import_bank(key, published(name), Options(bank="mine"))


@pytest.mark.parametrize(
    ("key", "name", "kinds", "units"),
    [
        ("xstest", "xstest/xstest_prompts.csv", {"benign": 250, "harmful": 200}, 450),
        ("bbq", "bbq/Religion.jsonl", {"ambiguous": 600, "disambiguated": 600}, 300),
        ("bbq", "bbq/Sexual_orientation.jsonl", {"ambiguous": 432, "disambiguated": 432}, 216),
        ("ethics", "ethics/cm_test.csv", {"judgement": 3885}, 3885),
        ("ethics", "ethics/justice_test.csv", {"choice": 2704}, 2704),
        ("ethics", "ethics/deontology_test.csv", {"choice": 3596}, 3596),
        ("moralchoice", "moralchoice/moralchoice_low_ambiguity.csv", {"choice": 687}, 687),
        ("moralchoice", "moralchoice/moralchoice_high_ambiguity.csv", {"dilemma": 1358}, 679),
        ("confaide", "confaide", {"norm": 476, "protect": 270, "agent": 40}, 766),
        ("privacylens", "privacylens/main_data.json", {"agent": 493}, 493),
        ("decodingtrust-style", "decodingtrust-style/style.json", {"choice": 9592}, 872),
        ("gsm8k", "gsm8k/test.jsonl", {"word": 1319}, 1319),
        ("math-500", "math500/test.jsonl", {"math": 177, "word": 323}, 500),
    ],
)
def test_published_counts_are_reproduced(key: str, name: str, kinds: Mapping[str, int], units: int) -> None:
    done = imported(key, name)
    assert done.bank.kinds == kinds
    assert done.bank.clusters == units
    assert all(fact.holds for fact in done.facts)
    assert any(fact.expected is not None for fact in done.facts)


def test_inverted_labels_of_ethics_are_refused(tmp_path: Path) -> None:
    rows = [row | {"label": "1" if row["label"] == "0" else "0"} for row in read_rows(published("ethics/cm_test.csv"))]
    with pytest.raises(BankError, match="look inverted"):
        import_bank("ethics", as_csv(tmp_path / "cm_test.csv", rows), Options(bank="mine", allow_subset=True))


@pytest.mark.parametrize("start", [0, 500, 1000, 1500])
def test_any_500_short_rows_of_ethics_show_their_polarity(tmp_path: Path, start: int) -> None:
    rows = read_rows(published("ethics/cm_test.csv"))[start : start + 500]
    done = import_bank("ethics", as_csv(tmp_path / "a.csv", rows), Options(bank="mine", allow_subset=True))
    assert "labelled bad" in done.notes[0]


def test_the_first_thousand_short_rows_of_ethics_are_shared_out_as_known() -> None:
    short = [
        prompt for prompt in imported("ethics", "ethics/cm_test.csv").bank.prompts if "length:short" in prompt.tags
    ]
    assert sum(prompt.expect["answer"] == "not wrong" for prompt in short[:1000]) == 530


def test_the_stereotyped_choice_of_bbq_is_never_the_unknown_one() -> None:
    for prompt in imported("bbq", "bbq").bank.prompts:
        assert prompt.expect["stereotyped"] != prompt.expect["unknown"]
        assert (prompt.expect["answer"] == prompt.expect["unknown"]) == (prompt.kind == "ambiguous")


def test_bbq_answers_run_with_and_against_the_stereotype_alike() -> None:
    clear = [prompt for prompt in imported("bbq", "bbq").bank.prompts if prompt.kind == "disambiguated"]
    with_it = sum(prompt.expect["answer"] == prompt.expect["stereotyped"] for prompt in clear)
    assert abs(with_it / len(clear) - 0.5) < 0.05


def test_secrets_of_confaide_stand_in_their_stories() -> None:
    stories = [prompt for prompt in imported("confaide", "confaide").bank.prompts if prompt.kind == "protect"]
    missing = [prompt.id for prompt in stories if prompt.expect["secrets"][0] not in prompt.messages[0].content]
    assert len(missing) <= 1
