"""``auditor score``."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from auditor import defaults
from auditor.cli._collected import Row, mapping, read
from auditor.cli._judges import judge_option, open_judge
from auditor.errors import IndeterminateError, UsageError
from auditor.judging import Judge, JudgeQuestion, Rubric, flat, load_rubric
from auditor.plan import RULES
from auditor.records import Part, Verdict
from auditor.report.plain import harmless
from auditor.wire import CassetteTape, MemoryTape

_FIRST = ("id", "label", "score", "evidence", "unscored_reason")


@click.command()
@click.option("--rubric", required=True, help="What to judge by: a shipped rubric, or one in --rubrics.")
@click.option("--rubrics", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Your own rubrics.")
@judge_option
@click.option(
    "--in", "source", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSON Lines, or .csv."
)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSON Lines, .csv, or -.")
@click.option(
    "--map", "columns", multiple=True, metavar="NAME=COLUMN", help="Your column for id, prompt, reply, trace, …"
)
@click.option("--tape", type=click.Path(path_type=Path, dir_okay=False), help="Verdicts so far.  [default: OUT.tape]")
@click.option("--force-judge", is_flag=True, help="Let a judge judge its own family.")
@click.option("--concurrency", type=click.IntRange(1, 1000), default=defaults.CONCURRENCY, show_default=True)
def command(
    rubric: str,
    rubrics: Path | None,
    judge: tuple[str, ...],
    source: Path,
    out: Path,
    columns: tuple[str, ...],
    tape: Path | None,
    force_judge: bool,
    concurrency: int,
) -> None:
    """Judge replies that were collected elsewhere, with the same guarantees as in an audit.

    Rows in: id, prompt, reply and, if there are, system, trace, model, expect. Rows out: id, label, score, evidence,
    unscored_reason, and the same with trace_ before it where there is a trace. A broken run is continued by the same
    command: what was judged is on the tape. Exit code 3 if too many replies could not be scored.
    """
    chosen = load_rubric(rubric, rubrics)
    rows = read(source, mapping(columns, "--map"))
    if str(out) != "-" and out.resolve() == source.resolve():
        raise UsageError("--out is the file that is read.", "Name another file.")
    told = asyncio.run(_judge_all(chosen, judge, rows, _tape(judge, tape, out), concurrency, force=force_judge))
    _write(told, out)
    unscored = Counter(row["unscored_reason"] for row in told if row["label"] is None)
    counted = Counter(row["label"] for row in told if row["label"] is not None)
    click.echo(harmless(f"{len(told)} replies: {_counts(counted)}"), err=True)
    if unscored:
        click.echo(harmless(f"{unscored.total()} without a score: {_counts(unscored)}"), err=True)
    if unscored.total() > defaults.MAX_UNSCORED_SHARE * len(told):
        raise IndeterminateError(
            f"{unscored.total()} of {len(told)} replies could not be scored.",
            "Read unscored_reason in the output; another judge may do better.",
        )


def _tape(judge: Sequence[str], tape: Path | None, out: Path) -> CassetteTape | MemoryTape:
    if set(judge) <= {RULES} or (tape is None and str(out) == "-"):
        return MemoryTape()
    return CassetteTape(tape or out.with_name(f"{out.name}.tape"))


async def _judge_all(
    rubric: Rubric,
    names: Sequence[str],
    rows: Sequence[Row],
    tape: CassetteTape | MemoryTape,
    concurrency: int,
    *,
    force: bool,
) -> list[dict[str, Any]]:
    models = list(dict.fromkeys(row.model for row in rows if row.model))
    told: list[dict[str, Any]] = [{} for _ in rows]
    waiting = iter(range(len(rows)))
    try:
        async with open_judge(names, [rubric], tape=tape, concurrency=concurrency, models=models, force=force) as judge:

            async def worker() -> None:
                for number in waiting:
                    told[number] = await _row(judge, rubric, rows[number])

            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(rows))):
                    group.create_task(worker())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several
    finally:
        if isinstance(tape, CassetteTape):
            tape.close()
    return told


async def _row(judge: Judge, rubric: Rubric, row: Row) -> dict[str, Any]:
    answer = await judge.judge(rubric, JudgeQuestion(row.prompt, row.reply, _part(row)))
    told = {"id": row.id, **_told(rubric, answer)}
    if row.trace is not None:
        trace = await judge.judge(rubric, JudgeQuestion(row.prompt, row.trace, "trace"))
        told |= {f"trace_{key}": value for key, value in _told(rubric, trace).items()}
    return told | {"rubric": f"{rubric.name} {rubric.stamp}", "judge": judge.name}


def _part(row: Row) -> Part:
    return "trace" if row.values.get("part") == "trace" else "answer"


def _told(rubric: Rubric, verdict: Verdict) -> dict[str, Any]:
    score = verdict.score
    if score is None and verdict.label is not None:
        score = rubric.scores.get(verdict.label)
    told: dict[str, Any] = {
        "label": verdict.label,
        "score": score,
        "evidence": verdict.evidence,
        "unscored_reason": verdict.unscored_reason or None,
    }
    if verdict.probability is not None:
        told["probability"] = verdict.probability
    if verdict.fields:
        told["fields"] = verdict.fields
    if verdict.members:
        told["verdicts"] = {one.judge: one.label or one.unscored_reason for one in flat(verdict.members)}
    return told


def _write(told: Sequence[Mapping[str, Any]], out: Path) -> None:
    if str(out) == "-":
        _lines(told, sys.stdout)
        return
    draft = out.with_name(f"{out.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            (_table if out.suffix.lower() == ".csv" else _lines)(told, file)
        draft.replace(out)
    except OSError as error:
        raise UsageError(f"Can't write {out}: {error.strerror}.", "Name a writable file.") from error


def _lines(told: Sequence[Mapping[str, Any]], file: TextIO) -> None:
    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in told)


def _table(told: Sequence[Mapping[str, Any]], file: TextIO) -> None:
    names = list(dict.fromkeys([*_FIRST, *(name for row in told for name in row)]))
    writer = csv.writer(file)
    writer.writerow(names)
    for row in told:
        writer.writerow([_cell(row.get(name)) for name in names])


def _cell(value: Any) -> Any:
    """What a spreadsheet would take for a formula gets a quote before it."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.most_common()) or "none"
