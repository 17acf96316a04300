"""What people add to a run is kept beside it, append-only, and can be taken back by saying so."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.store import Annotations
from auditor.store.annotations import FILE


def opened(folder: Path, who: str = "tester") -> Annotations:
    ticks = iter(range(1000))
    return Annotations(folder, who=who, clock=lambda: float(next(ticks)))


def test_an_override_is_kept_with_who_when_why_old_and_new(tmp_path: Path) -> None:
    notes = opened(tmp_path)
    notes.add(
        "override", "p/1", "no_leak", side="candidate", part="answer", old="leaks", reason="it is a public address"
    )
    notes.close()
    again = opened(tmp_path)
    (found,) = again.current("override").values()
    assert (found.who, found.at, found.old, found.new) == ("tester", 0.0, "leaks", "no_leak")
    assert found.reason == "it is a public address"
    assert again.prompts("override") == {"p/1"}
    assert again.prompts("star") == set()
    again.close()


def test_undo_is_another_record_and_brings_back_what_was_there(tmp_path: Path) -> None:
    notes = opened(tmp_path)
    notes.add("label", "p/1", "leaks", side="candidate", part="answer", rubric="leak")
    notes.add("label", "p/1", "no_leak", side="candidate", part="answer", rubric="leak")
    notes.undo("label")
    assert [found.new for found in notes.current("label").values()] == ["leaks"]
    notes.undo("label")
    assert notes.current("label") == {}
    assert notes.undo("label") is None
    assert len(notes.history("p/1")) == 4
    notes.close()


def test_one_takes_back_only_what_one_said(tmp_path: Path) -> None:
    mine, theirs = opened(tmp_path), opened(tmp_path, "other")
    mine.add("star", "p/1", "starred")
    assert theirs.undo("star") is None
    assert theirs.prompts("star") == {"p/1"}
    mine.close()
    theirs.close()


def test_records_can_be_neither_changed_nor_removed(tmp_path: Path) -> None:
    notes = opened(tmp_path)
    notes.add("star", "p/1", "starred")
    notes.close()
    raw = sqlite3.connect(tmp_path / FILE)
    for statement in ("UPDATE annotations SET who = 'x'", "DELETE FROM annotations"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
    raw.close()


def test_a_folder_that_cannot_be_written_is_read_and_annotated_for_the_session(tmp_path: Path) -> None:
    notes = opened(tmp_path)
    notes.add("star", "p/1", "starred")
    notes.close()
    elsewhere = opened(tmp_path / "missing")
    assert not elsewhere.saved
    elsewhere.add("star", "p/2", "starred")
    assert elsewhere.prompts("star") == {"p/2"}
    elsewhere.close()


def test_state_is_remembered(tmp_path: Path) -> None:
    notes = opened(tmp_path)
    notes.put_state("filter", {"mode": "ALL"})
    notes.put_state("filter", {"mode": "FIXED"})
    notes.close()
    again = opened(tmp_path)
    assert again.state("filter") == {"mode": "FIXED"}
    assert again.state("nothing") is None
    again.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["add", "undo"]), max_size=12))
def test_undo_walks_back_through_what_was_said(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    notes = opened(tmp_path_factory.mktemp("notes"))
    said: list[str] = []
    for number, step in enumerate(steps):
        if step == "add":
            notes.add("comment", "p/1", f"text {number}")
            said.append(f"text {number}")
        elif said:
            notes.undo("comment")
            said.pop()
    assert [found.new for found in notes.current("comment").values()] == said[-1:]
    notes.close()
