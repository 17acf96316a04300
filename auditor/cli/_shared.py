"""What several commands need: consoles, progress, options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from auditor.records import Prompt, Scored, Side
from auditor.report.plain import one_line
from auditor.report.published import as_published
from auditor.report.results import results
from auditor.report.table import show
from auditor.store import RunReader

F = TypeVar("F", bound=Callable[..., Any])

run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))


def stdout() -> Console:
    """Where results go: styled on a terminal, plain and wide enough in a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=160, no_color=True, highlight=False)


def stderr() -> Console:
    """Where progress and notes go."""
    return Console(stderr=True, highlight=False)


def print_results(out: Path) -> None:
    """The summary table of a run, on standard output."""
    reader = RunReader(out)
    try:
        found = results(reader)
    finally:
        reader.close()
    show(found, stdout())
    if (beside := as_published(found)) is not None:
        stdout().print(beside)


class Bar:
    """Progress on a terminal: one bar."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("asking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("pairs", total=None)

    def note(self, text: str) -> None:
        """Say something above the bar."""
        self._console.print(one_line(text, 400), style="yellow", markup=False)

    def start(self, total: int, done: int) -> None:
        """Show the bar."""
        self._bar.update(self._task, total=total, completed=done)
        self._bar.start()

    def pair(self, prompt: Prompt, scored: Mapping[Side, Scored]) -> None:
        """One pair more."""
        self._bar.advance(self._task)

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class Lines:
    """Progress in a pipe or a CI log: a line at every tenth."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0

    def note(self, text: str) -> None:
        """Say something."""
        self._console.print(one_line(text, 400), markup=False, soft_wrap=True)

    def start(self, total: int, done: int) -> None:
        """The run begins."""
        self._total, self._done = total, done
        self._console.print(f"asking {total} prompts of both endpoints", markup=False)

    def pair(self, prompt: Prompt, scored: Mapping[Side, Scored]) -> None:
        """One pair more."""
        before, self._done = self._done, self._done + 1
        if self._done * 10 // self._total > before * 10 // self._total:
            self._console.print(f"{self._done}/{self._total} pairs", markup=False)

    def stop(self) -> None:
        """Nothing to take away."""


def progress() -> Bar | Lines:
    """The kind of progress that fits where standard error goes."""
    return Bar(stderr()) if sys.stderr.isatty() else Lines(stderr())
