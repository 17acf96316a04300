"""Browsing a run while it goes on: the audit in a process of its own, the browser in this one."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from auditor.errors import AuditorError, UsageError
from auditor.report.plain import harmless
from auditor.store import RunReader

FLAG = "--live"
_LOOK_S = 0.1


def audit_and_browse(arguments: Sequence[str], out: Path, browse: Callable[[Path], None]) -> int:
    """Start ``auditor`` with these arguments but the flag, browse ``out`` as soon as it can be read, then wait for the audit
    and print what it had to say. Its exit code. Raises UsageError without a terminal.

    Leaving the browser does not end the audit; Ctrl-C afterwards does, as it would without a browser.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{FLAG} needs a terminal.", "Leave it out; `auditor view` shows the run from another terminal."
        )
    command = [sys.executable, "-m", "auditor", *(word for word in arguments if word != FLAG)]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        # In a session of its own: a key pressed in the browser is no signal to the audit.
        audit = subprocess.Popen(  # noqa: S603 - this program itself
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        while audit.poll() is None and not _readable(out):
            time.sleep(_LOOK_S)
        if audit.poll() is None:
            browse(out)
        if audit.poll() is None:
            click.echo(
                f"The audit goes on; `auditor view {harmless(str(out))}` shows it again, Ctrl-C stops it.", err=True
            )
        try:
            audit.wait()
        except KeyboardInterrupt:
            audit.send_signal(signal.SIGINT)
            audit.wait()
        said.seek(0)
        click.echo(harmless(said.read()))
    return audit.returncode


def _readable(out: Path) -> bool:
    """Whether the audit has begun, so that there is something to browse."""
    try:
        reader = RunReader(out)
    except (AuditorError, sqlite3.Error):
        return False
    try:
        return bool(reader.meta("status") == "running")
    finally:
        reader.close()
