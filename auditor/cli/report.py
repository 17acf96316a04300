"""``auditor report``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from auditor.cli._shared import run_argument
from auditor.report.markdown import markdown
from auditor.report.results import results
from auditor.store import RunReader


@click.command()
@run_argument
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False, writable=True), help="A file instead of standard output."
)
def command(run: Path, form: str, out: Path | None) -> None:
    """Write the findings of RUN for people (md) or programs (json)."""
    reader = RunReader(run)
    try:
        found = results(reader)
    finally:
        reader.close()
    text = markdown(found) if form == "md" else msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
