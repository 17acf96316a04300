"""Full-text search through prompts, answers and traces, and through the requests on the tape.

The index is a file of its own, ``RUN/search.sqlite``, built by the first search and extended by later ones: writing a run
costs nothing for it, a reader never writes the run, and deleting the file loses nothing. On a folder that can't be written
it is kept in memory for the session. It holds no texts, only what is needed to find them.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from auditor.records import Exchange
from auditor.store.reader import RunReader

FILE: Final = "search.sqlite"
BATCH: Final = 500
_SCHEMA: Final = """
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(
    prompt, answers, traces, content='', tokenize="unicode61 remove_diacritics 2"
);
CREATE TABLE IF NOT EXISTS done (seq INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE IF NOT EXISTS requests USING fts5(
    words, content='', detail=none, tokenize="unicode61 remove_diacritics 2"
);
CREATE TABLE IF NOT EXISTS read (tape INTEGER NOT NULL);
"""
_MOST_WORDS: Final = 16
# Words that every tokenizer cuts out alike: ASCII, between blanks or ASCII punctuation.
_PLAIN_WORD: Final = re.compile(r"(?:(?<=[\x00-/:-@\[-`{-\x7f])|^)[A-Za-z0-9]+(?=[\x00-/:-@\[-`{-\x7f]|$)")


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

    def exchanges_about(
        self, reader: RunReader, words: str, may_go_on: Callable[[], bool] = lambda: True
    ) -> Iterator[Exchange]:
        """Every recorded exchange whose request holds these words, also inside a longer text (as a judge is asked).

        Those that were indexed before come at once; what was recorded since is read, and indexed on the way, until
        ``may_go_on`` says no.
        """
        wanted = msgspec.json.encode(words)[1:-1]
        last = self._read_to()
        for row in self._rows_with(words):
            if row <= last and (found := reader.exchange_at(row)) is not None and wanted in found.request:
                yield found
        while (batch := reader.requests_after(last, BATCH)) and may_go_on():
            last = batch[-1][0]
            with self._db:
                self._db.executemany(
                    "INSERT INTO requests (rowid, words) VALUES (?,?)", ((row, _strings(body)) for row, body in batch)
                )
                self._db.execute("DELETE FROM read")
                self._db.execute("INSERT INTO read VALUES (?)", (last,))
            for row, body in batch:
                if wanted in body and (found := reader.exchange_at(row)) is not None:
                    yield found

    def _read_to(self) -> int:
        """The last row of the tape that is indexed."""
        row = self._db.execute("SELECT tape FROM read").fetchone()
        return 0 if row is None else int(row[0])

    def _rows_with(self, words: str) -> list[int]:
        """Rows of the tape that may hold these words; all of them if no word can be looked up."""
        plain = list(dict.fromkeys(_PLAIN_WORD.findall(words)))[:_MOST_WORDS]
        if not plain:
            return list(range(1, self._read_to() + 1))
        asked = " AND ".join(f'"{word}"' for word in plain)
        return [row for (row,) in self._db.execute("SELECT rowid FROM requests WHERE requests MATCH ?", (asked,))]

    def _hits(self, text: str) -> set[int]:
        if not re.search(r"\w", text):
            return set()
        # A quoted phrase with a star: the last word may go on. Quotes are the only sign FTS5 reads inside.
        phrase = '"' + text.replace('"', '""').replace("\x00", " ") + '" *'
        return {seq for (seq,) in self._db.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (phrase,))}


def _strings(body: bytes) -> str:
    """Every text in a JSON body."""
    try:
        waiting: list[Any] = [msgspec.json.decode(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")
    found = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return "\n".join(found)
