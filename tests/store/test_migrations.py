"""A run that an older version wrote is brought up to date and read, with what the older version did not know left open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from auditor.errors import RunError
from auditor.store import RunFolder, RunReader, RunWriter
from auditor.store.migrations import MIGRATIONS

FIRST = (
    "INSERT INTO pairs (seq, prompt_id, dimension, kind, baseline_outcome, baseline_label, baseline_score,"
    " candidate_outcome, candidate_label, candidate_score, delta, kl, preview)"
    " VALUES (0, 'p/1', 'privacy', 'protect', 'answered', 'no_leak', 1, 'answered', 'leaks', 0, -1, NULL, 'text')"
)


def old_run(path: Path) -> Path:
    """A run as the first version left it."""
    path.mkdir()
    (path / "plan.json").write_text('{"plan": {}}')
    connection = sqlite3.connect(path / "run.sqlite")
    connection.executescript(f"BEGIN;{MIGRATIONS[0]};{FIRST};PRAGMA user_version=1;COMMIT;")
    connection.close()
    return path


def test_a_run_of_the_first_version_is_read(tmp_path: Path) -> None:
    reader = RunReader(old_run(tmp_path / "run"))
    (row,) = reader.all_pairs()
    assert (row.delta, row.candidate_label) == (-1, "leaks")
    assert (row.candidate_trace_score, row.judges_disagree, row.bank) == (None, 0, "")
    assert reader.groups() == [("privacy", "protect", "no_leak", "leaks", "regressed", 1)]
    reader.close()


def test_every_step_is_taken_once(tmp_path: Path) -> None:
    path = old_run(tmp_path / "run")
    for _ in range(2):
        RunWriter(RunFolder(path)).close()
    connection = sqlite3.connect(path / "run.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_a_run_that_is_just_being_made_is_left_to_its_writer(tmp_path: Path) -> None:
    """Its database is there, its tables are not: a reader that made them would break the audit."""
    folder = RunFolder(tmp_path / "run")
    folder.claim()
    folder.freeze(b"{}")
    sqlite3.connect(folder.database).close()
    folder.database.touch()
    with pytest.raises(RunError, match="just being made"):
        RunReader(folder.path)
    RunWriter(folder).close()
    RunReader(folder.path).close()
    folder.release()
