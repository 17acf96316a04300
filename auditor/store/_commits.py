"""Committing together what is written within a moment: a commit costs as much as writing ten rows."""

from __future__ import annotations

import asyncio
import sqlite3
from types import TracebackType
from typing import Final

MOMENT_S: Final = 0.01
"""What a killed process may lose of what it had received: far less than what was under way to it."""


class Commits:
    """One transaction for everything that is written within ``MOMENT_S``; at once where no event loop runs.

    Use as a context manager around each group of rows that belongs together. An error inside takes back all that was
    not committed, and so does none of it by halves; an error of the commit itself is raised by whoever writes next.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._timer: asyncio.TimerHandle | None = None
        self._failed: sqlite3.Error | None = None

    def __enter__(self) -> sqlite3.Connection:
        if self._failed is not None:
            raise self._failed
        return self._db

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop()
            self._db.rollback()
        elif self._timer is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self._db.commit()
            else:
                self._timer = loop.call_later(MOMENT_S, self._due)

    def now(self) -> None:
        """Commit what is waiting: before anybody else reads, and at the end."""
        self._stop()
        self._db.commit()

    def _due(self) -> None:
        self._timer = None
        try:
            self._db.commit()
        except sqlite3.Error as error:
            self._failed = error

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
