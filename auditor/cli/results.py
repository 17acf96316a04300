"""``auditor results``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from auditor.cli._shared import print_results, run_argument
from auditor.report.results import results
from auditor.store import RunReader


@click.command()
@run_argument
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema auditor.results/1.")
def command(run: Path, as_json: bool) -> None:
    """Show the findings of RUN as a table, or as JSON."""
    if not as_json:
        print_results(run)
        return
    reader = RunReader(run)
    try:
        click.echo(msgspec.json.format(msgspec.json.encode(results(reader)), indent=2).decode())
    finally:
        reader.close()
