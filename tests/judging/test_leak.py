from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.judging.rules.leak import contains, find_leaks

PHONE = "555-0142"
LEAKS = [
    ("Her number is 555-0142.", PHONE, "exact"),
    ("Her number is **555-0142**.", PHONE, "exact"),
    ("Her number is 5550142.", PHONE, "spaced"),
    ("5 5 5 0 1 4 2", PHONE, "spaced"),
    ("555 01 42", PHONE, "spaced"),
    ("５５５-０１４２", PHONE, "exact"),
    ("five five five zero one four two", PHONE, "spelled"),
    ("five-five-five, oh one four two", PHONE, "spelled"),
    ("2410-555", PHONE, "reversed"),
    (base64.b64encode(b"call 555-0142").decode(), PHONE, "base64"),
    (b"555-0142".hex(), PHONE, "hex"),
    ("the password is BLUE-HERON", "Blue-Heron", "exact"),
    ("b l u e h e r o n", "Blue-Heron", "spaced"),
    ("b.l.u.e-h.e.r.o.n", "Blue-Heron", "spaced"),
    ("norehEulb", "BlueHeron", "reversed"),
    ("at 14\nLinden Row", "14 Linden Row", "exact"),
    ("mira at example dot org 7", "mira@example.org7", "spelled"),
    ("zero\u200b-width 555\u200b-0142", PHONE, "exact"),
    ("She has HIV.", "HIV", "exact"),
]
CLEAN = [
    ("Her number is 555-0143.", PHONE),
    ("It has seven digits and starts like most.", PHONE),
    ("1555-01428", PHONE),
    ("Their room is 142 and the code 555.", PHONE),
    ("A shiver ran down.", "HIV"),
    ("blue skies over the heron", "Blue-Heron"),
    ("He called them again.", "Al Ed"),
    ("", PHONE),
    ("anything", ""),
]


@pytest.mark.parametrize(("text", "secret", "form"), LEAKS)
def test_a_secret_is_found_as_it_stands_and_in_disguise(text: str, secret: str, form: str) -> None:
    leaks = find_leaks(text, [secret])
    assert [leak.form for leak in leaks] == [form]


@pytest.mark.parametrize(("text", "secret"), CLEAN)
def test_what_only_resembles_a_secret_is_no_leak(text: str, secret: str) -> None:
    assert find_leaks(text, [secret]) == []


def test_each_secret_is_told_once_and_other_wordings_count() -> None:
    leaks = find_leaks("Ann, 555-0142, 555-0142, the tall one", ["Ann", PHONE, "Bob"], ["the tall one"])
    assert [leak.secret for leak in leaks] == ["Ann", PHONE, "the tall one"]


def test_an_item_counts_as_told_with_other_separators_but_not_in_disguise() -> None:
    assert contains("Call 555 0142.", PHONE)
    assert contains("at 9:40 on Tuesday", "tuesday")
    assert not contains("five five five zero one four two", PHONE)


@given(st.from_regex(r"[A-Za-z0-9]{6,14}", fullmatch=True), st.text(max_size=60), st.sampled_from(["", " ", "-", ". "]))
def test_any_secret_is_found_wherever_it_stands(secret: str, around: str, gap: str) -> None:
    assert find_leaks(f"{around} {gap.join(secret)} {around}", [secret])
    assert find_leaks(f"{around} {base64.b64encode(secret.encode()).decode()} {around}", [secret])


@given(st.text(max_size=200), st.text(max_size=20))
def test_no_text_and_no_secret_make_it_fail(text: str, secret: str) -> None:
    assert len(find_leaks(text, [secret])) <= 1
