"""``auditor judge``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from auditor import defaults
from auditor.audit.calibration import Judged, calibration
from auditor.audit.prices import price
from auditor.cli._collected import Row, mapping, read
from auditor.cli._judges import judge_option, open_judge
from auditor.cli._labelling import Labelling, deciding_rubrics
from auditor.cli._shared import run_argument
from auditor.errors import UsageError
from auditor.judging import JudgeQuestion, Rubric, load_rubric, rubric_names
from auditor.plan import RULES, parse_endpoint
from auditor.records import Attempt, Part, Prompt
from auditor.report.plain import harmless, one_line
from auditor.stats.ppi import MINIMUM_GOLD
from auditor.store import Annotations, RunReader
from auditor.wire import CassetteTape, MemoryTape

_ERRORS_SHOWN = 10


@click.group()
def command() -> None:
    """Measure a judge against labelled texts, or label a run's replies yourself."""


@command.command("list")
def list_() -> None:
    """List the shipped rubrics with their labels."""
    for name in rubric_names():
        rubric = load_rubric(name)
        click.echo(f"{name:<20} {rubric.stamp:<20} {len(rubric.gold):>3} gold  {', '.join(rubric.labels)}")


@command.command()
@click.option("--rubric", required=True, help="What to judge by: a shipped rubric, or one in --rubrics.")
@click.option("--rubrics", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Your own rubrics.")
@judge_option
@click.option(
    "--gold",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Labelled texts, JSON Lines or .csv: id, prompt, text, label.  [default: the rubric's own]",
)
@click.option("--map", "columns", multiple=True, metavar="NAME=COLUMN", help="Your column for id, prompt, text, label.")
@click.option(
    "--label", "labels", multiple=True, metavar="YOURS=LABEL", help="Your name for one of the rubric's labels."
)
@click.option("--by", multiple=True, metavar="COLUMN", help="Also count by the values of this column; repeat.")
@click.option("--tape", type=click.Path(path_type=Path, dir_okay=False), help="Keep the verdicts here, to continue.")
@click.option("--force-judge", is_flag=True, help="Let a judge judge its own family.")
@click.option("--concurrency", type=click.IntRange(1, 1000), default=defaults.CONCURRENCY, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema auditor.judge-check/1.")
def check(
    rubric: str,
    rubrics: Path | None,
    judge: tuple[str, ...],
    gold: Path | None,
    columns: tuple[str, ...],
    labels: tuple[str, ...],
    by: tuple[str, ...],
    tape: Path | None,
    force_judge: bool,
    concurrency: int,
    as_json: bool,
) -> None:
    """Measure a judge against labelled texts: agreement with intervals, by stratum, where it errs, what it cost.

    A text is counted under its part (answer or trace), its model if it names one, and the columns of --by.
    """
    chosen = load_rubric(rubric, rubrics)
    rows = _gold(chosen) if gold is None else read(gold, mapping(columns, "--map"), text=("text", "reply"))
    wanted = _labels(rows, chosen, mapping(labels, "--label"))
    attempts: list[Attempt] = []
    kept = CassetteTape(tape) if tape else MemoryTape()
    try:
        judged, name = asyncio.run(
            _judge_all(chosen, judge, rows, wanted, by, kept, concurrency, attempts, force=force_judge)
        )
    finally:
        if isinstance(kept, CassetteTape):
            kept.close()
    found = {
        "rubric": {"name": chosen.name, "version": chosen.stamp},
        "judge": name,
        "gold": str(gold) if gold else f"{chosen.name}'s own",
        **calibration(judged, chosen.labels),
        "cost": _cost(judge, judged, attempts),
    }
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _show(found, chosen)


@command.command()
@run_argument
@click.option("--pairs", type=click.IntRange(min=1), default=MINIMUM_GOLD, show_default=True, help="Pairs to label.")
@click.option("--dimension", help="Only this dimension; its findings are corrected when it has enough.")
@click.option("--who", default="", help="Your name in the records.  [default: your login]")
def label(run: Path, pairs: int, dimension: str | None, who: str) -> None:
    """Label replies of RUN yourself, blinded: uniformly drawn pairs, one reply at a time.

    Neither the model nor the judge's label is shown. Labels are kept beside the run, append-only, together with those from
    the browser. A dimension with 30 labelled pairs or more is corrected by them in every report.
    """
    reader = RunReader(run)
    annotations = Annotations(run, who=who)
    try:
        work = Labelling(reader, annotations, deciding_rubrics(), dimension)
        if not work.pairs:
            raise UsageError("No judge judged a pair of this run.", "Exactly scored numbers need no labels.")
        if not annotations.saved:
            raise UsageError(f"{run} can't be written.", "Copy the run to a place where you may write.")
        _ask(work, pairs)
    finally:
        annotations.close()
        reader.close()


def _ask(work: Labelling, wanted: int) -> None:
    click.echo(f"{work.done} pairs labelled so far; {min(wanted, len(work.pairs))} wanted. s skips, q stops.", err=True)
    few = {name: count for name, count in work.planned(wanted).items() if count < MINIMUM_GOLD}
    if few:
        counts = ", ".join(f"{count} of {name}" for name, count in few.items())
        click.echo(
            f"Among them {counts}: a dimension is corrected from {MINIMUM_GOLD} pairs of its own on. Raise --pairs, or name"
            " one with --dimension.",
            err=True,
        )
    for item in work.items(wanted):
        click.echo(f"\n{'=' * 80}\n{harmless(work.asked(item))}\n{'-' * 80}\n{harmless(work.text(item))}\n{'-' * 80}")
        click.echo(work.question(item))
        menu = work.labels(item)
        for number, (name, meaning) in enumerate(menu, start=1):
            click.echo(f"{number} {name}: {meaning}")
        choices = click.Choice([*map(str, range(1, len(menu) + 1)), "s", "q"])
        try:
            said = click.prompt("label", type=choices, show_choices=False)
        except click.Abort:
            said = "q"
        if said == "q":
            break
        if said != "s":
            work.label(item, menu[int(said) - 1][0])
    click.echo(f"\n{work.done} pairs are labelled.", err=True)
    for name, count in work.by_dimension().items():
        need = "its finding is now corrected" if count >= MINIMUM_GOLD else f"{MINIMUM_GOLD - count} more to correct it"
        click.echo(f"  {name}: {count} pairs; {need}", err=True)


def _gold(rubric: Rubric) -> list[Row]:
    return [Row(one.id, one.prompt, one.text, None, "", {"label": one.label, "part": one.part}) for one in rubric.gold]


def _labels(rows: Sequence[Row], rubric: Rubric, names: Mapping[str, str]) -> list[str]:
    if wrong := set(names.values()) - set(rubric.labels):
        raise UsageError(f"--label names {min(wrong)!r}.", f"The rubric's labels: {', '.join(rubric.labels)}.")
    found = []
    for row in rows:
        given = str(row.values.get("label", ""))
        label = names.get(given, given)
        if label not in rubric.labels:
            raise UsageError(
                f"The row {row.id} has the label {given!r}.",
                f"Labels: {', '.join(rubric.labels)}. Name the column with --map label=COLUMN, other labels with"
                " --label YOURS=LABEL.",
            )
        found.append(label)
    return found


async def _judge_all(
    rubric: Rubric,
    names: Sequence[str],
    rows: Sequence[Row],
    labels: Sequence[str],
    by: Sequence[str],
    tape: CassetteTape | MemoryTape,
    concurrency: int,
    attempts: list[Attempt],
    *,
    force: bool,
) -> tuple[list[Judged], str]:
    models = list(dict.fromkeys(row.model for row in rows if row.model))
    found: dict[int, Judged] = {}
    waiting = iter(range(len(rows)))
    async with open_judge(
        names, [rubric], tape=tape, concurrency=concurrency, models=models, force=force, on_attempt=attempts.append
    ) as judge:

        async def worker() -> None:
            for number in waiting:
                row = rows[number]
                part: Part = "trace" if row.values.get("part") == "trace" else "answer"
                verdict = await judge.judge(rubric, JudgeQuestion(_unlabelled(row.prompt), row.reply, part))
                strata = [f"part: {part}", *([f"model: {row.model}"] if row.model else [])]
                strata += [f"{column}: {row.values[column]}" for column in by if row.values.get(column)]
                found[number] = Judged(row.id, tuple(strata), labels[number], verdict)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(rows))):
                    group.create_task(worker())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several
        return [found[number] for number in range(len(rows))], judge.name


def _unlabelled(prompt: Prompt) -> Prompt:
    """The prompt under an id that tells nothing."""
    return msgspec.structs.replace(prompt, id="gold")


def _cost(names: Sequence[str], judged: Sequence[Judged], attempts: Sequence[Attempt]) -> dict[str, Any]:
    sent = sum(attempt.usage.prompt_tokens or 0 for attempt in attempts)
    written = sum(attempt.usage.completion_tokens or 0 for attempt in attempts)
    models = [name for name in names if name != RULES]
    usd = 0.0 if not models else price(parse_endpoint(models[0]), sent, written) if len(models) == 1 else None
    return {
        "attempts": len(attempts),
        "prompt_tokens": sent,
        "completion_tokens": written,
        "usd": usd,
        "asked_twice": sum(row.verdict.attempts > 1 for row in judged),
    }


def _show(found: Mapping[str, Any], rubric: Rubric) -> None:
    click.echo(harmless(f"judge {found['judge']}, rubric {rubric.name} {rubric.stamp}, gold {found['gold']}"), nl=True)
    click.echo(f"\n{'':<36} {'n':>5} {'unscored':>8}  {'accuracy':<22} {'kappa':<22} AC1")
    for name, some in {"all": found["overall"], **found["strata"]}.items():
        click.echo(
            f"{one_line(name, 36):<36} {some['n']:>5} {some['unscored']:>8}  {_span(some['accuracy'], some['interval']):<22} "
            f"{_coefficient(some['kappa']):<22} {_coefficient(some['ac1'])}"
        )
    click.echo("\npeople's label, and what the judge made of it")
    for label, told in found["confusion"].items():
        click.echo(f"  {label:<20} " + ", ".join(f"{name} {count}" for name, count in told.items()))
    errors = found["errors"]
    if errors:
        click.echo(f"\nwhere it errs ({min(len(errors), _ERRORS_SHOWN)} of {len(errors)}; --json has all)")
    for error in errors[:_ERRORS_SHOWN]:
        said = error["judge"] or f"none ({error['unscored_reason']})"
        quoted = f': "{one_line(error["evidence"], 80)}"' if error["evidence"] else ""
        click.echo(harmless(f"  {error['id']}: people {error['people']}, judge {said}{quoted}"))
    cost = found["cost"]
    money = "price not known" if cost["usd"] is None else f"${cost['usd']:.4f}"
    if not cost["attempts"]:
        click.echo(
            "\ncost: nothing was asked" if found["judge"] == RULES else "\ncost: nothing; all of it was on the tape"
        )
        return
    again = f"; {cost['asked_twice']} texts were asked about twice" if cost["asked_twice"] else ""
    click.echo(
        f"\ncost: {cost['attempts']} requests, the probe and the start-up cases included{again}; "
        f"{cost['prompt_tokens']} tokens in, {cost['completion_tokens']} out, {money}"
    )


def _span(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def _coefficient(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else _span(found["value"], found["interval"])
