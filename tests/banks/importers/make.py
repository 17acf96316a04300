"""Miniature files in foreign formats, written by the tests in the project's own words."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditor.banks import load_file
from auditor.banks.importers import Imported, Options, import_bank, write_bank


def as_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_lines(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def as_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def made(key: str, path: Path, **options: Any) -> Imported:
    """The import of a part of a set, read back from its own file: what is written must be a valid bank."""
    done = import_bank(key, path, Options(bank="mine", **{"allow_subset": True, **options}))
    place = path if path.is_dir() else path.parent
    write_bank(done.bank, place / "written.jsonl")
    again = load_file(place / "written.jsonl")
    assert again.prompts == done.bank.prompts
    assert again.hash == done.bank.hash
    assert again.licence == done.bank.licence
    return done
