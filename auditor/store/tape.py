"""The run's tape inside the run's database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from auditor.records import Exchange
from auditor.store._commits import Commits
from auditor.store._pack import expand, squeeze

_COLUMNS = "key, endpoint, method, path, sample, status, headers, request, response, elapsed_s"


class RunTape:
    """Reads and writes exchanges by key. ``commits`` are those of who writes; a reader needs none."""

    def __init__(self, connection: sqlite3.Connection, commits: Commits | None = None) -> None:
        self._db = connection
        self._commits = commits or Commits(connection)

    def get(self, key: str) -> Exchange | None:
        """The exchange recorded under this key, or None."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM tape WHERE key = ?", (key,)).fetchone()
        return None if row is None else _exchange(row)

    def put(self, exchange: Exchange) -> None:
        """Record an exchange, replacing an older one of the same key; durable against a killed process a moment later."""
        with self._commits as db:
            db.execute(
                f"INSERT OR REPLACE INTO tape ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",
                (
                    exchange.key,
                    exchange.endpoint,
                    exchange.method,
                    exchange.path,
                    exchange.sample,
                    exchange.status,
                    msgspec.json.encode(exchange.headers),
                    squeeze(exchange.request),
                    squeeze(exchange.response),
                    exchange.elapsed_s,
                ),
            )

    def candidates(self, endpoint: str, path: str) -> Iterator[Exchange]:
        """Recorded exchanges of one place, for telling the nearest one on a miss."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM tape WHERE endpoint = ? AND path = ?", (endpoint, path))
        return (_exchange(row) for row in rows)

    def keys(self) -> Iterable[str]:
        """All keys, in order of recording."""
        return [key for (key,) in self._db.execute("SELECT key FROM tape ORDER BY rowid")]

    def exchanges(self) -> Iterator[Exchange]:
        """Every exchange in order of its key, so that two equal tapes export equally."""
        return (_exchange(row) for row in self._db.execute(f"SELECT {_COLUMNS} FROM tape ORDER BY key"))


def _exchange(row: tuple[str, str, str, str, int, int, bytes, bytes, bytes, float]) -> Exchange:
    key, endpoint, method, path, sample, status, headers, request, response, elapsed_s = row
    return Exchange(
        key=key,
        endpoint=endpoint,
        method=method,
        path=path,
        request=expand(request),
        sample=sample,
        status=status,
        headers=msgspec.json.decode(headers, type=dict[str, str]),
        response=expand(response),
        elapsed_s=elapsed_s,
    )
