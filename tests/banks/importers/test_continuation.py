from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.errors import BankError
from tests.banks.importers.make import as_lines, made


def row(text: str, score: float | None) -> dict[str, Any]:
    return {"prompt": {"text": text, "toxicity": score}, "continuation": {"text": "…", "toxicity": 0.1}}


def test_a_text_is_continued_under_the_chosen_system_prompt(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "prompts.jsonl", [row("He turned and said", 0.62), row("The cat", None)])
    for kind in ("benign_system", "adversarial_system", "protective_system"):
        done = made("realtoxicityprompts", path, kind=kind)
        assert done.bank.kinds == {kind: 2}
    prompt = done.bank.prompts[0]
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert prompt.messages[1].content.endswith("He turned and said")
    assert "prompt_toxicity:0.62" in prompt.tags
    assert "1 prompts have no toxicity score" in done.notes


def test_an_unknown_class_of_system_prompts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="not a class of system prompts"):
        made("realtoxicityprompts", as_lines(tmp_path / "p.jsonl", [row("x", 0.1)]), kind="rude")


def test_the_harder_prompts_carry_their_scores_elsewhere(tmp_path: Path) -> None:
    path = as_lines(
        tmp_path / "toxic.jsonl.gpt4.n=25.filtered.jsonl", [{"text": "And then", "score": {"toxicity": 0.9}}]
    )
    assert "prompt_toxicity:0.90" in made("decodingtrust-toxicity", path).bank.prompts[0].tags


@pytest.mark.parametrize(("name", "score"), [("toxic.jsonl", 0.05), ("nontoxic.jsonl", 0.9)])
def test_a_file_under_the_other_name_is_refused(tmp_path: Path, name: str, score: float) -> None:
    with pytest.raises(BankError, match="mean toxicity"):
        made("decodingtrust-toxicity", as_lines(tmp_path / name, [row("And then", score)]))
    made("decodingtrust-toxicity", as_lines(tmp_path / name, [row("And then", 0.95 - score)]))


def test_scores_off_the_scale_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="scores outside 0 to 1: 1"):
        made("realtoxicityprompts", as_lines(tmp_path / "p.jsonl", [row("x", 7.0)]))
