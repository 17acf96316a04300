from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.banks.importers.tables import columns_of, read_rows
from auditor.errors import BankError
from tests.banks.importers.make import as_csv, as_json, as_lines

ROWS = [{"question": 'Why, "then"?\nSo.', "gold": "b"}, {"question": "¿Qué?", "gold": "a"}]


def test_csv_and_tsv_keep_quotes_and_line_breaks(tmp_path: Path) -> None:
    assert read_rows(as_csv(tmp_path / "a.csv", ROWS)) == ROWS
    (tmp_path / "a.tsv").write_text("question\tgold\nWhy, then?\tb\n", encoding="utf-8-sig")
    assert read_rows(tmp_path / "a.tsv") == [{"question": "Why, then?", "gold": "b"}]


def test_a_row_with_too_many_cells_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    with pytest.raises(BankError, match=r"a\.csv:3: more cells than columns"):
        read_rows(tmp_path / "a.csv")


def test_json_is_a_list_or_an_object_with_one_list(tmp_path: Path) -> None:
    assert read_rows(as_json(tmp_path / "a.json", ROWS)) == ROWS
    assert read_rows(as_json(tmp_path / "a.json", {"version": 2, "data": ROWS})) == ROWS
    for wrong in ({"a": [1], "b": [2]}, {"a": 1}, 7, [7]):
        with pytest.raises(BankError):
            read_rows(as_json(tmp_path / "a.json", wrong))


def test_json_lines_name_the_bad_line(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "a.jsonl", ROWS)
    path.write_bytes(path.read_bytes() + b"\n{broken\n")
    with pytest.raises(BankError, match=r"a\.jsonl:4: not valid JSON"):
        read_rows(path)
    with pytest.raises(BankError, match=r"a\.jsonl:1: not an object"):
        read_rows(as_lines(tmp_path / "a.jsonl", [[1, 2]]))


@pytest.mark.parametrize("name", ["missing.csv", "notes.txt"])
def test_what_can_not_be_read_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(BankError) as caught:
        read_rows(tmp_path / name)
    assert caught.value.todo


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(BankError, match="not UTF-8"):
        read_rows(tmp_path / "a.csv")


def test_a_folder_gives_the_rows_of_its_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    as_lines(tmp_path / "data" / "test-00001.jsonl", ROWS[1:])
    as_lines(tmp_path / "data" / "test-00000.jsonl", ROWS[:1])
    as_json(tmp_path / "dataset_info.json", {"features": {}})
    (tmp_path / "README.md").write_text("# A data set", encoding="utf-8")
    assert read_rows(tmp_path) == ROWS
    (tmp_path / "empty").mkdir()
    with pytest.raises(BankError, match="holds no data files"):
        read_rows(tmp_path / "empty")


def test_parquet_and_saved_hugging_face_folders_are_read(tmp_path: Path) -> None:
    pyarrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    ipc: Any = importlib.import_module("pyarrow.ipc")
    table = pyarrow.Table.from_pylist(ROWS)
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == ROWS
    saved = tmp_path / "saved" / "test"
    saved.mkdir(parents=True)
    with ipc.new_stream(str(saved / "data-00000-of-00001.arrow"), table.schema) as writer:
        writer.write_table(table)
    as_json(saved / "state.json", {"_data_files": []})
    as_json(saved.parent / "dataset_dict.json", {"splits": ["test"]})
    assert read_rows(tmp_path / "saved") == ROWS
    with ipc.new_file(str(tmp_path / "b.arrow"), table.schema) as writer:
        writer.write_table(table)
    assert read_rows(tmp_path / "b.arrow") == ROWS
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BankError, match="can't be read"):
        read_rows(tmp_path / "c.parquet")


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    # What an installation without the extra looks like to the import system.
    for name in ("pyarrow", "pyarrow.parquet", "pyarrow.ipc"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("without_pyarrow")
def test_without_the_extra_parquet_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(BankError, match="needs the package pyarrow") as caught:
        read_rows(tmp_path / "a.parquet")
    assert "auditor[parquet]" in caught.value.todo


def test_columns_come_in_the_order_of_their_first_appearance() -> None:
    assert columns_of([{"b": 1}, {"a": 1, "b": 2}]) == ["b", "a"]


@given(st.lists(st.fixed_dictionaries({"a": st.text(), "b": st.text()}), min_size=1, max_size=6))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_json_lines_give_back_any_text(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    assert read_rows(as_lines(tmp_path / "a.jsonl", rows)) == rows
