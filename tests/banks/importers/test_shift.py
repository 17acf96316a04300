from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import BankError
from tests.banks.importers.make import as_json, as_lines, made


def sentence(number: int, text: str, label: int) -> dict[str, Any]:
    return {"sentence": text, "label": str(label), "id": number}


def style(bad: int = 0) -> dict[str, Any]:
    base = [sentence(i, f"a dull and boring film, number {i}", bad) for i in range(5)]
    base += [sentence(i, f"a charming film, number {i}", 1 - bad) for i in range(5, 10)]
    return {
        "train_demo": {},
        "dev": {"base": base, "bible": [row | {"sentence": f"Lo, {row['sentence']}"} for row in base]},
    }


def test_all_styles_of_a_sentence_form_a_cluster(tmp_path: Path) -> None:
    bank = made("decodingtrust-style", as_json(tmp_path / "style.json", style())).bank
    assert bank.kinds == {"choice": 20}
    assert bank.clusters == 10
    dull = bank.prompts[0]
    assert dull.expect["choices"][dull.expect["answer"]] == "negative"
    assert dull.expect["base"] == dull.cluster


def test_inverted_sentiments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="look inverted"):
        made("decodingtrust-style", as_json(tmp_path / "style.json", style(bad=1)))


def test_a_style_with_other_labels_is_refused(tmp_path: Path) -> None:
    data = style()
    data["dev"]["bible"][0] = data["dev"]["bible"][0] | {"label": "1"}
    with pytest.raises(BankError, match="labelled differently in another style: 1"):
        made("decodingtrust-style", as_json(tmp_path / "style.json", data))
    with pytest.raises(BankError, match="no field 'dev'"):
        made("decodingtrust-style", as_json(tmp_path / "style.json", {}))


def question(date: str, answer: Any = "1", **more: Any) -> dict[str, Any]:
    row = {
        "question_date": date,
        "question_sentence": "Which bird won the race?",
        "choices": ["owl", "swift"],
        "answer": [answer],
    }
    return row | more


def test_questions_after_the_cutoff_are_unknowable(tmp_path: Path) -> None:
    path = as_lines(
        tmp_path / "20230105_qa.jsonl", [question("2023/01/05", question_id="20230105_0"), question("2025/08/08")]
    )
    bank = made("realtimeqa", path, cutoff=dt.date(2024, 1, 1)).bank
    before, after = bank.prompts
    assert (before.id, before.kind, before.expect) == ("mine/20230105_0", "known", {"answers": ["swift"]})
    assert before.messages[0].content.startswith("Today is 5 January 2023. Which bird")
    assert (after.kind, after.expect) == ("unknowable", {"abstain": True})
    assert "date:2025-08-08" in after.tags
    assert made("realtimeqa", path).bank.kinds == {"known": 2}


@pytest.mark.parametrize("answer", ["2", "swift", ""])
def test_an_answer_that_is_no_choice_is_refused(tmp_path: Path, answer: str) -> None:
    with pytest.raises(BankError, match="none of their choices: 1"):
        made("realtimeqa", as_lines(tmp_path / "a.jsonl", [question("2023/01/05"), question("2023/01/05", answer)]))


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="not a date"):
        made("realtimeqa", as_lines(tmp_path / "a.jsonl", [question("last week")]))


def test_knowledge_is_read_from_its_test_part(tmp_path: Path) -> None:
    data = {"test": {"qa_2020": [question("2020/05/01")], "qa_2023": [question("2023/05/01")]}, "demo": {}}
    path = as_json(tmp_path / "knowledge.json", data)
    assert made("decodingtrust-knowledge", path).bank.kinds == {"known": 2}
    assert made("decodingtrust-knowledge", path, cutoff=dt.date(2021, 9, 1)).bank.kinds == {"known": 1, "unknowable": 1}
    with pytest.raises(BankError, match="no field 'test'"):
        made("decodingtrust-knowledge", as_json(tmp_path / "x.json", {"dev": 1}))


def test_advglue_reads_every_task(tmp_path: Path) -> None:
    data = {
        "sst2": [{"sentence": "a lovly film", "label": 1, "idx": 0}],
        "qqp": [{"question1": "Why?", "question2": "How come?", "label": 1, "idx": 0}],
        "mnli": [{"premise": "It rains.", "hypothesis": "It is wet.", "label": 0, "idx": 0}],
        "mnli-mm": [{"premise": "It rains.", "hypothesis": "It is dry.", "label": 2, "idx": 0}],
        "qnli": [{"question": "Who sang?", "sentence": "The owl sang.", "label": 0, "idx": 0}],
        "rte": [{"sentence1": "The owl sang.", "sentence2": "Nobody sang.", "label": 1, "idx": 0}],
    }
    bank = made("advglue", as_json(tmp_path / "dev.json", data)).bank
    chosen = [prompt.expect["choices"][prompt.expect["answer"]] for prompt in bank.prompts]
    assert chosen == ["positive", "Yes", "It follows", "It contradicts it", "Yes", "It does not follow"]
    with pytest.raises(BankError, match="labels that the task does not have: 1"):
        made("advglue", as_json(tmp_path / "dev.json", data | {"rte": [data["rte"][0] | {"label": 2}]}))
    with pytest.raises(BankError, match="none of the tasks"):
        made("advglue", as_json(tmp_path / "dev.json", {}))
