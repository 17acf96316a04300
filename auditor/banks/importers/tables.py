"""Rows from the files that data sets come in: CSV, TSV, JSON Lines, JSON, Parquet, and local Hugging Face folders."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from auditor.banks.importers.base import Row
from auditor.errors import BankError

LARGEST_FIELD = 16 * 1024 * 1024
"""Characters of one CSV field; the csv module's own limit is lower than some published contexts are long."""


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, or of every data file of a folder in the order of their names.

    Raises BankError if there is nothing to read, if a file is malformed, or if Parquet is asked for without pyarrow.
    """
    if path.is_dir():
        files = _data_files(path)
        if not files:
            raise BankError(f"{path} holds no data files", f"name a folder with {', '.join(sorted(_READERS))} files")
        return [row for file in files for row in read_rows(file)]
    if not path.is_file():
        raise BankError(f"there is no file {path}", "check the path")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise BankError(f"{path}: files that end with {path.suffix!r} can't be read", f"use {', '.join(_READERS)}")
    return reader(path)


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises BankError if it is missing or malformed."""
    return _decoded(_bytes(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file. Raises BankError if it is missing or not UTF-8."""
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BankError(f"{path}: not UTF-8 text", "save the file as UTF-8") from error


def _data_files(folder: Path) -> list[Path]:
    """The data of a folder: of a saved Hugging Face data set its Arrow shards, else every readable file below it."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _READERS and file.is_file())
    shards = [file for file in files if file.suffix.lower() == ".arrow"]
    # Beside shards lie JSON files that describe them; they are no rows.
    described = {"dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json"}
    return shards or [file for file in files if file.name not in described]


def _delimited(path: Path, delimiter: str) -> list[Row]:
    csv.field_size_limit(LARGEST_FIELD)
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter=delimiter)
    rows: list[Row] = []
    try:
        for row in reader:
            if None in row:
                raise BankError(
                    f"{path}:{reader.line_num}: more cells than columns", "check the quotes and the delimiter"
                )
            rows.append(dict(row))
    except csv.Error as error:
        raise BankError(f"{path}:{reader.line_num}: not valid CSV: {error}", "save the file again as CSV") from error
    return rows


def _json_lines(path: Path) -> list[Row]:
    lines = [(number, line) for number, line in enumerate(_bytes(path).split(b"\n"), start=1) if line.strip()]
    return [_row(_decoded(line, f"{path}:{number}"), f"{path}:{number}") for number, line in lines]


def _json(path: Path) -> list[Row]:
    value = read_json(path)
    if isinstance(value, dict):
        lists = [held for held in value.values() if isinstance(held, list)]
        if len(lists) != 1:
            raise BankError(
                f"{path}: an object without a single list of rows", "save the rows as a list or as JSON Lines"
            )
        value = lists[0]
    if not isinstance(value, list):
        raise BankError(f"{path}: not a list of rows", "save the rows as a list or as JSON Lines")
    return [_row(item, f"{path}, row {number}") for number, item in enumerate(value, start=1)]


def _parquet(path: Path) -> list[Row]:
    table = _arrow("pyarrow.parquet", path, lambda module: module.read_table(path))
    return _listed(table)


def _arrow_file(path: Path) -> list[Row]:
    def opened(module: Any) -> Any:
        with path.open("rb") as source:
            try:
                return module.open_stream(source).read_all()
            except ValueError:  # a file and no stream; pyarrow's own error derives from it
                source.seek(0)
                return module.open_file(source).read_all()

    return _listed(_arrow("pyarrow.ipc", path, opened))


def _arrow(module: str, path: Path, read: Callable[[Any], Any]) -> Any:
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise BankError(
            f"{path}: reading {path.suffix} files needs the package pyarrow",
            "install it with pip install 'auditor[parquet]', or save the file as JSON Lines",
        ) from error
    try:
        return read(loaded)
    except (ValueError, OSError) as error:  # pyarrow's own errors derive from these
        raise BankError(f"{path} can't be read: {error}", "check that the file is whole") from error


def _listed(table: Any) -> list[Row]:
    rows: list[Row] = table.to_pylist()
    return rows


def _row(value: Any, place: str) -> Row:
    if not isinstance(value, dict):
        raise BankError(f"{place}: not an object with columns", "write one JSON object per row")
    return value


def _decoded(data: bytes, place: str) -> Any:
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.DecodeError as error:
        raise BankError(f"{place}: not valid JSON: {error}", "check that the file is whole") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BankError(f"{path} can't be read: {error.strerror}", "check the path and its permissions") from error


_READERS: dict[str, Callable[[Path], list[Row]]] = {
    ".csv": lambda path: _delimited(path, ","),
    ".tsv": lambda path: _delimited(path, "\t"),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
    ".arrow": _arrow_file,
}


def columns_of(rows: Iterable[Row]) -> list[str]:
    """All columns that occur, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))
