"""``auditor estimate``."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from auditor.audit.estimate import estimate
from auditor.audit.preflight import chosen_banks, schedule
from auditor.cli._options import plan_of, plan_options
from auditor.report.plain import harmless


@click.command()
@plan_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool, **given: Any) -> None:
    """Say what an audit would cost, and what it could see, before a call is made. Takes what `auditor run` takes."""
    plan = plan_of(**given)
    banks = chosen_banks(plan)
    found = estimate(plan, banks, schedule(plan, banks))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    click.echo(f"{found['prompts']} prompts, {found['calls']} calls ({found['method']})")
    for name, side in found["sides"].items():
        click.echo(
            harmless(
                f"  {name:<9} {side['calls']:>6} calls  {side['prompt_tokens']:>9} prompt tokens  "
                f"≤ {side['reply_tokens_at_most']:>9} reply tokens  {_usd(side['usd_at_most'])}  {side['endpoint']}"
            )
        )
    click.echo(f"money at most: {_usd(found['usd_at_most'])}")
    click.echo("what each dimension can see (change = smallest one shown with 80% power if 10% of prompts differ):")
    for name, sight in found["dimensions"].items():
        effect = "none" if sight["smallest_effect"] is None else f"{100 * sight['smallest_effect']:.0f} points"
        click.echo(f"  {name:<11} {sight['prompts']:>4} prompts  change {effect:>9}  {sight['says']}")


def _usd(amount: float | None) -> str:
    return "price not known" if amount is None else f"${amount:,.2f}"
