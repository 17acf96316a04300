"""``auditor run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli._audit import carry_out, print_results
from auditor.errors import PlanError
from auditor.plan import RULES, Plan
from auditor.records import ALL_DIMENSIONS
from auditor.report.plain import harmless
from auditor.wire import CassetteTape, Tape, TapeMode


@click.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--baseline", metavar="E", help="The instruct model.")
@click.option("--candidate", metavar="E", help="The reasoning model made from it.")
@click.option("--judge", metavar="E|rules", help="Who judges what can't be parsed exactly.  [default: rules]")
@click.option("--out", required=True, metavar="RUN", type=click.Path(path_type=Path), help="The run's folder.")
@click.option(
    "--dimension", "dimensions", multiple=True, type=click.Choice(ALL_DIMENSIONS), help="Only this one; repeat."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many prompts per dimension.")
@click.option("--seed", type=int, help="Order of prompts, draws and resampling.  [default: 0]")
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Requests in flight per endpoint.  [default: 8]")
@click.option(
    "--max-reply-tokens", type=click.IntRange(min=1), help="Tokens per reply, trace included.  [default: 1024]"
)
@click.option("--temperature", type=click.FloatRange(0, 2), help="Of the replies.  [default: 1]")
@click.option("--max-calls", type=click.IntRange(min=1), help="Hard budget of calls, judge included.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Hard budget of tokens of both sides.")
@click.option("--no-drift", is_flag=True, help="Ask for no logprobs.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Ask, and write a cassette there.")
@click.option(
    "--replay", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Answer from this cassette only."
)
def command(plan: Path | None, out: Path, record: Path | None, replay: Path | None, **flags: Any) -> None:
    """Audit a pair into the folder RUN, or continue a broken run there.

    Both endpoints get the same prompts, interleaved. Settings come from PLAN.toml, from flags, or both (flags win).

    \b
    auditor run --baseline http://localhost:8000/v1#instruct \\
                --candidate http://localhost:8001/v1#reasoner --out runs/first
    """
    overrides = _overrides(flags)
    chosen = Plan.from_toml(plan, overrides) if plan else Plan.from_mapping(overrides)
    if record and replay:
        raise PlanError("--record and --replay exclude each other.", "Give one of them.")
    tape: Tape | None = None
    mode: TapeMode = "auto"
    if record or replay:
        tape, mode = CassetteTape(record or replay or out), "record" if record else "replay"
    carry_out(chosen, out, tape=tape, mode=mode)
    print_results(out)
    click.echo(harmless(f"\nstored in {out}: `auditor view {out}` shows the evidence, `auditor gate {out}` answers CI"))


def _overrides(flags: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {seat: {"endpoint": flags[seat]} for seat in ("baseline", "candidate") if flags[seat]}
    if flags["judge"]:
        given["judge"] = {"endpoint": RULES if flags["judge"] == RULES else flags["judge"]}
    run = {key: flags[key] for key in ("seed", "concurrency", "max_calls", "max_tokens") if flags[key] is not None}
    sampling = {
        key: flags[flag]
        for key, flag in (("max_tokens", "max_reply_tokens"), ("temperature", "temperature"))
        if flags[flag] is not None
    }
    dimensions: dict[str, dict[str, Any]] = {}
    if flags["dimensions"]:
        dimensions = {name: {"enabled": name in flags["dimensions"]} for name in ALL_DIMENSIONS}
    if flags["limit"] is not None:
        for name in ALL_DIMENSIONS:
            dimensions.setdefault(name, {})["limit"] = flags["limit"]
    if flags["no_drift"]:
        given["drift"] = {"enabled": False}
    return given | {
        key: value for key, value in (("run", run), ("sampling", sampling), ("dimensions", dimensions)) if value
    }
