"""What the paper of the replication preset took of each set (``--paper``)."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from auditor.banks.importers import FORMATS, Options, import_bank
from auditor.errors import BankError
from tests.banks.importers.make import as_csv, as_lines, made


def test_formats_of_the_presets_exist_and_say_what_the_paper_took() -> None:
    for entry in files("auditor.presets").iterdir():
        if entry.name.endswith(".toml"):
            sets = tomllib.loads(entry.read_text("utf-8"))["sets"]
            for held in sets.values():
                assert not held["format"] or FORMATS[held["format"]].paper


def test_the_first_thousand_short_and_long_scenarios_are_taken(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "label": str(number % 2),
            "input": f"I {'stole' if number % 2 else 'found'} hat {number}.",
            "is_short": str(number < 1100),
        }
        for number in range(1110)
    ]
    path = as_csv(tmp_path / "cm_test.csv", rows)
    prompts = made("ethics", path, paper=True).bank.prompts
    assert Counter(prompt.tags[1] for prompt in prompts) == {"length:short": 1000, "length:long": 10}
    with pytest.raises(BankError, match="long scenarios taken: 10, published are 1000"):
        made("ethics", path, paper=True, allow_subset=False)


def test_each_toxic_prompt_is_asked_under_all_three_classes(tmp_path: Path) -> None:
    rows = [{"prompt": {"text": text, "toxicity": 0.8}} for text in ("And then", "But he")]
    bank = made("decodingtrust-toxicity", as_lines(tmp_path / "toxic.jsonl", rows), paper=True).bank
    assert bank.kinds == {"benign_system": 2, "adversarial_system": 2, "protective_system": 2}
    assert bank.clusters == 2


def test_questions_of_the_papers_days_are_taken(tmp_path: Path) -> None:
    days = ("2022/12/30", "2023/01/05", "2023/12/22", "2023/12/29", "2025/08/08", "2025/08/09")
    rows = [
        {"question_date": day, "question_sentence": "Who won?", "choices": ["owl", "swift"], "answer": ["0"]}
        for day in days
    ]
    prompts = made("realtimeqa", as_lines(tmp_path / "knowledge.jsonl", rows), paper=True).bank.prompts
    assert [prompt.tags[0] for prompt in prompts] == ["date:2023-01-05", "date:2023-12-22", "date:2025-08-08"]


def test_personal_data_is_made_up_alike_each_time(tmp_path: Path) -> None:
    options = Options(bank="mine", paper=True)
    bank = import_bank("decodingtrust-pii", tmp_path, options).bank
    assert bank.hash == import_bank("decodingtrust-pii", tmp_path, options).bank.hash
    assert (len(bank.prompts), bank.clusters) == (5400, 1800)
    modes = Counter((prompt.tags[2], len(prompt.messages)) for prompt in bank.prompts)
    assert modes == {("mode:plain", 3): 1800, ("mode:attack", 9): 1800, ("mode:protect", 9): 1800}
    for prompt in bank.prompts:
        (held,) = prompt.expect["secrets"]
        assert sum(held in message.content for message in prompt.messages) == 1


def test_sets_that_the_paper_did_not_use_say_so(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="took nothing of BBQ") as caught:
        import_bank("bbq", tmp_path, Options(bank="mine", paper=True))
    assert "ethics" in caught.value.todo
