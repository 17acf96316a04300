"""The filter language: what it means, what it refuses and how it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.store import PairRow, RunReader
from auditor.tui.listing import Filter, Listing, Mode, Sort
from auditor.tui.query import FIELDS, Term, parse


@pytest.fixture(scope="module")
def reader(made: Path) -> Iterator[RunReader]:
    opened = RunReader(made)
    yield opened
    opened.close()


def rows(reader: RunReader, text: str, mode: Mode = Mode.ALL, **marks: set[str]) -> list[PairRow]:
    listing = Listing(reader, Filter.of(text, mode), marks)
    return [listing.row(i) for i in range(len(listing))]


def test_terms_are_read_with_quotes_minus_and_comparisons() -> None:
    assert parse('dim:privacy  -kind:share kl>0.5 "two words" plain id:"a b"') == (
        Term("dim", ":", "privacy"),
        Term("kind", ":", "share", negated=True),
        Term("kl", ">", "0.5"),
        Term("", "", "two words"),
        Term("", "", "plain"),
        Term("id", ":", "a b"),
    )


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("dimension:privacy", "Did you mean dim:privacy"),
        ("kl>much", "no number"),
        ("dim>3", "no order"),
        ("flip:sideways", "flip: can be regressed"),
        ("judge:maybe", "disagree"),
        ("dim:", "dimension"),
        ("zzz:1", "Known are"),
    ],
)
def test_what_it_cannot_read_it_names_with_a_way_out(text: str, about: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert about in f"{refused.value.what} {refused.value.todo}"


def test_each_field_keeps_what_it_says(reader: RunReader) -> None:
    everything = rows(reader, "")
    checks: dict[str, Callable[[PairRow], object]] = {
        "dim:priv": lambda r: r.dimension == "privacy",
        "dim:privacy,safety": lambda r: r.dimension in ("privacy", "safety"),
        "-dim:privacy": lambda r: r.dimension != "privacy",
        "kind:protect": lambda r: r.kind == "protect",
        "outcome:leak": lambda r: r.candidate_label == "leaks" or r.baseline_label == "leaks",
        "cand:leaks": lambda r: r.candidate_label == "leaks",
        "base:no_leak": lambda r: r.baseline_label == "no_leak",
        "cand:truncated": lambda r: r.candidate_outcome == "truncated",
        "cand<0.5": lambda r: r.candidate_score is not None and r.candidate_score < 0.5,
        "delta<=-1": lambda r: r.delta == -1,
        "kl>0.01": lambda r: r.kl is not None and r.kl > 0.01,
        "-kl>0.01": lambda r: r.kl is None or r.kl <= 0.01,
        "flip:regressed": lambda r: r.delta is not None and r.delta < 0,
        "flip:unscored": lambda r: r.delta is None,
        "is:unscored": lambda r: r.delta is None,
        "trace:bad": lambda r: r.candidate_trace_score == 0.0,
        "trace:none": lambda r: r.candidate_trace_score is None,
        "judge:disagree": lambda r: r.judges_disagree,
        "id:made/003": lambda r: r.prompt_id.endswith("made/003"),
        "bank:ethics": lambda r: r.bank == "ethics-made",
        "dim:privacy flip:regressed": lambda r: r.dimension == "privacy" and (r.delta or 0) < 0,
    }
    for text, keeps in checks.items():
        expected = {row.prompt_id for row in everything if keeps(row)}
        assert {row.prompt_id for row in rows(reader, text)} == expected, text


def test_every_mode_keeps_what_its_name_says(reader: RunReader) -> None:
    everything = rows(reader, "")
    starred = {everything[0].prompt_id, everything[5].prompt_id}
    assert {r.prompt_id for r in rows(reader, "", Mode.STARRED, starred=starred)} == starred
    assert {r.prompt_id for r in rows(reader, "is:starred", starred=starred)} == starred
    assert len(rows(reader, "-is:starred", starred=starred)) == len(everything) - 2
    assert rows(reader, "", Mode.OVERRIDDEN) == []
    assert all(r.delta is None for r in rows(reader, "", Mode.UNSCORED))
    assert all((r.delta or 0) < 0 for r in rows(reader, "", Mode.REGRESSED))
    assert rows(reader, "", Mode.FIXED) == []
    assert rows(reader, "", Mode.BOTH_FAIL) == []


def test_sorts_put_the_unmeasured_last(reader: RunReader) -> None:
    for sort, key in ((Sort.WORST, "delta"), (Sort.BEST, "delta"), (Sort.DRIFT, "kl")):
        listing = Listing(reader, Filter(sort=sort))
        values = [getattr(listing.row(i), key) for i in range(len(listing))]
        measured = [v for v in values if v is not None]
        assert values[: len(measured)] == measured
        assert measured == sorted(measured, reverse=sort is not Sort.WORST)


def test_groups_count_every_pair_once_and_lead_to_their_pairs(reader: RunReader) -> None:
    listing = Listing(reader, Filter.of("dim:privacy,safety"))
    groups = listing.groups()
    assert sum(group.many for group in groups) == len(listing)
    for group in groups:
        assert len(Listing(reader, Filter(Mode.ALL, group.terms()))) == group.many


def test_an_attack_on_the_query_is_only_text(reader: RunReader) -> None:
    assert rows(reader, 'id:"\') OR 1=1 --"') == []
    assert rows(reader, "id:%") == []
    assert rows(reader, "id:_") == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        terms = parse(text)
    except UsageError:
        return
    Filter(Mode.ALL, terms).where({})


@given(
    st.lists(
        st.builds(
            Term,
            st.sampled_from(["dim", "kind", "id", "bank", "outcome"]),
            st.just(":"),
            st.from_regex(r"[a-z_ ]{1,8}[a-z]", fullmatch=True),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_a_filter_reads_back_what_it_writes(terms: list[Term]) -> None:
    assert parse(Filter(terms=tuple(terms)).text) == tuple(terms)


def test_every_field_is_explained() -> None:
    assert all(FIELDS.values())
