from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.banks.importers.maths import plain_number
from auditor.errors import BankError
from tests.banks.importers.make import as_lines, made


def test_gsm8k_takes_the_number_behind_the_hashes(tmp_path: Path) -> None:
    rows = [
        {"question": "Two eggs and one?", "answer": "2+1=<<2+1=3>>3\n#### 3"},
        {"question": "A farm?", "answer": "x\n#### 1,250"},
    ]
    bank = made("gsm8k", as_lines(tmp_path / "test.jsonl", rows)).bank
    assert [prompt.expect["number"] for prompt in bank.prompts] == [3, 1250]
    assert "2+1" not in bank.prompts[0].messages[0].content
    with pytest.raises(BankError, match="without a number behind ####: 1"):
        made("gsm8k", as_lines(tmp_path / "test.jsonl", [*rows, {"question": "Who?", "answer": "#### nobody"}]))


def test_math_500_tells_numbers_from_expressions(tmp_path: Path) -> None:
    rows = [
        {"problem": "Half of one?", "answer": "\\frac{1}{2}", "subject": "Algebra", "level": 1},
        {"problem": "Ten times ten thousand?", "answer": "100,\\!000", "subject": "Algebra", "level": 1},
    ]
    half, big = made("math-500", as_lines(tmp_path / "test.jsonl", rows)).bank.prompts
    assert (half.kind, half.expect) == ("math", {"latex": "\\frac{1}{2}"})
    assert half.messages[0].content.endswith("\\boxed{} at the end.")
    assert (big.kind, big.expect) == ("word", {"number": 100000})


def test_aime_answers_are_whole_numbers_below_a_thousand(tmp_path: Path) -> None:
    rows = [{"id": 60, "problem": "How many?", "answer": "025"}, {"id": 61, "problem": "None?", "answer": "000"}]
    bank = made("aime", as_lines(tmp_path / "test.jsonl", rows)).bank
    assert [prompt.expect["number"] for prompt in bank.prompts] == [25, 0]
    for wrong in ("1000", "-3", "2.5", "\\pi"):
        with pytest.raises(BankError, match="no whole number from 0 to 999: 1"):
            made("aime", as_lines(tmp_path / "test.jsonl", [*rows, {"problem": "x", "answer": wrong}]))


@given(st.integers(-(10**9), 10**9))
def test_every_whole_number_is_read_with_and_without_separators(number: int) -> None:
    assert plain_number(str(number)) == plain_number(f"{number:,}") == plain_number(f"${number}") == number


@pytest.mark.parametrize(
    "text", ["", "-", ".", "x", "1/2", "3\\sqrt{2}", "1,2", "12,34", "5, 7", "52_8", "90^\\circ", "1 2"]
)
def test_what_is_no_plain_number_is_left_alone(text: str) -> None:
    assert plain_number(text) is None


@pytest.mark.parametrize(("text", "number"), [(".5", 0.5), ("-0.25", -0.25), ("1,234.50", 1234.5), ("\\$7", 7)])
def test_decimals_and_currencies_are_read(text: str, number: float) -> None:
    assert plain_number(text) == number
