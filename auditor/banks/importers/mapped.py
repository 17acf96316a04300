"""Any table whose columns are named by the user: CSV, JSON Lines, JSON, Parquet, a local Hugging Face folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.banks.expect import KINDS
from auditor.banks.importers.base import LETTER, Draft, Fact, Importer, Options, Row, Writer, lettered, slug_of
from auditor.banks.importers.tables import columns_of, read_rows
from auditor.errors import BankError

_OWN = ("prompt", "system", "id", "kind", "cluster", "tags")
"""Fields of a prompt itself; every other field goes into ``expect``."""

_LISTS = frozenset({"answers", "secrets", "obfuscations", "must_include", "items"})
_NUMBERS = frozenset({"number", "human"})


def _table(path: Path, options: Options) -> Draft:
    dimension = options.dimension
    if dimension is None:
        raise BankError("a table of your own needs its dimension", f"say --dimension, one of {', '.join(KINDS)}")
    rows = read_rows(path)
    columns = columns_of(rows)
    _check_mapping(options, columns, dimension)
    writer = Writer(options.bank, dimension)
    for number, row in enumerate(rows, start=1):
        try:
            _add(writer, row, number, options, dimension)
        except BankError as error:
            raise BankError(f"{path}, row {number}: {error.what}", error.todo) from error
    return Draft(writer.prompts, (Fact("rows", len(rows), None),), (f"columns of the file: {', '.join(columns)}",))


def _check_mapping(options: Options, columns: list[str], dimension: str) -> None:
    if "prompt" not in options.mapping:
        raise BankError(
            "the mapping does not say which column holds the prompt",
            f"say --map prompt=COLUMN, one of {', '.join(columns)}",
        )
    missing = [name for name in options.mapping.values() if name not in columns]
    if missing:
        raise BankError(f"the file has no column {missing[0]!r}", f"its columns are {', '.join(columns)}")
    known = {*_OWN, *(field for model in KINDS[dimension].values() for field in model.model_fields)}
    unknown = [field for field in (*options.mapping, *options.fixed) if field not in known]
    if unknown:
        raise BankError(
            f"{unknown[0]!r} is not a field of {dimension} prompts", f"use one of {', '.join(sorted(known))}"
        )
    if options.kind is None and "kind" not in {*options.mapping, *options.fixed}:
        raise BankError(
            "nothing says of which kind the prompts are",
            f"say --kind, one of {', '.join(KINDS[dimension])}, or --map kind=COLUMN",
        )


def _add(writer: Writer, row: Row, number: int, options: Options, dimension: str) -> None:
    held: dict[str, Any] = dict(options.fixed)
    held |= {field: row[name] for field, name in options.mapping.items() if row.get(name) not in (None, "")}
    kind = _renamed(held.get("kind", options.kind), options.labels)
    if kind not in KINDS[dimension]:
        raise BankError(
            f"{kind!r} is not a kind of {dimension} prompts",
            f"use one of {', '.join(KINDS[dimension])}, or --label {kind}=KIND",
        )
    user = str(held.get("prompt", "")).strip()
    if not user:
        raise BankError("the prompt is blank", "remove the row")
    expect = {field: value for field, value in held.items() if field not in _OWN}
    if "answer" in expect:
        expect["answer"] = _renamed(expect["answer"], options.labels)
    user, expect = _typed(user, expect, KINDS[dimension][kind].model_fields)
    cluster = held.get("cluster")
    if "base" in KINDS[dimension][kind].model_fields and "base" not in expect:
        cluster = cluster if cluster is not None else number
        expect["base"] = f"{writer.bank}/{slug_of(cluster)}"
    writer.add(
        held.get("id", number),
        kind,
        user,
        expect,
        system=str(held["system"]) if held.get("system") else None,
        cluster=cluster,
        tags=[str(tag) for tag in _listed(held.get("tags", []))],
    )


def _typed(user: str, expect: dict[str, Any], fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Cells as what the kind expects: lists, numbers, choices by letter, true and false."""
    typed: dict[str, Any] = {}
    for field, value in expect.items():
        if field in _LISTS:
            typed[field] = [str(item) for item in _listed(value)]
        elif field in _NUMBERS:
            typed[field] = _number(value)
        elif field == "abstain":
            typed[field] = str(value).strip().lower() in ("true", "1", "yes")
        elif field == "choices":
            continue
        else:
            typed[field] = str(value).strip()
    if "choices" in expect:
        user, choices = _choices(user, expect["choices"])
        typed["choices"] = choices
        for field in ("answer", "unknown", "stereotyped"):
            if field in typed:
                typed[field] = _letter(typed[field], choices)
    if "abstain" in fields and not typed:
        typed["abstain"] = True
    return user, typed


def _choices(user: str, value: Any) -> tuple[str, dict[str, str]]:
    held = _decoded(value)
    if isinstance(held, dict) and isinstance(held.get("text"), list):
        held = held["text"]  # as several Hugging Face sets write them, beside a list "label"
    if isinstance(held, dict):
        choices = {str(letter): str(text) for letter, text in held.items()}
        shown = "\n".join(f"{letter}. {text}" for letter, text in choices.items())
    else:
        choices, shown, _ = lettered([str(text) for text in _listed(held)])
    # Choices that the prompt shows already are not shown twice.
    if all(text in user for text in choices.values()):
        return user, choices
    return f"{user}\n{shown}\n\n{LETTER}", choices


def _letter(value: str, choices: Mapping[str, str]) -> str:
    """A letter, a place counted from 0, or a choice's text, as its letter."""
    if value in choices:
        return value
    for letter, text in choices.items():
        if text.strip() == value:
            return letter
    if value.isdigit() and int(value) < len(choices):
        return list(choices)[int(value)]
    raise BankError(
        f"{value!r} is none of the choices {', '.join(choices)}",
        "map answer to a letter, a place counted from 0, or a text",
    )


def _number(value: Any) -> float:
    try:
        number = float(str(value).replace(",", "").strip())
    except ValueError as error:
        raise BankError(f"{value!r} is not a number", "map number to a column of plain numbers") from error
    return int(number) if number.is_integer() else number


def _listed(value: Any) -> list[Any]:
    """A list as it is, a JSON list in a cell, or a text split at "|"."""
    value = _decoded(value)
    if isinstance(value, list | tuple):
        return list(value)
    return [part.strip() for part in str(value).split("|") if part.strip()]


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _renamed(value: Any, labels: Mapping[str, str]) -> str:
    return labels.get(str(value).strip(), str(value).strip())


IMPORTERS = (
    Importer(
        "table",
        "A table of your own",
        "",
        "not stated",
        "any CSV, TSV, JSON, JSON Lines or Parquet file, or a local Hugging Face folder",
        _table,
        "Columns are mapped to fields by the user.",
    ),
)
"""The format for everything else."""
