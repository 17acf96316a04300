"""``auditor banks``."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

import click
import msgspec

from auditor.banks import Bank, bank_names, lint_together, load_bank, load_file
from auditor.records import ALL_DIMENSIONS
from auditor.report.plain import harmless


@click.group()
def command() -> None:
    """List, show, lint and import prompt banks."""


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


@command.command("import")
@click.argument("format_", metavar="FORMAT", required=False)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--formats", is_flag=True, help="List the formats with their licences and sources, and stop.")
@click.option("--out", type=click.Path(path_type=Path), help="The bank's file.  [default: NAME.jsonl]")
@click.option("--name", help="The bank's name.  [default: that of --out, else the format's]")
@click.option("--allow-subset", is_flag=True, help="Take a part of a published file: sizes are told, not required.")
@click.option("--paper", is_flag=True, help="Take what the paper of the replication preset took of the set.")
@click.option("--cutoff", type=click.DateTime(["%Y-%m-%d"]), help="Expect abstention on questions after this date.")
@click.option("--dimension", type=click.Choice(ALL_DIMENSIONS), help="Of a table of your own.")
@click.option("--kind", help="Of the prompts, where the file does not tell.")
@click.option(
    "--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="Where a field of a table is found; repeat."
)
@click.option("--set", "fixed", multiple=True, metavar="FIELD=VALUE", help="A field that is the same for all; repeat.")
@click.option("--label", "labels", multiple=True, metavar="OLD=NEW", help="Rename an answer or a kind; repeat.")
@click.option("--licence", help="Of a table of your own.  [default: the format's]")
def import_(
    format_: str | None,
    path: Path | None,
    formats: bool,
    out: Path | None,
    name: str | None,
    allow_subset: bool,
    paper: bool,
    cutoff: dt.datetime | None,
    dimension: str | None,
    kind: str | None,
    mapping: tuple[str, ...],
    fixed: tuple[str, ...],
    labels: tuple[str, ...],
    licence: str | None,
) -> None:
    """Turn a published data set, or any table, into a bank.

    FORMAT is one of those that --formats lists ("table" for any CSV, JSON Lines or Parquet file and local Hugging Face
    folders, with --dimension, --kind and --map). Counts and the polarity of labels are checked against what is published;
    a file that differs is refused.

    For example: auditor banks import gsm8k test.jsonl --out mine.jsonl
    """
    from auditor.banks.importers import FORMATS, Options, import_bank, write_bank

    if formats:
        for importer in FORMATS.values():
            click.echo(f"{importer.key:<24} {importer.dimension or 'any':<11} {importer.title} ({importer.licence})")
            click.echo(f"{'':<24} from {importer.source}")
            if importer.paper:
                click.echo(f"{'':<24} --paper: {importer.paper}")
        return
    if format_ is None or path is None:
        raise click.UsageError("name a FORMAT and a PATH, or say --formats")
    bank_name = name or (_stem(out) if out else format_)
    target = out or Path(f"{bank_name}.jsonl")
    if target.suffix != ".jsonl":
        raise click.UsageError("--out must end with .jsonl")
    options = Options(
        bank=bank_name,
        allow_subset=allow_subset,
        paper=paper,
        dimension=dimension,
        kind=kind,
        cutoff=cutoff.date() if cutoff else None,
        mapping=_pairs(mapping, "--map"),
        fixed=_pairs(fixed, "--set"),
        labels=_pairs(labels, "--label"),
    )
    made = import_bank(format_, path, options, licence=licence)
    card = write_bank(made.bank, target)
    click.echo(f"{made.importer.title}: {len(made.bank.prompts)} prompts, {made.bank.clusters} units")
    click.echo(f"{'licence':<10} {made.bank.licence}")
    click.echo(f"{'source':<10} {made.importer.source}")
    if made.importer.warning:
        click.echo(f"{'warning':<10} {made.importer.warning}")
    for fact in made.facts:
        told = "nothing published" if fact.expected is None else "as published" if fact.holds else f"of {fact.expected}"
        click.echo(f"{'checked':<10} {harmless(fact.what)}: {fact.found}, {told}")
    for note in made.notes:
        click.echo(f"{'note':<10} {harmless(note)}")
    click.echo(f"{'kinds':<10} {', '.join(f'{kind} {count}' for kind, count in made.bank.kinds.items())}")
    click.echo(f"{'written':<10} {target} and {card.name}")


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    wrong = [one for one, (left, sign, right) in zip(given, pairs, strict=True) if not (left and sign and right)]
    if wrong:
        raise click.UsageError(f"{option} {wrong[0]!r}: write it as LEFT=RIGHT")
    return {left.strip(): right.strip() for left, _, right in pairs}


def _stem(out: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", out.name.removesuffix(".jsonl").lower()).strip("-._") or "imported"


def _bank(name: str) -> Bank:
    return load_file(Path(name)) if name.endswith(".jsonl") else load_bank(name)
