"""The options that make a plan: shared by every command that takes what ``run`` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from auditor.errors import PlanError
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS, Conversion

F = TypeVar("F", bound=Callable[..., Any])

_DECORATORS = (
    click.argument("plan", required=False, type=click.Path(path_type=Path, dir_okay=False)),
    click.option("--baseline", metavar="E", help="The instruct model."),
    click.option("--candidate", metavar="E", help="The reasoning model made from it."),
    click.option(
        "--judge",
        multiple=True,
        metavar="E|rules",
        help="Who judges what can't be parsed exactly; repeat for a panel.  [default: rules]",
    ),
    click.option("--force-judge", is_flag=True, help="Let a judge judge its own family; every report says so."),
    click.option(
        "--dimension", "dimensions", multiple=True, type=click.Choice(ALL_DIMENSIONS), help="Only this one; repeat."
    ),
    click.option("--limit", type=click.IntRange(min=1), help="At most this many prompts per dimension."),
    click.option(
        "--until",
        type=click.Choice(["decided", "all"]),
        help="Stop each dimension, and the run, as soon as the evidence decides, or ask all.  [default: decided]",
    ),
    click.option("--fixed", is_flag=True, help="The same as --until all: a size fixed in advance."),
    click.option("--seed", type=int, help="Order of prompts, draws and resampling.  [default: 0]"),
    click.option("--concurrency", type=click.IntRange(1, 1000), help="At most, per endpoint.  [default: 16]"),
    click.option(
        "--max-reply-tokens", type=click.IntRange(min=1), help="Tokens per reply with its trace.  [default: 1024]"
    ),
    click.option("--temperature", type=click.FloatRange(0, 2), help="Of the replies.  [default: 1]"),
    click.option("--max-calls", type=click.IntRange(min=1), help="Hard budget of calls, the judge's included."),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Hard budget of tokens of both sides."),
    click.option("--no-drift", is_flag=True, help="Ask for no logprobs."),
    click.option(
        "--scoring",
        type=click.Choice(["own", "paper"]),
        help="paper: count by the published string rules, too, and say what the difference owes to them.  [default: own]",
    ),
    click.option(
        "--conversion", type=click.Choice(get_args(Conversion)), help="How the candidate was made from the baseline."
    ),
    click.option(
        "--parent", "parents", multiple=True, metavar="MODEL", help="What the candidate was made from; repeat."
    ),
)


def plan_options(command: F) -> F:
    """Add the options to a command; it hands them on to :func:`plan_of`."""
    for decorate in reversed(_DECORATORS):
        command = decorate(command)
    return command


def plan_of(plan: Path | None, **flags: Any) -> Plan:
    """The plan from a file, from flags, or from both (flags win). Raises PlanError."""
    overrides = overrides_of(flags)
    found = Plan.from_toml(plan, overrides) if plan else Plan.from_mapping(overrides)
    return found.with_forced_judges() if flags["force_judge"] else found


def overrides_of(flags: dict[str, Any]) -> dict[str, Any]:
    """What the flags say, in the shape of a plan file."""
    given: dict[str, Any] = {seat: {"endpoint": flags[seat]} for seat in ("baseline", "candidate") if flags[seat]}
    judges = [{"endpoint": name} for name in flags["judge"]]
    if judges:
        given |= {"judge": judges[0]} if len(judges) == 1 else {"judges": judges}
    if flags["fixed"] and flags["until"] == "decided":
        raise PlanError("--fixed and --until decided exclude each other.", "Give one of them.")
    run = {
        key: flags[key] for key in ("until", "seed", "concurrency", "max_calls", "max_tokens") if flags[key] is not None
    }
    if flags["fixed"]:
        run["until"] = "all"
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
    given |= {key: flags[key] for key in ("scoring", "conversion") if flags[key] is not None}
    if flags["parents"]:
        given["parents"] = list(flags["parents"])
    if flags["no_drift"]:
        given["drift"] = {"enabled": False}
    return given | {
        key: value for key, value in (("run", run), ("sampling", sampling), ("dimensions", dimensions)) if value
    }
