"""``auditor replicate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from auditor.audit.replication import load_preset, plan_of, preset_names, replicated
from auditor.cli._audit import carry_out
from auditor.cli._shared import print_results, stdout
from auditor.errors import PlanError
from auditor.records import ALL_DIMENSIONS, Conversion
from auditor.report.replication import render
from auditor.report.results import results
from auditor.store import RunReader


@click.command()
@click.option("--preset", type=click.Choice(preset_names()), default="reasoning-trust", show_default=True)
@click.option("--baseline", metavar="E", required=True, help="The instruct model.")
@click.option("--candidate", metavar="E", required=True, help="The reasoning model made from it.")
@click.option("--judge", metavar="E|rules", help="Who judges what can't be parsed exactly.  [default: rules]")
@click.option(
    "--conversion", type=click.Choice(get_args(Conversion)), required=True, help="How the candidate was made."
)
@click.option(
    "--parent", "parents", multiple=True, metavar="MODEL", help="What it was made from, nearest first; repeat."
)
@click.option(
    "--bank",
    "banks",
    multiple=True,
    metavar="DIMENSION=BANK",
    help="A bank or an imported file instead of the stand-in.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many prompts per dimension.")
@click.option("--out", required=True, metavar="RUN", type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--json", "as_json", is_flag=True, help="Only the figures, as JSON.")
def command(preset: str, banks: tuple[str, ...], out: Path, as_json: bool, **given: Any) -> None:
    """Audit a pair the way a paper did, and show its published figures beside those of the run.

    Decoding and sets are the paper's; where its data can't be shipped the project's own banks stand in until --bank names
    an imported file. Its string rules are counted beside the own scoring. The same command continues a broken run.
    """
    chosen = load_preset(preset)
    named = _named(banks)
    pair: dict[str, Any] = {
        "baseline": {"endpoint": given["baseline"]},
        "candidate": {"endpoint": given["candidate"]},
        "conversion": given["conversion"],
        "parents": list(given["parents"]),
    }
    if given["judge"]:
        pair["judge"] = {"endpoint": given["judge"]}
    if given["limit"] is not None:
        pair["dimensions"] = {name: {"limit": given["limit"]} for name in ALL_DIMENSIONS if name in chosen.sets}
    carry_out(plan_of(chosen, pair, named), out)
    reader = RunReader(out)
    try:
        found = replicated(chosen, results(reader), named)
    finally:
        reader.close()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    print_results(out)
    stdout().print(render(found))


def _named(banks: tuple[str, ...]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for one in banks:
        dimension, equals, bank = one.partition("=")
        if not equals or not bank or dimension not in ALL_DIMENSIONS:
            raise PlanError(
                f"--bank {one!r} is not DIMENSION=BANK.", f"DIMENSION is one of {', '.join(ALL_DIMENSIONS)}."
            )
        named.setdefault(dimension, []).append(bank)
    return named
