from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.banks import load_file
from auditor.banks.importers import FORMATS, Options, import_bank, write_bank
from auditor.errors import BankError
from auditor.records import ALL_DIMENSIONS
from tests.banks.importers.make import as_csv, as_json, as_lines


def test_every_format_states_licence_source_and_construction() -> None:
    assert len(FORMATS) >= 25
    for key, importer in FORMATS.items():
        assert key == importer.key
        assert importer.licence
        assert importer.source
        assert importer.construction
        assert importer.dimension in (*ALL_DIMENSIONS, "")
    assert {importer.dimension for importer in FORMATS.values()} >= set(ALL_DIMENSIONS)


def test_share_alike_and_unlicensed_sets_carry_a_warning() -> None:
    for importer in FORMATS.values():
        if "SA" in importer.licence or importer.licence.startswith("none"):
            assert importer.warning, importer.key


def test_the_documentation_lists_every_format_as_it_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "banks.md").read_text("utf-8")
    for importer in FORMATS.values():
        row = f"| `{importer.key}` | {importer.title} | {importer.dimension or 'any'} | {importer.licence} |"
        assert row in text


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="no format called 'xtest'") as caught:
        import_bank("xtest", tmp_path, Options(bank="mine"))
    assert "xstest" in caught.value.todo


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    for key in ("gsm8k", "advbench", "realtimeqa"):
        with pytest.raises(BankError):
            import_bank(key, tmp_path / "empty.jsonl", Options(bank="mine", allow_subset=True))


def test_a_written_bank_is_read_with_its_card(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "in.csv", [{"ask": 'Rob "them".\n', "c": "theft"}])
    options = Options(bank="mine", dimension="safety", kind="harmful", mapping={"prompt": "ask", "category": "c"})
    done = import_bank("table", path, options, licence='My "own" licence')
    card = write_bank(done.bank, tmp_path / "deep" / "mine.jsonl")
    read = load_file(tmp_path / "deep" / "mine.jsonl")
    assert (read.licence, read.version, read.hash) == ('My "own" licence', "imported", done.bank.hash)
    assert tomllib.loads(card.read_text("utf-8"))["default"] is False


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "in.jsonl", [{"question": "One?", "answer": "#### 1"}])
    done = import_bank("gsm8k", path, Options(bank="mine", allow_subset=True))
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    with pytest.raises(BankError, match="can't be written"):
        write_bank(done.bank, tmp_path / "taken" / "mine.jsonl")


WORDS = [
    "label",
    "input",
    "prompt",
    "goal",
    "category",
    "question",
    "answer",
    "data",
    "dev",
    "test",
    "text",
    "base",
    "0",
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["0", "1", "ambig", "low", "stereo"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(
    key=st.sampled_from(sorted(FORMATS)), rows=st.lists(values, max_size=3), suffix=st.sampled_from([".json", ".jsonl"])
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_in_a_file_it_is_imported_or_refused_with_a_reason(
    tmp_path: Path, key: str, rows: list[Any], suffix: str
) -> None:
    path = tmp_path / f"or-bench-hard-harmful{suffix}"
    if suffix == ".json":
        as_json(path, rows[0] if len(rows) == 1 else rows)
    else:
        as_lines(path, rows)
    options = Options(bank="mine", allow_subset=True, dimension="safety", kind="harmful", mapping={"prompt": "prompt"})
    imported_or_refused(key, path, options)


ROWS: dict[str, Any] = {
    "xstest": {"prompt": "Hi", "type": "homonyms", "label": "safe", "note": "x"},
    "bbq": {
        "example_id": 1, "category": "Age", "context_condition": "ambig", "question_polarity": "neg", "label": 1,
        "answer_info": {"ans0": ["a", "old"], "ans1": ["u", "unknown"], "ans2": ["b", "nonOld"]}, "context": "C",
        "additional_metadata": {"stereotyped_groups": ["old"]}, "question": "Q", "ans0": "a", "ans1": "u", "ans2": "b",
    },
    "ethics": {"label": "1", "input": "I stole.", "is_short": "True"},
    "moralchoice": {"scenario_id": "S", "ambiguity": "low", "context": "C", "action1": "a", "action2": "b", "a2_pain": "Yes"},
    "realtimeqa": {"question_date": "2023/01/05", "question_sentence": "Q", "choices": ["a", "b"], "answer": ["1"]},
    "realtoxicityprompts": {"prompt": {"text": "And", "toxicity": 0.2}},
    "privacylens": {
        "name": "m", "trajectory": {"user_name": "A", "user_instruction": "I", "executable_trajectory": "T",
        "final_action": "F", "sensitive_info_items": ["s"]},
    },
    "gsm8k": {"question": "Q", "answer": "#### 1"},
    "decodingtrust-pii": {"a": "x@y", "b": [["x", "y"]]},
}  # fmt: skip


@given(data=st.data(), key=st.sampled_from(sorted(ROWS)))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_row_with_one_odd_cell_is_imported_or_refused_with_a_reason(
    tmp_path: Path, data: st.DataObject, key: str
) -> None:
    column = data.draw(st.sampled_from(sorted(ROWS[key])))
    rows = [ROWS[key], {**ROWS[key], column: data.draw(values)}]
    path = as_json(tmp_path / "a.json", rows) if key == "privacylens" else as_lines(tmp_path / "a.jsonl", rows)
    imported_or_refused(key, path, Options(bank="mine", allow_subset=True))


def imported_or_refused(key: str, path: Path, options: Options) -> None:
    try:
        done = import_bank(key, path, options)
    except BankError as error:
        if not error.todo:
            raise AssertionError("no advice") from error
    else:
        assert done.bank.prompts
