"""The schema as numbered steps. A step that has been released is never edited: append a new one."""

from __future__ import annotations

import sqlite3
from typing import Final

from auditor.errors import RunError

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE prompts (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        dimension TEXT NOT NULL,
        bank TEXT NOT NULL,
        kind TEXT NOT NULL,
        unit TEXT NOT NULL,
        body BLOB NOT NULL
    );
    CREATE TABLE tape (
        key TEXT PRIMARY KEY,
        endpoint TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        sample INTEGER NOT NULL,
        status INTEGER NOT NULL,
        headers BLOB NOT NULL,
        request BLOB NOT NULL,
        response BLOB NOT NULL,
        elapsed_s REAL NOT NULL
    );
    CREATE INDEX tape_place ON tape (endpoint, path);
    CREATE TABLE replies (
        prompt_id TEXT NOT NULL,
        side TEXT NOT NULL,
        sample INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (prompt_id, side, sample)
    );
    CREATE TABLE verdicts (
        prompt_id TEXT NOT NULL,
        side TEXT NOT NULL,
        part TEXT NOT NULL,
        rubric TEXT NOT NULL,
        judge TEXT NOT NULL,
        label TEXT,
        body BLOB NOT NULL,
        PRIMARY KEY (prompt_id, side, part, rubric, judge)
    );
    CREATE TABLE scores (
        prompt_id TEXT NOT NULL,
        side TEXT NOT NULL,
        outcome TEXT NOT NULL,
        label TEXT NOT NULL,
        score REAL,
        body BLOB NOT NULL,
        PRIMARY KEY (prompt_id, side)
    );
    CREATE TABLE first_tokens (
        prompt_id TEXT NOT NULL,
        side TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (prompt_id, side)
    );
    CREATE TABLE pairs (
        seq INTEGER PRIMARY KEY,
        prompt_id TEXT NOT NULL UNIQUE,
        dimension TEXT NOT NULL,
        kind TEXT NOT NULL,
        baseline_outcome TEXT NOT NULL,
        baseline_label TEXT NOT NULL,
        baseline_score REAL,
        candidate_outcome TEXT NOT NULL,
        candidate_label TEXT NOT NULL,
        candidate_score REAL,
        delta REAL,
        kl REAL,
        preview TEXT NOT NULL
    );
    CREATE INDEX pairs_dimension ON pairs (dimension, delta);
    CREATE TABLE findings (key TEXT PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        endpoint TEXT NOT NULL,
        purpose TEXT NOT NULL,
        status INTEGER,
        body BLOB NOT NULL
    );
    """,
    # What a reader filters by without decoding a body: the traces' scores, and judges that contradict each other.
    """
    ALTER TABLE pairs ADD COLUMN baseline_trace_label TEXT NOT NULL DEFAULT '';
    ALTER TABLE pairs ADD COLUMN baseline_trace_score REAL;
    ALTER TABLE pairs ADD COLUMN candidate_trace_label TEXT NOT NULL DEFAULT '';
    ALTER TABLE pairs ADD COLUMN candidate_trace_score REAL;
    ALTER TABLE pairs ADD COLUMN judges_disagree INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE pairs ADD COLUMN bank TEXT NOT NULL DEFAULT '';
    CREATE INDEX pairs_worst ON pairs (delta, candidate_trace_score, seq);
    CREATE INDEX pairs_failed ON pairs (dimension) WHERE baseline_outcome = 'error' OR candidate_outcome = 'error';
    """,
    # The two orders a list is opened in, ready: sorting 100,000 pairs takes a fifth of a second, reading an index a tenth of that.
    """
    DROP INDEX pairs_worst;
    CREATE INDEX pairs_worst ON pairs (delta IS NULL, delta, candidate_trace_score IS NULL, candidate_trace_score, seq);
    CREATE INDEX pairs_drift ON pairs (kl IS NULL, kl DESC, seq);
    """,
    # Decisions at the moment they fell. The findings stand apart: they are made when the run ends.
    """
    CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        dimension TEXT NOT NULL,
        decision TEXT NOT NULL,
        pairs INTEGER NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (dimension, decision, pairs)
    );
    CREATE TRIGGER decisions_kept BEFORE UPDATE ON decisions
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
    CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
    """,
    # What each call cost, and which question it was made for. Also from here on: long bodies compressed with zstd.
    """
    ALTER TABLE ledger ADD COLUMN key BLOB NOT NULL DEFAULT x'';
    ALTER TABLE ledger ADD COLUMN usd REAL;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database up to date. Raises RunError if a newer version of the program wrote it."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise RunError(
            f"This run was written by a newer auditor (schema {version}, this one knows {len(MIGRATIONS)}).",
            "Upgrade auditor: pip install -U auditor",
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN;{script};PRAGMA user_version={number};COMMIT;")
