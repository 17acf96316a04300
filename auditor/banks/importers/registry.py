"""All formats by key, and the one way from a foreign file to a bank."""

from __future__ import annotations

from pathlib import Path

import msgspec

from auditor.banks.expect import expect_fault
from auditor.banks.importers import continuation, disclosure, groups, mapped, maths, morals, refusal, shift
from auditor.banks.importers.base import Fact, Importer, Options, check_facts
from auditor.banks.load import CARD_SUFFIX, SUFFIX
from auditor.banks.model import Bank, Card, make_bank, prompt_lines
from auditor.errors import BankError

_FAMILIES = (refusal, continuation, groups, morals, disclosure, shift, maths, mapped)

FORMATS: dict[str, Importer] = {importer.key: importer for family in _FAMILIES for importer in family.IMPORTERS}
"""What ``auditor banks import`` understands, in the order of the dimensions."""


class Imported(msgspec.Struct, frozen=True):
    """A bank made from a foreign file, with what was checked and what its user should know."""

    bank: Bank
    importer: Importer
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]


def import_bank(key: str, path: Path, options: Options, *, licence: str | None = None) -> Imported:
    """Read the file or folder ``path`` as format ``key``; ``licence`` overrides the format's own in the card.

    Raises BankError with the reason if there is no such format, if the file can't be read, if it is not as published
    (sizes are forgiven with ``options.allow_subset``), if its labels run the wrong way, or if nothing in it can be used.
    """
    importer = FORMATS.get(key)
    if importer is None:
        raise BankError(f"there is no format called {key!r}", f"use one of {', '.join(FORMATS)}")
    if options.paper and not importer.paper:
        having = ", ".join(one.key for one in FORMATS.values() if one.paper)
        raise BankError(f"the paper took nothing of {importer.title}", f"leave --paper out; it goes with {having}")
    try:
        draft = importer.read(path, options)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Foreign files can be malformed in any way; readers take the format for granted and check only its facts.
        raise BankError(
            f"{path} is not in the format {key}: {type(error).__name__}: {error}",
            "check that the file belongs to the format",
        ) from error
    check_facts(draft.facts, allow_subset=options.allow_subset)
    if not draft.prompts:
        raise BankError(f"{path} gives no prompts in the format {key}", "check that the file belongs to the format")
    for prompt in draft.prompts:
        if (fault := expect_fault(prompt)) is not None:
            raise BankError(f"{path}: {prompt.id}: {fault[0]}", fault[1])
    card = Card.model_validate(
        {
            "name": options.bank,
            "dimension": draft.prompts[0].dimension,
            "version": "imported",
            "licence": licence or importer.licence,
            "purpose": f"{importer.title}, imported.",
            "construction": f"{importer.construction} Source: {importer.source}.",
            "limits": importer.warning or "not stated",
            "default": False,
        }
    )
    return Imported(make_bank(card, draft.prompts), importer, tuple(draft.facts), tuple(draft.notes))


def write_bank(bank: Bank, path: Path) -> Path:
    """Write the bank as ``path`` (.jsonl) with its card beside it; the card's path. Raises BankError if it can't be written."""
    card = path.with_name(path.name.removesuffix(SUFFIX) + CARD_SUFFIX)
    fields = "".join(f"{name} = {_toml(value)}\n" for name, value in bank.card.items())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(prompt_lines(bank.prompts))
        card.write_text(fields, encoding="utf-8")
    except OSError as error:
        raise BankError(f"{path} can't be written: {error.strerror}", "name another file with --out") from error
    return card


def _toml(value: object) -> str:
    # Strings of JSON are basic strings of TOML, and so are true and false.
    return msgspec.json.encode(value).decode()
