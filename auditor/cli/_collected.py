"""Replies and labels that were collected elsewhere: JSON Lines or CSV, with the user's own names for the columns."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from auditor.errors import UsageError
from auditor.records import Message, Prompt


class Row(msgspec.Struct, frozen=True):
    """One reply with what is known of it; ``values`` are all of its columns under the names that this program uses."""

    id: str
    prompt: Prompt
    reply: str
    trace: str | None
    model: str
    values: Mapping[str, Any]


def mapping(pairs: Sequence[str], option: str) -> dict[str, str]:
    """``("prompt=question", …)`` as a dictionary. Raises UsageError for anything else."""
    found: dict[str, str] = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not (sign and ours.strip() and theirs.strip()):
            raise UsageError(f"{option} {pair!r} is not of the form NAME=OTHER.", f"Write {option} prompt=question.")
        found[ours.strip()] = theirs.strip()
    return found


def read(path: Path, columns: Mapping[str, str], *, text: Sequence[str] = ("reply", "text")) -> list[Row]:
    """All rows. ``columns`` gives the file's name for ours (id, prompt, reply, trace, model, …).

    Raises UsageError naming file and line for what can't be read, for a row without a reply, and for an id that is there
    twice: results are matched to rows by it.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    for number, given in _lines(path):
        where = f"{path} line {number}"
        values = dict(given)
        for ours, theirs in columns.items():
            if theirs not in given:
                raise UsageError(f"{where} has no column {theirs!r}.", f"It has: {', '.join(map(str, given))}.")
            values[ours] = given[theirs]
        reply = next((values[name] for name in text if isinstance(values.get(name), str)), None)
        if reply is None:
            raise UsageError(
                f"{where} has no {text[0]}.", f"Name its column: --map {text[0]}=COLUMN. It has: {', '.join(values)}."
            )
        name = str(values.get("id") or number)
        if name in seen:
            raise UsageError(f"{where} repeats the id {name!r}.", "Give every row its own id.")
        seen.add(name)
        rows.append(
            Row(
                name, _prompt(name, values), reply, _text(values.get("trace")), _text(values.get("model")) or "", values
            )
        )
    if not rows:
        raise UsageError(f"{path} holds no rows.", "Give a file with one reply per row.")
    return rows


def _prompt(name: str, values: Mapping[str, Any]) -> Prompt:
    asked, system = _text(values.get("prompt")) or "", _text(values.get("system")) or ""
    messages = [Message("system", system)] if system else []
    if asked:
        messages.append(Message("user", asked))
    expect = values.get("expect")
    return Prompt(name, "", "", "", tuple(messages), expect if isinstance(expect, dict) else {})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        if path.suffix.lower() == ".csv":
            csv.field_size_limit(sys.maxsize)
            with path.open(encoding="utf-8-sig", newline="") as lines:
                for number, row in enumerate(csv.DictReader(lines), start=2):
                    yield number, {key: value for key, value in row.items() if key is not None and value is not None}
            return
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise UsageError(f"{path} line {number} is no JSON object.", "Write one object per line.")
                yield number, row
    except OSError as error:
        raise UsageError(f"Can't read {path}: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except (json.JSONDecodeError, csv.Error) as error:
        raise UsageError(f"{path} can't be read: {error}", "Give JSON Lines, or CSV with the ending .csv.") from error
