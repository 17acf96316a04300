"""Finding and loading banks: those that ship with the program, those in a user's folders, and single files."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from auditor._resources import data_folder
from auditor.banks.model import Bank, Card, make_bank, parse_card, parse_prompts
from auditor.errors import BankError
from auditor.records import ALL_DIMENSIONS

SUFFIX = ".jsonl"
CARD_SUFFIX = ".card.toml"


def bank_names(dimension: str | None = None, *, folders: Sequence[Path] = ()) -> list[str]:
    """Names of the banks at hand, in the order of the dimensions; ``folders`` add the user's own banks.

    Each folder holds one subfolder per dimension, like the shipped ``prompts/``.
    """
    return [name for held, name in _index(folders) if dimension in (None, held)]


def default_banks(dimension: str) -> tuple[str, ...]:
    """Names of the shipped banks that an audit of ``dimension`` uses unless told otherwise."""
    return tuple(
        name
        for (held, name), folder in _index(()).items()
        if held == dimension and _card_of(folder, name, held).default
    )


def load_bank(name: str, *, folders: Sequence[Path] = ()) -> Bank:
    """The bank called ``name``, or the one in the file ``name`` if that ends with ".jsonl".

    Raises BankError if there is no such bank, if it is malformed, or if it is empty.
    """
    if name.endswith(SUFFIX):
        return load_file(Path(name))
    found = {held: (dimension, folder) for (dimension, held), folder in _index(folders).items()}
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        raise BankError(
            f"there is no bank called {name!r}",
            f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(found)}, or the path of a .jsonl file",
        )
    dimension, folder = found[name]
    return _load(folder.joinpath(name + SUFFIX), _card_of(folder, name, dimension))


def load_file(path: Path | str) -> Bank:
    """A user's own bank: a .jsonl file, with a card of the same name and suffix .card.toml beside it if there is one.

    Without a card the name and dimension come from the lines and the licence is "not stated".
    Raises BankError naming file, line and fix.
    """
    path = Path(path)
    if not path.is_file():
        raise BankError(f"there is no bank file {path}", "check the path; a bank is a .jsonl file")
    beside = path.with_name(path.name.removesuffix(SUFFIX) + CARD_SUFFIX)
    if beside.is_file():
        return _load(path, _read_card(beside))
    prompts = parse_prompts(_bytes(path), str(path))
    card = Card.model_validate(
        {"name": prompts[0].bank, "dimension": prompts[0].dimension, "version": "0", "licence": "not stated"},
    )
    return make_bank(card, prompts)


def _index(folders: Sequence[Path]) -> dict[tuple[str, str], Traversable]:
    """(dimension, bank name) → the folder with its two files. A user's bank replaces a shipped one of the same name."""
    for own in folders:
        if not own.is_dir():
            raise BankError(f"there is no folder {own}", "check the path; it holds one subfolder per dimension")
    index: dict[tuple[str, str], Traversable] = {}
    for dimension in ALL_DIMENSIONS:
        here: dict[str, Traversable] = {}
        for root in (data_folder("prompts"), *folders):
            folder = root.joinpath(dimension)
            if folder.is_dir():
                here |= {file.name.removesuffix(SUFFIX): folder for file in folder.iterdir() if _is_bank(file)}
        index |= {(dimension, name): here[name] for name in sorted(here)}
    return index


def _is_bank(file: Traversable) -> bool:
    return file.name.endswith(SUFFIX) and not file.name.startswith(".")


def _card_of(folder: Traversable, name: str, dimension: str) -> Card:
    beside = folder.joinpath(name + CARD_SUFFIX)
    if not beside.is_file():
        raise BankError(
            f"{folder.joinpath(name + SUFFIX)}: the bank has no card",
            f"write {beside.name} beside it; docs/banks.md shows one",
        )
    card = _read_card(beside)
    if (card.name, card.dimension) != (name, dimension):
        raise BankError(
            f"{beside}: the card says {card.dimension}/{card.name}, but the bank lies at {dimension}/{name}",
            "make the card's name and dimension those of the file and its folder",
        )
    return card


def _read_card(file: Traversable) -> Card:
    try:
        text = _bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BankError(f"{file}: not UTF-8 text", "save the file as UTF-8") from error
    return parse_card(text, str(file))


def _load(file: Traversable, card: Card) -> Bank:
    prompts = parse_prompts(_bytes(file), str(file))
    if (prompts[0].bank, prompts[0].dimension) != (card.name, card.dimension):
        raise BankError(
            f"{file}: the lines say {prompts[0].dimension}/{prompts[0].bank}, the card {card.dimension}/{card.name}",
            "make them agree",
        )
    return make_bank(card, prompts)


def _bytes(file: Traversable) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BankError(f"{file} can't be read: {error.strerror}", "check the file's permissions") from error
