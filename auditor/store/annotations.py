"""What people add to a run: stars, overrides of verdicts, blinded labels, comments, and where they left the browser.

They live in a file of their own, ``RUN/annotations.sqlite``, so that a reader never writes the run itself: annotating works
beside a running audit. Records are append-only: taking something back is another record, and a trigger refuses anything
else. On a folder that can't be written, they are read (or kept for this session only) and :attr:`Annotations.saved` is False.
"""

from __future__ import annotations

import getpass
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from auditor.records import Part, Side

FILE: Final = "annotations.sqlite"

Kind = Literal["star", "override", "label", "comment"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS annotations (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    prompt_id TEXT NOT NULL,
    side TEXT NOT NULL,
    part TEXT NOT NULL,
    rubric TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    reason TEXT NOT NULL,
    undoes INTEGER REFERENCES annotations (id)
);
CREATE INDEX IF NOT EXISTS annotations_place ON annotations (kind, prompt_id);
CREATE TRIGGER IF NOT EXISTS annotations_kept BEFORE UPDATE ON annotations
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
CREATE TRIGGER IF NOT EXISTS annotations_stay BEFORE DELETE ON annotations
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
_COLUMNS: Final = "id, at, who, kind, prompt_id, side, part, rubric, old, new, reason, undoes"


class Annotation(msgspec.Struct, frozen=True):
    """One thing somebody said about a prompt, or about one part of one side's reply.

    ``at`` in unix seconds. ``old`` is what stood there before (a judge's label, an earlier annotation), ``new`` what stands
    there now; an empty ``new`` takes it away. ``undoes`` names the record that this one takes back.
    """

    id: int
    at: float
    who: str
    kind: Kind
    prompt_id: str
    side: Side | Literal[""]
    part: Part | Literal[""]
    rubric: str
    old: str
    new: str
    reason: str
    undoes: int | None

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What it is about: prompt, side, part, rubric."""
        return self.prompt_id, self.side, self.part, self.rubric


class Annotations:
    """Opens or creates the annotations of a run's folder."""

    def __init__(self, folder: Path, *, who: str = "", clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.who = who or _login()
        path = folder / FILE
        self.saved = os.access(path if path.exists() else folder, os.W_OK) and os.access(folder, os.W_OK)
        if self.saved:
            self._db = sqlite3.connect(path, timeout=5, check_same_thread=False)
        else:
            self._db = sqlite3.connect(":memory:", check_same_thread=False)
            if path.exists():
                kept = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
                kept.backup(self._db)
                kept.close()
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(
        self,
        kind: Kind,
        prompt_id: str,
        new: str,
        *,
        side: Side | Literal[""] = "",
        part: Part | Literal[""] = "",
        rubric: str = "",
        old: str = "",
        reason: str = "",
        undoes: int | None = None,
    ) -> Annotation:
        """Append a record and return it."""
        row = (self._clock(), self.who, kind, prompt_id, side, part, rubric, old, new, reason, undoes)
        with self._db:
            cursor = self._db.execute(
                f"INSERT INTO annotations ({_COLUMNS.removeprefix('id, ')}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", row
            )
        return Annotation(int(cursor.lastrowid or 0), *row)

    def undo(self, kind: Kind) -> Annotation | None:
        """Take back one's own last record of a kind that is still in force, by appending what it replaced. Returns the
        new record, or None if there is nothing to take back.
        """
        undone: set[int] = set()
        for last in self._read("WHERE kind = ? AND who = ? ORDER BY id DESC", (kind, self.who)):
            if last.undoes is not None:
                undone |= {last.undoes, last.id}
            if last.id not in undone:
                before = self._before(last)
                return self.add(
                    kind,
                    last.prompt_id,
                    before.new if before is not None else "",
                    side=last.side,
                    part=last.part,
                    rubric=last.rubric,
                    old=last.new,
                    reason="undo",
                    undoes=last.id,
                )
        return None

    def current(self, kind: Kind) -> dict[tuple[str, str, str, str], Annotation]:
        """What is in force, by place; what was taken away is left out."""
        latest = {found.place: found for found in self._read("WHERE kind = ? ORDER BY id", (kind,))}
        return {place: found for place, found in latest.items() if found.new}

    def prompts(self, kind: Kind) -> set[str]:
        """Prompts with an annotation of this kind in force."""
        return {place[0] for place in self.current(kind)}

    def history(self, prompt_id: str | None = None) -> list[Annotation]:
        """Every record, of one prompt or of all, the oldest first."""
        if prompt_id is None:
            return list(self._read("ORDER BY id", ()))
        return list(self._read("WHERE prompt_id = ? ORDER BY id", (prompt_id,)))

    def state(self, key: str) -> Any:
        """A remembered JSON value, or None."""
        row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def put_state(self, key: str, value: Any) -> None:
        """Remember a JSON value: where somebody left the browser, not a statement about the run."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, msgspec.json.encode(value)))

    def _before(self, found: Annotation) -> Annotation | None:
        rows = self._read(
            "WHERE kind = ? AND prompt_id = ? AND side = ? AND part = ? AND rubric = ? AND id < ? ORDER BY id DESC LIMIT 1",
            (found.kind, *found.place, found.id),
        )
        return next(rows, None)

    def _read(self, rest: str, parameters: tuple[Any, ...]) -> Iterator[Annotation]:
        for row in self._db.execute(f"SELECT {_COLUMNS} FROM annotations {rest}", parameters).fetchall():
            yield Annotation(*row)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
