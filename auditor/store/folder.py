"""A run is a folder: the frozen plan, one SQLite file and a log."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import IO

from auditor.errors import RunError
from auditor.store.migrations import MIGRATIONS, migrate

DATABASE = "run.sqlite"
PLAN = "plan.json"
LOG = "run.log"
LOCK = "run.lock"


class RunFolder:
    """Names the files of a run and guards that one process writes at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / DATABASE

    @property
    def log(self) -> Path:
        """The log file."""
        return self.path / LOG

    def plan_json(self) -> bytes | None:
        """The frozen plan, or None if this folder holds no run yet."""
        plan = self.path / PLAN
        return plan.read_bytes() if plan.exists() else None

    def claim(self) -> None:
        """Make the folder and become its only writer. Raises RunError if another process writes here, or the folder
        holds something that is not a run.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file, not a folder.", "Name another folder with --out.")
        if self.path.is_dir() and any(self.path.iterdir()) and not (self.path / PLAN).exists():
            leftovers = {entry.name for entry in self.path.iterdir()} - {LOCK, LOG, DATABASE}
            if leftovers:
                raise RunError(
                    f"{self.path} exists and is not a run (it holds {min(leftovers)}).",
                    "Name an empty or new folder with --out.",
                )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / LOCK).open("w")
        except OSError as error:
            raise RunError(f"Can't write to {self.path}: {error.strerror}.", "Name a writable folder.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RunError(
                f"Another process is writing to {self.path}.",
                "Wait for it, stop it, or name another folder with --out; `auditor view` can watch it.",
            ) from error

    def freeze(self, plan_json: bytes) -> None:
        """Write the plan once; atomic, so that a killed process leaves all of it or nothing."""
        draft = self.path / f"{PLAN}.{os.getpid()}"
        draft.write_bytes(plan_json)
        draft.replace(self.path / PLAN)

    def release(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _has_writer(self) -> bool:
        """Whether a process holds the folder."""
        try:
            with (self.path / LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def open_writer(self) -> sqlite3.Connection:
        """The one connection that writes."""
        connection = sqlite3.connect(self.database, isolation_level="DEFERRED")
        connection.execute("PRAGMA journal_mode=WAL")
        # A commit survives a killed process; only a power cut may lose the last ones, which are then asked again.
        connection.execute("PRAGMA synchronous=NORMAL")
        # 16 MB between two moments in which everything waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        migrate(connection)
        return connection

    def open_reader(self) -> sqlite3.Connection:
        """A connection that can't write. Raises RunError if there is no run here."""
        if not self.database.exists() or not (self.path / PLAN).exists():
            raise RunError(
                f"{self.path} holds no run." if self.path.exists() else f"{self.path} does not exist.",
                "Give the folder that was named with `auditor run --out`.",
            )
        # A finished run on a read-only disk has no writer to watch for, and SQLite could not make its side files there.
        mode = "mode=ro" if os.access(self.path, os.W_OK) else "immutable=1"
        connection = sqlite3.connect(f"{self.database.absolute().as_uri()}?{mode}", uri=True, check_same_thread=False)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise RunError(f"{self.database} is not a run's database.", "Restore it or run again.") from error
        if version == 0 and self._has_writer():
            # Its writer is about to make the tables; a reader that made them, too, would break it.
            connection.close()
            raise RunError(f"The run in {self.path} is just being made.", "Try again in a moment.")
        if version != len(MIGRATIONS):
            connection.close()
            if version > len(MIGRATIONS):
                raise RunError(
                    f"This run was written by a newer auditor (schema {version}, this one knows {len(MIGRATIONS)}).",
                    "Upgrade auditor: pip install -U auditor",
                )
            # An older run is brought up to date by its one writer, then read.
            try:
                self.open_writer().close()
            except sqlite3.OperationalError as error:
                raise RunError(
                    f"This run was written by an older auditor and {self.path} can't be written to bring it up to date.",
                    "Copy the folder to where it can be written.",
                ) from error
            return self.open_reader()
        return connection
