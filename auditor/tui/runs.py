"""The runs beside this one, without a screen: the family of a model, audited pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from auditor.errors import AuditorError
from auditor.store import RunReader
from auditor.store.folder import DATABASE, PLAN
from auditor.tui.summary import Cell, Summary, summarise

MOST: Final = 200


def is_run(path: Path) -> bool:
    """Whether a folder holds a run."""
    return (path / PLAN).is_file() and (path / DATABASE).is_file()


def siblings(run: Path) -> Iterator[tuple[Path, Summary]]:
    """Runs in the folder that a run lies in, itself first; what can't be read is left out."""
    run = run.resolve()
    yield from _read(run)
    try:
        others = sorted(path for path in run.parent.iterdir() if path != run and path.is_dir())
    except OSError:
        return
    for path in [other for other in others if is_run(other)][:MOST]:
        yield from _read(path)


def _read(path: Path) -> Iterator[tuple[Path, Summary]]:
    try:
        reader = RunReader(path)
    except AuditorError:
        return
    try:
        yield path, summarise(reader)
    except (KeyError, TypeError):
        # Written by a version whose findings look otherwise: it can't stand in the same table.
        return
    finally:
        reader.close()


def changes(now: Summary, then: Summary) -> list[tuple[str, Cell | None, Cell | None]]:
    """Dimension by dimension, this run's line and the other's."""
    mine, theirs = ({cell.dimension: cell for cell in summary.cells} for summary in (now, then))
    return [(name, mine.get(name), theirs.get(name)) for name in dict.fromkeys([*mine, *theirs])]
