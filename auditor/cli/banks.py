"""``auditor banks``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from auditor.banks import Bank, bank_names, lint_together, load_bank, load_file
from auditor.report.plain import harmless


@click.group()
def command() -> None:
    """List, show and lint prompt banks."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(as_json: bool) -> None:
    """List the shipped banks."""
    banks = [load_bank(name) for name in bank_names()]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([bank.summary() for bank in banks]), indent=2).decode())
        return
    for bank in banks:
        click.echo(
            f"{bank.name:<26} {bank.dimension:<11} {len(bank.prompts):>4} prompts {bank.clusters:>4} clusters"
            f"  v{bank.version:<7} {bank.licence:<10} {bank.hash[:12]}"
        )


@command.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Prompts to show.")
def show(name: str, limit: int) -> None:
    """Show a bank's card and its first prompts. NAME is a shipped bank or a .jsonl file."""
    bank = _bank(name)
    for key, value in bank.card.items():
        click.echo(f"{key:<13} {harmless(str(value)).strip()}")
    click.echo(
        f"{'prompts':<13} {len(bank.prompts)}: {', '.join(f'{kind} {count}' for kind, count in bank.kinds.items())}"
    )
    click.echo(f"{'hash':<13} {bank.hash}")
    for prompt in bank.prompts[:limit]:
        click.echo(f"\n{prompt.id} ({prompt.kind})")
        for message in prompt.messages:
            click.echo(f"  {message.role}: {harmless(message.content)}")
        click.echo(f"  expect: {msgspec.json.encode(prompt.expect).decode()}")


@command.command("lint")
@click.argument("names", nargs=-1)
def lint_(names: tuple[str, ...]) -> None:
    """Check banks for duplicates, leaked labels, polarity and missing fields. All shipped banks if none is named.

    Exits with 2 if a problem is found.
    """
    banks = [_bank(name) for name in names or bank_names()]
    problems = lint_together(banks)
    for problem in problems:
        click.echo(harmless(f"{problem.bank}: {problem.prompt_id or '-'}: {problem.rule}: {problem.what}"))
    click.echo(f"{sum(len(bank.prompts) for bank in banks)} prompts in {len(banks)} banks, {len(problems)} problems")
    sys.exit(2 if problems else 0)


def _bank(name: str) -> Bank:
    return load_file(Path(name)) if name.endswith(".jsonl") else load_bank(name)
