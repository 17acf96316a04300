from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.judging.latex import same_expression


@pytest.mark.parametrize(
    ("text", "latex", "same"),
    [
        (r"So we get $\boxed{\frac{3}{4}}$.", r"\frac{3}{4}", True),
        (r"\boxed{\dfrac34}", r"\frac{3}{4}", True),
        (r"\boxed{0.75}", r"\frac{3}{4}", True),
        (r"The answer is $2\sqrt{3}$.", r"2\sqrt3", True),
        (r"\boxed{\left( 3, \frac{\pi}{2} \right)}", r"(3,\frac{\pi}{2})", True),
        (r"$\boxed{x = 5}$", "5", True),
        (r"\boxed{90^\circ}", "90", True),
        (r"First \boxed{1}, no: \boxed{\sqrt{2}}", r"\sqrt{2}", True),
        (r"\boxed{\frac{4}{3}}", r"\frac{3}{4}", False),
        (r"\boxed{3\sqrt{2}}", r"2\sqrt{3}", False),
        (r"<think>\boxed{1}</think>\boxed{2}", "1", False),
        ("I can't say.", r"\sqrt{2}", None),
        ("", "1", None),
    ],
)
def test_expressions_are_compared_up_to_notation(text: str, latex: str, same: bool | None) -> None:
    assert same_expression(text, latex) is same


@given(st.text(max_size=200), st.text(alphabet="\\{}frac123$ ", max_size=60))
def test_any_text_is_read(text: str, latex: str) -> None:
    assert same_expression(text + latex, latex) in {True, False, None}
