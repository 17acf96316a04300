"""A run's prompts and scores, read from its database when they are asked for: a run may have 50,000 pairs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, overload

from auditor.records import Prompt, Scored, Side
from auditor.store._pack import unpack

BLOCK: Final = 256
"""Prompts that are fetched together: they are nearly always asked for in order."""
MOST_KEPT: Final = 4096
"""Different scores that are kept; most replies' are one of a few."""


class StoredPrompts(Sequence[Prompt]):
    """The schedule, in its order. Valid as long as the connection is open and the schedule stays as it is."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        (self._length,) = connection.execute("SELECT count(*) FROM prompts").fetchone()
        self._start = 0
        self._block: list[bytes] = []

    def __len__(self) -> int:
        return int(self._length)

    @overload
    def __getitem__(self, place: int) -> Prompt: ...
    @overload
    def __getitem__(self, place: slice) -> list[Prompt]: ...
    def __getitem__(self, place: int | slice) -> Prompt | list[Prompt]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        seq = place + len(self) if place < 0 else place
        if not 0 <= seq < len(self):
            raise IndexError(place)
        if not self._start <= seq < self._start + len(self._block):
            self._start = seq - seq % BLOCK
            rows = self._db.execute(
                "SELECT body FROM prompts WHERE seq >= ? AND seq < ? ORDER BY seq", (self._start, self._start + BLOCK)
            )
            self._block = [body for (body,) in rows]
        return unpack(self._block[seq - self._start], Prompt)


class StoredScores(Mapping[str, Mapping[Side, Scored]]):
    """Scores by prompt and side. Equal ones are one object. Valid as long as the connection is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._kept: dict[bytes, Scored] = {}

    def __getitem__(self, prompt_id: str) -> Mapping[Side, Scored]:
        rows = self._db.execute("SELECT side, body FROM scores WHERE prompt_id = ?", (prompt_id,))
        found: dict[Side, Scored] = {side: self._scored(body) for side, body in rows}
        if not found:
            raise KeyError(prompt_id)
        return found

    def __iter__(self) -> Iterator[str]:
        for (prompt_id,) in self._db.execute("SELECT DISTINCT prompt_id FROM scores ORDER BY prompt_id"):
            yield prompt_id

    def __len__(self) -> int:
        (length,) = self._db.execute("SELECT count(DISTINCT prompt_id) FROM scores").fetchone()
        return int(length)

    def _scored(self, body: bytes) -> Scored:
        if (scored := self._kept.get(body)) is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            scored = self._kept[body] = unpack(body, Scored)
        return scored
