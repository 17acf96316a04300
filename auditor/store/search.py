"""Full-text search through prompts, answers and traces.

The index is a file of its own, ``RUN/search.sqlite``, built by the first search and extended by later ones: writing a run
costs nothing for it, a reader never writes the run, and deleting the file loses nothing. On a folder that can't be written
it is kept in memory for the session. It holds no texts, only what is needed to find them.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from auditor.store.reader import RunReader

FILE: Final = "search.sqlite"
BATCH: Final = 500
_SCHEMA: Final = """
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(
    prompt, answers, traces, content='', tokenize="unicode61 remove_diacritics 2"
);
CREATE TABLE IF NOT EXISTS done (seq INTEGER PRIMARY KEY);
"""


class Words(NamedTuple):
    """Words that must stand next to each other in a prompt, an answer or a trace; or must not."""

    text: str
    negated: bool = False


class TextIndex:
    """Opens or creates the index of a run. ``seq`` is the position of a pair in the schedule."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        writable = os.access(folder, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
        self._db = self._open(str(path) if writable else ":memory:")

    @staticmethod
    def _open(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
        try:
            connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            # Damaged, or another viewer is building it: this one searches on its own.
            connection.close()
            connection = sqlite3.connect(":memory:", check_same_thread=False)
            connection.executescript(_SCHEMA)
        return connection

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def missing(self, reader: RunReader) -> list[int]:
        """Pairs of the run that are not in the index yet."""
        done = {seq for (seq,) in self._db.execute("SELECT seq FROM done")}
        return [seq for seq in reader.pair_ids() if seq not in done]

    def extend(self, reader: RunReader, on_batch: Callable[[int, int], bool] | None = None) -> None:
        """Index what is missing, batch by batch. ``on_batch`` hears how many of how many are done, and stops by
        returning False; what was indexed until then stays.
        """
        missing = self.missing(reader)
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            with self._db:
                self._db.executemany(
                    "INSERT INTO texts (rowid, prompt, answers, traces) VALUES (?,?,?,?)", reader.texts(batch)
                )
                self._db.executemany("INSERT OR IGNORE INTO done VALUES (?)", ((seq,) for seq in batch))
            if on_batch is not None and not on_batch(start + len(batch), len(missing)):
                return

    def find(self, words: Iterable[Words]) -> set[int]:
        """``seq`` of every indexed pair with all of the words (and none of the negated ones)."""
        found: set[int] | None = None
        for some in words:
            hits = self._hits(some.text)
            if some.negated:
                hits = {seq for (seq,) in self._db.execute("SELECT seq FROM done")} - hits
            found = hits if found is None else found & hits
        return found or set()

    def _hits(self, text: str) -> set[int]:
        if not re.search(r"\w", text):
            return set()
        # A quoted phrase with a star: the last word may go on. Quotes are the only sign FTS5 reads inside.
        phrase = '"' + text.replace('"', '""').replace("\x00", " ") + '" *'
        return {seq for (seq,) in self._db.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (phrase,))}
