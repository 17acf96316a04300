"""``auditor run``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from auditor import __version__
from auditor.audit.preflight import chosen_banks, schedule, units
from auditor.audit.sight import sight
from auditor.cli._audit import carry_out
from auditor.cli._live import FLAG, audit_and_browse
from auditor.cli._options import plan_of, plan_options
from auditor.cli._shared import print_results
from auditor.cli.view import browse
from auditor.errors import PlanError
from auditor.plan import Plan
from auditor.report.plain import harmless
from auditor.store import RunReader
from auditor.wire import CassetteTape


@click.command()
@plan_options
@click.option("--out", required=True, metavar="RUN", type=click.Path(path_type=Path), help="The run's folder.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="When done, write the run's tape to this cassette.",
)
@click.option(
    "--replay", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Answer from this cassette only."
)
@click.option(FLAG, is_flag=True, help="Browse the run in the terminal while it goes on.")
def command(out: Path, record: Path | None, replay: Path | None, live: bool, **given: Any) -> None:
    """Audit a pair into the folder RUN, or continue a broken run there.

    Both endpoints get the same prompts, interleaved. Settings come from PLAN.toml, from flags, or both (flags win).
    A run is a spot-check unless its size is fixed: it stops as soon as the question is answered, that is when some
    dimension is shown to have lost more than its margin, or every one to have lost less. With --fixed all is asked.

    \b
    auditor run --baseline http://localhost:8000/v1#instruct \\
                --candidate http://localhost:8001/v1#reasoner --out runs/first
    """
    plan = plan_of(**given)
    if record and replay:
        raise PlanError("--record and --replay exclude each other.", "Give one of them.")
    if live:
        sys.exit(audit_and_browse(sys.argv[1:], out, browse))
    _warn(plan)
    cassette = CassetteTape(replay, must_exist=True) if replay else None
    carry_out(plan, out, tape=cassette, mode="replay" if cassette else "auto")
    if record:
        _record(out, record)
    print_results(out)
    click.echo(harmless(f"\nstored in {out}: `auditor view {out}` shows the evidence, `auditor gate {out}` answers CI"))


def _warn(plan: Plan) -> None:
    """Say before the first call what this size can't show, instead of INCONCLUSIVE after the last."""
    banks = chosen_banks(plan)
    order, sizes = schedule(plan, banks), units(banks)
    for name in banks:
        found = sight(plan, name, order, sizes[name])
        if not found["certifiable"]:
            click.echo(f"{name}: {found['says']}", err=True)


def _record(out: Path, cassette: Path) -> None:
    """Copy the run's tape: recording never asks anything again, so it goes with continuing a broken run."""
    cassette.unlink(missing_ok=True)
    reader = RunReader(out)
    try:
        with CassetteTape(cassette, note=f"recorded by auditor {__version__}") as tape:
            for exchange in reader.exchanges():
                tape.put(exchange)
    finally:
        reader.close()
