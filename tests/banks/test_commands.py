"""``auditor banks`` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auditor.banks import bank_names, load_file
from auditor.cli.banks import command
from auditor.errors import BankError
from tests.banks.importers.make import as_csv, as_lines


def banks(*args: str) -> Result:
    return CliRunner().invoke(command, args)


def test_list_has_the_documented_shape() -> None:
    rows = json.loads(banks("list", "--json").output)
    assert [row["bank"] for row in rows] == bank_names()
    for row in rows:
        assert list(row) == ["bank", "dimension", "prompts", "clusters", "licence", "version", "hash"]
        assert isinstance(row["prompts"], int)


def test_lint_reports_each_problem_once(tmp_path: Path) -> None:
    line = {
        "id": "mine/a",
        "dimension": "capability",
        "bank": "mine",
        "kind": "word",
        "messages": [{"role": "user", "content": "Is it 42?"}],
        "expect": {"number": 42},
    }
    result = banks("lint", str(as_lines(tmp_path / "mine.jsonl", [line])))
    assert result.exit_code == 2
    assert result.output.count("leakage") == 1
    assert "1 prompts in 1 banks, 1 problems" in result.output


def test_import_writes_a_bank_and_tells_what_was_checked(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "test.jsonl", [{"question": "One and one?", "answer": "#### 2"}])
    out = tmp_path / "My Maths.jsonl"
    result = banks("import", "gsm8k", str(path), "--out", str(out), "--allow-subset")
    assert result.exit_code == 0, result.output
    for told in ("licence    MIT", "source     github.com", "1, of 1319", "word 1"):
        assert told in result.output
    assert load_file(out).name == "my-maths"


def test_import_refuses_what_is_not_as_published(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "test.jsonl", [{"question": "One and one?", "answer": "#### 2"}])
    result = banks("import", "gsm8k", str(path), "--out", str(tmp_path / "out.jsonl"))
    assert isinstance(result.exception, BankError)
    assert not (tmp_path / "out.jsonl").exists()


def test_import_of_a_table_takes_mappings(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "a.csv", [{"question": "Was it right?", "gold": "0"}])
    out = tmp_path / "mine.jsonl"
    args = ["--dimension", "ethics", "--kind", "judgement", "--map", "prompt=question", "--map", "answer=gold"]
    result = banks(
        "import", "table", str(path), *args, "--label", "0=not wrong", "--licence", "CC0-1.0", "--out", str(out)
    )
    assert result.exit_code == 0, result.output
    assert load_file(out).prompts[0].expect == {"answer": "not wrong"}
    assert load_file(out).licence == "CC0-1.0"


def test_formats_are_listed_with_their_licences() -> None:
    result = banks("import", "--formats")
    assert result.exit_code == 0
    assert "crows-pairs" in result.output
    assert "CC-BY-SA-4.0" in result.output


@pytest.mark.parametrize(
    "args",
    [
        ["import"],
        ["import", "gsm8k"],
        ["import", "gsm8k", "x", "--out", "x.csv"],
        ["import", "table", "x", "--map", "prompt"],
    ],
)
def test_slips_are_usage_errors(args: list[str]) -> None:
    assert banks(*args).exit_code == 2
