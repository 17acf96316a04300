"""``auditor estimate``."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import click
import msgspec

from auditor.audit.estimate import estimate
from auditor.audit.pilot import PROMPTS, fly
from auditor.audit.preflight import chosen_banks, schedule
from auditor.audit.tokens import counting
from auditor.cli._options import plan_of, plan_options
from auditor.report.plain import harmless


@click.command()
@plan_options
@click.option(
    "--ask",
    is_flag=True,
    help=f"Ask each endpoint {PROMPTS} of the prompts, for its own count of tokens and its speed.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool, ask: bool, **given: Any) -> None:
    """Say what an audit would cost, and what it could see, before a call is made. Takes what `auditor run` takes."""
    plan = plan_of(**given)
    banks = chosen_banks(plan)
    order = schedule(plan, banks)
    pilot = asyncio.run(fly(plan, order, os.environ)) if ask else None
    found = estimate(plan, banks, order, counting=counting(), pilot=pilot)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for line in _lines(found):
        click.echo(harmless(line))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['prompts']} prompts, {found['calls']} calls at most ({found['method']})"]
    lines += [
        f"  {name:<9} {side['calls']:>6} calls  {side['prompt_tokens']:>9} prompt tokens  "
        f"≤ {side['reply_tokens_at_most']:>9} reply tokens  {_usd(side['usd_at_most'])}  {side['endpoint']}"
        for name, side in found["sides"].items()
    ]
    lines += [line for name, side in found["sides"].items() for line in _judged(name, side)]
    lines += [line for name, side in found["sides"].items() for line in _drift(name, side)]
    prices = found["prices"]
    dated = f", with price changes up to {prices['known_until']}" if prices["known_until"] else ""
    lines.append(f"money at most: {_usd(found['usd_at_most'])} (prices: {prices['source']}{dated})")
    lines.append(f"time at most: {_time(found['seconds_at_most'])}")
    if expected := found["expected"]:
        lines.append(
            f"expected of this spot-check: about {expected['prompts']} prompts, {expected['calls']} calls, "
            f"{_usd(expected['usd'])}, time {_time(expected['seconds'])}, {expected['says']}"
        )
    lines.append(
        "what each dimension can see (change: the smallest one that all its prompts would show with 80% power,"
    )
    lines.append("if the models differ on 10% of them):")
    for name, sight in found["dimensions"].items():
        effect = "none" if sight["smallest_effect"] is None else f"{100 * sight['smallest_effect']:.0f} points"
        lines.append(f"  {name:<11} {sight['prompts']:>4} prompts  change {effect:>9}  {sight['says']}")
    return lines


def _drift(name: str, side: dict[str, Any]) -> list[str]:
    """Of a side's calls those that drift takes; what the endpoints permit decides between the least and the most."""
    calls = {what: one for what, one in side.get("drift_calls", {}).items() if one["most"]}
    parts = [
        f"{_span(one)} {'for the first token' if what == 'first_token' else 'beyond it'}" for what, one in calls.items()
    ]
    return [f"  {name:<9} of these for drift: {', '.join(parts)}"] if parts else []


def _span(calls: dict[str, int]) -> str:
    return str(calls["most"]) if calls["least"] == calls["most"] else f"{calls['least']} to {calls['most']}"


def _judged(name: str, side: dict[str, Any]) -> list[str]:
    """Which rubrics a judge's calls are for; nothing for the sides of the pair."""
    if "by_rubric" not in side:
        return []
    texts = {kind: ", ".join(f"{rubric} {n}" for rubric, n in side[kind].items()) for kind in side if kind in _KINDS}
    return [f"  {name} is asked about, at most, {_KINDS[kind]}: {told}" for kind, told in texts.items() if told]


_KINDS = {
    "by_rubric": "for what decisions hang on",
    "by_further_rubric": "for figures beside it (further_rubrics = false under [run] saves these)",
}


def _usd(amount: float | None) -> str:
    return "price not known" if amount is None else f"${amount:,.2f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not known before the endpoints are asked (--ask)"
    minutes = seconds / 60
    return (
        f"about {seconds:.0f} s"
        if minutes < 2
        else f"about {minutes:.0f} min"
        if minutes < 120
        else f"{minutes / 60:.1f} h"
    )
