from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.judging.numbers import final_number, same_number

NUMBERS = [
    ("#### 42", "42"),
    ("Steps 1, 2 and 3.\n#### 1,234", "1234"),
    ("\\boxed{42}", "42"),
    ("So $x = \\boxed{\\frac{3}{4}}$.", "3/4"),
    ("\\boxed{12\\text{ apples}}", "12"),
    ("x = 42.", "42"),
    ("3 + 4 = 7", "7"),
    ("Answer: 6 * 7 = 42", "42"),
    ("The answer is 1,234.50 dollars.", "1234.5"),
    ("The total comes to $1,050.", "1050"),
    ("The answer is **17**.", "17"),
    ("**Answer:** 17 km/h", "17"),
    ("She has 7 apples left.", "7"),
    ("It is 3/4 of the cake.", "3/4"),
    ("1 1/2 cups", "3/2"),
    ("The answer is -5", "-5"),
    ("The answer is −5.", "-5"),
    ("50%", "50"),
    ("1.5e3", "1500"),
    ("seven", "7"),
    ("Answer: twenty-one", "21"),
    ("First 12, then 15. I made a mistake.\n\nThe answer is 16.\n\nActually, the answer is 18.", "18"),
    ("Let me see, 12 apples and 5 pears make 17 fruits.", "17"),
    ("<think>It is 3. No.</think>The answer is 4.", "4"),
    ("950", "950"),
    ("387 + 468 = 855, and 855 + 95 = 950.\n\n950", "950"),
    ("between 3 and 5", None),
    ("The answer is 3 or 4.", None),
    ("He buys 3 and then 4.", None),
    ("I can't tell.", None),
    ("", None),
    ("1/0", None),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_the_final_number(text: str, value: str | None) -> None:
    assert final_number(text) == (None if value is None else Fraction(value))


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(["#### {}", "The answer is {}.", "\\boxed{{{}}}", "I get 3, then 5.\n\n{}", "So 2 + x = {}"]),
)
def test_any_whole_number_is_read_back_with_and_without_separators(value: int, form: str) -> None:
    assert final_number(form.format(value)) == value
    assert final_number(form.format(f"{value:,}")) == value


@given(st.text(max_size=300))
def test_any_text_gives_a_number_or_none(text: str) -> None:
    assert isinstance(final_number(text), Fraction | None)


@given(st.text(alphabet="0123456789.,/-e+ =$%\\{}", max_size=120))
def test_any_heap_of_digits_gives_a_number_or_none(text: str) -> None:
    assert isinstance(final_number(text), Fraction | None)


def test_whole_numbers_must_be_equal_and_decimals_may_be_rounded() -> None:
    assert same_number(Fraction(42), 42)
    assert not same_number(Fraction(43), 42)
    assert not same_number(Fraction("42.001"), 42)
    assert same_number(Fraction("0.33333"), 0.333333)
    assert not same_number(Fraction("0.3"), 0.333333)
