"""The terminal UI: a reader of a run's folder. Nothing here asks an endpoint or writes a run."""

from __future__ import annotations

from pathlib import Path


def browse(path: Path) -> None:
    """Open a run and stay until the user leaves. Raises RunError if there is none."""
    from auditor.store import RunReader
    from auditor.tui.app import AuditorApp

    reader = RunReader(path)
    try:
        AuditorApp(reader).run()
    finally:
        reader.close()
