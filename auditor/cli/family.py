"""``auditor family``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from auditor.audit.family import Family, matrix, read_family
from auditor.cli._audit import carry_out
from auditor.cli._shared import stdout
from auditor.errors import AuditorError
from auditor.report.family import render
from auditor.report.plain import harmless
from auditor.report.results import results
from auditor.store import RunReader

MATRIX = "family.json"


@click.command()
@click.argument("family", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="One run folder per pair in here."
)
@click.option("--only", multiple=True, metavar="PAIR", help="Run only this pair; repeat. The matrix shows all.")
@click.option("--json", "as_json", is_flag=True, help="The matrix as JSON.")
def command(family: Path, out: Path, only: tuple[str, ...], as_json: bool) -> None:
    """Audit the pairs of FAMILY.toml alike and show a matrix of conversion by dimension.

    The same command continues where it was broken off: finished pairs are not asked again. A pair whose endpoint fails is
    left open and the others go on; the exit code is then that of the first failure.
    """
    said = read_family(family)
    if unknown := set(only) - {member.name for member in said.members}:
        raise click.UsageError(
            f"no pair is called {min(unknown)!r}; there are {', '.join(m.name for m in said.members)}"
        )
    failures: list[AuditorError] = []
    for member in said.members:
        if only and member.name not in only:
            continue
        click.echo(harmless(f"{member.name}: {member.plan.conversion}, {member.plan.candidate.spec().label}"), err=True)
        try:
            carry_out(member.plan, out / member.name)
        except AuditorError as error:
            click.echo(f"error: {member.name}: {harmless(str(error))}", err=True)
            failures.append(error)
    found = matrix(said, _results(said, out))
    out.mkdir(parents=True, exist_ok=True)
    (out / MATRIX).write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    if as_json:
        click.echo((out / MATRIX).read_text(encoding="utf-8"), nl=False)
    else:
        stdout().print(render(found))
        click.echo(harmless(f"\nstored in {out}: {MATRIX}, and a run for every pair"))
    if failures:
        sys.exit(failures[0].exit_code)


def _results(family: Family, out: Path) -> dict[str, dict[str, Any]]:
    """The results of every pair that has any."""
    found = {}
    for member in family.members:
        if not (out / member.name / "plan.json").exists():
            continue
        reader = RunReader(out / member.name)
        try:
            told = results(reader)
        finally:
            reader.close()
        if told["dimensions"]:
            found[member.name] = told
    return found
