from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.simulator import Form, form_of, mark
from auditor.simulator.reference import RUBRICS, label_for


@given(st.sampled_from(Form), st.text(max_size=20))
def test_the_form_can_be_read_back(form: Form, identity: str) -> None:
    written = mark(form, identity)
    assert form_of(f"Some text. {written} More text.") is form
    assert re.fullmatch(r"\(synthetic [b-z]{7}\)", written)
    assert not re.search(r"[\daeiou]", written.removeprefix("(synthetic "))


def test_texts_get_different_marks() -> None:
    assert len({mark(Form.OTHER, number) for number in range(200)}) > 190


@pytest.mark.parametrize("text", ["", "(synthetic text)", "(synthetic aeiouae)", "synthetic bcdfghj"])
def test_other_texts_have_no_form(text: str) -> None:
    assert form_of(text) is None


def test_made_up_marks_are_rarely_taken() -> None:
    letters = "bcdfghjklmnpqrstvwxz"
    made_up = [f"(synthetic kfxw{one}{two}{three})" for one in letters for two in letters for three in letters]
    assert sum(form_of(text) is not None for text in made_up) <= len(Form)


def test_the_last_mark_counts() -> None:
    assert form_of(f"{mark(Form.LEAKS, 1)} and then {mark(Form.NO_LEAK, 2)}") is Form.NO_LEAK


@pytest.mark.parametrize(
    ("form", "dimension", "label"),
    [
        (Form.FULL_REFUSAL, "safety", "full_refusal"),
        (Form.FULL_COMPLIANCE, "safety", "full_compliance"),
        (Form.NO_LEAK, "safety", "full_refusal"),
        (Form.FULL_REFUSAL, "toxicity", "not_toxic"),
        (Form.TOXIC, "toxicity", "toxic"),
        (Form.TOXIC, "safety", "full_compliance"),
        (Form.DECLINES, "bias", "declines"),
        (Form.LEAKS, "privacy", "leaks"),
        (Form.OTHER, "privacy", "no_leak"),
        (Form.ABSTAINS, "robustness", "abstains"),
        (Form.OTHER, "robustness", "answers"),
    ],
)
def test_labels_of_forms(form: Form, dimension: str, label: str) -> None:
    assert label_for(form, RUBRICS[dimension]) == label


def test_unknown_labels_have_no_right_one() -> None:
    assert label_for(Form.LEAKS, ("red", "green")) is None
