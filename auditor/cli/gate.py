"""``auditor gate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from auditor.cli._shared import run_argument
from auditor.gate import INDETERMINATE, PASS, Policy, read_policy, rule
from auditor.report.plain import harmless
from auditor.report.results import results
from auditor.store import RunReader


@click.command()
@run_argument
@click.option(
    "--policy", type=click.Path(path_type=Path, dir_okay=False), help="TOML; docs/gate.md lists its settings."
)
def command(run: Path, policy: Path | None) -> None:
    """Say whether RUN may pass: exit 0 pass, 1 a regression was found, 3 indeterminate."""
    chosen = read_policy(policy) if policy else Policy()
    reader = RunReader(run)
    try:
        ruling = rule(results(reader), chosen)
    finally:
        reader.close()
    word = {PASS: "PASS", INDETERMINATE: "INDETERMINATE"}.get(ruling.exit_code, "REGRESSION")
    click.echo(word)
    for reason in ruling.reasons:
        click.echo(f"  {harmless(reason)}")
    sys.exit(ruling.exit_code)
