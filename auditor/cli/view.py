"""``auditor view``."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli._shared import run_argument


@click.command()
@run_argument
def command(run: Path) -> None:
    """Browse RUN in the terminal: overview, records, and both answers side by side."""
    from auditor.tui import browse

    browse(run)
