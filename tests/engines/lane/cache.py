"""The folder outside the checkout that keeps engines and models between runs, and the stamps that say what is in it.

A *step* is one folder of the cache with a recipe: everything that determines its content (versions, commands, the
source of the scripts). The stamp holds the hash of that recipe and is written last, so a step that was interrupted has
no stamp and is built again, and so is one whose recipe changed. A file lock per step keeps two runs from building it at
once, and keeps a run with other recipes from rebuilding what this one uses.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import platformdirs

__all__ = [
    "CACHE_VARIABLE",
    "EngineLaneError",
    "StoppedError",
    "cache_root",
    "log_tail",
    "recipe_hash",
    "run_logged",
    "step",
    "stop_running",
]

CACHE_VARIABLE = "AUDITOR_ENGINES_CACHE"

_log = logging.getLogger("auditor.engines")


class EngineLaneError(RuntimeError):
    """An engine could not be built or started; the message says why and shows the end of the log."""


def cache_root() -> Path:
    """Return the cache folder: `$AUDITOR_ENGINES_CACHE`, else this user's cache folder for `auditor-engines`."""
    named = os.environ.get(CACHE_VARIABLE)
    root = Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("auditor-engines"))
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    return root


def recipe_hash(recipe: Mapping[str, object], sources: Sequence[Path] = ()) -> str:
    """Hash a step's recipe: its JSON-able facts, the machine it was made for and the source files that make it."""
    facts = {
        "recipe": recipe,
        "machine": f"{platform.system()} {platform.machine()} python {platform.python_version()}",
        "sources": {source.name: hashlib.sha256(source.read_bytes()).hexdigest() for source in sources},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def step(root: Path, name: str, recipe: str, make: Callable[[Path], None], held: contextlib.ExitStack) -> Path:
    """Return the folder of a step, built by `make(folder)` unless the stamp says that this recipe is already there.

    The step stays locked against rebuilding until `held` is closed. The system lets go of a lock when its process ends,
    however it ends.
    """
    folder, stamp = root / name, root / f"{name}.stamp"

    def is_there() -> bool:
        return folder.is_dir() and stamp.is_file() and stamp.read_text() == recipe

    handle = held.enter_context((root / f"{name}.lock").open("a"))
    while True:
        _lock(handle, fcntl.LOCK_SH)
        if is_there():
            _log.info("%s: in %s", name, folder)
            return folder
        # From shared to exclusive and back is not one motion: whoever comes between may have built it, or another.
        _lock(handle, fcntl.LOCK_EX)
        if not is_there():
            _build(folder, stamp, recipe, make)


def _lock(handle: IO[str], kind: int) -> None:
    """Take or change a lock on a file; say so when that takes waiting."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        _log.info("waiting for another run that holds %s", handle.name)
        fcntl.flock(handle, kind)


def _build(folder: Path, stamp: Path, recipe: str, make: Callable[[Path], None]) -> None:
    """Build a step from an empty folder, and stamp it."""
    stamp.unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _log.info("%s: building in %s", folder.name, folder)
    began = time.monotonic()
    make(folder)
    # Written aside and renamed, so that a stamp is whole or absent even when the disk fills up.
    draft = stamp.with_suffix(".stamp-draft")
    draft.write_text(recipe)
    draft.replace(stamp)
    _log.info("%s: built in %.0f s", folder.name, time.monotonic() - began)


def log_tail(log: Path, lines: int = 40) -> str:
    """Return the last lines of a log file."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


class _Running:
    """The commands that run now, so that leaving the lane early does not have to wait for a compiler."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.processes: set[subprocess.Popen[bytes]] = set()
        self.stopping = False


_running = _Running()


class StoppedError(Exception):
    """The lane was left while a command ran; no fault of the command, so nothing may try something else instead."""


@contextlib.contextmanager
def stop_running() -> Iterator[None]:
    """Stop the commands that run now, and let none start while the context lasts."""
    with _running.lock:
        _running.stopping = True
        for process in _running.processes:
            process.terminate()
    try:
        yield
    finally:
        _running.stopping = False


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a command with its output appended to a log; raise with the log's tail when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    with log.open("ab") as sink:
        sink.write(f"\n$ {' '.join(words)}\n".encode())
        sink.flush()
        try:
            with _running.lock:
                if _running.stopping:
                    raise StoppedError
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env=None if env is None else {**os.environ, **env},
                    cwd=cwd,
                )
                _running.processes.add(process)
        except OSError as error:
            raise EngineLaneError(f"could not start {words[0]}: {error}") from error
        try:
            code = process.wait()
        finally:
            with _running.lock:
                _running.processes.discard(process)
    if _running.stopping:
        raise StoppedError
    if code != 0:
        raise EngineLaneError(
            f"`{' '.join(words[:4])} …` ended with exit code {code}; the end of {log}:\n{log_tail(log)}"
        )
