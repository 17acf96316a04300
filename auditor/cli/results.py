"""``auditor results``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from auditor.cli._shared import print_results, run_argument
from auditor.report.plain import harmless
from auditor.report.results import results
from auditor.store import RunReader


@click.command()
@run_argument
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema auditor.results/1.")
@click.option(
    "--verify",
    "check",
    is_flag=True,
    help="Recompute every decision from the stored scores and their order; 2 if not so.",
)
def command(run: Path, as_json: bool, check: bool) -> None:
    """Show the findings of RUN as a table, or as JSON."""
    if check:
        sys.exit(_verify(run))
    if not as_json:
        print_results(run)
        return
    reader = RunReader(run)
    try:
        click.echo(msgspec.json.format(msgspec.json.encode(results(reader)), indent=2).decode())
    finally:
        reader.close()


def _verify(run: Path) -> int:
    from auditor.audit.verify import verify

    found = verify(run)
    differing = {text.split(".")[0].split(":")[0] for text in found.differences}
    for name, decision in found.decisions.items():
        click.echo(f"{name:<11} {decision:<13} {'DIFFERS' if name in differing else 'as stored'}")
    for text in found.differences:
        click.echo(f"  {harmless(text)}")
    for note in found.notes:
        click.echo(harmless(note))
    if found.differences:
        click.echo(
            "What is stored is not what the scores give: findings, scores, plan or order were changed.", err=True
        )
        return 2
    click.echo(f"{len(found.decisions)} decisions recomputed from the stored scores: all as stored.")
    return 0
