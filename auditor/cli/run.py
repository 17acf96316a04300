"""``auditor run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli._audit import carry_out
from auditor.cli._options import plan_of, plan_options
from auditor.cli._shared import print_results
from auditor.errors import PlanError
from auditor.report.plain import harmless
from auditor.wire import CassetteTape, Tape, TapeMode


@click.command()
@plan_options
@click.option("--out", required=True, metavar="RUN", type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Write what is asked to this cassette.")
@click.option(
    "--replay", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Answer from this cassette only."
)
def command(out: Path, record: Path | None, replay: Path | None, **given: Any) -> None:
    """Audit a pair into the folder RUN, or continue a broken run there.

    Both endpoints get the same prompts, interleaved. Settings come from PLAN.toml, from flags, or both (flags win).

    \b
    auditor run --baseline http://localhost:8000/v1#instruct \\
                --candidate http://localhost:8001/v1#reasoner --out runs/first
    """
    plan = plan_of(**given)
    if record and replay:
        raise PlanError("--record and --replay exclude each other.", "Give one of them.")
    tape: Tape | None = None
    mode: TapeMode = "auto"
    if cassette := record or replay:
        tape, mode = CassetteTape(cassette), "record" if record else "replay"
    carry_out(plan, out, tape=tape, mode=mode)
    print_results(out)
    click.echo(harmless(f"\nstored in {out}: `auditor view {out}` shows the evidence, `auditor gate {out}` answers CI"))
