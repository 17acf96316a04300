"""What every importer shares: how it is described, what it is asked for, what it hands back, and how facts are checked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from auditor.errors import BankError
from auditor.records import Message, Prompt, Role

Row = dict[str, Any]
"""One row of a foreign file: column → value."""


class Options(msgspec.Struct, frozen=True):
    """What the user asked for beside the file. Formats ignore what does not concern them."""

    bank: str
    """Name of the bank that is made; ids begin with it."""
    allow_subset: bool = False
    """Take a file of another size than the published one. Polarity is checked all the same."""
    paper: bool = False
    """Take what the paper of the replication preset took."""
    dimension: str | None = None
    kind: str | None = None
    cutoff: dt.date | None = None
    """Questions dated after it are expected to be unknowable."""
    mapping: Mapping[str, str] = {}
    """Field of a prompt → column of the file (generic tables only)."""
    fixed: Mapping[str, str] = {}
    """Field of a prompt → the same value for all (generic tables only)."""
    labels: Mapping[str, str] = {}
    """Value of ``answer`` or ``kind`` in the file → value in the bank (generic tables only)."""


class Fact(msgspec.Struct, frozen=True):
    """Something that is known about a published file and was looked at in this one.

    ``expected`` is None where nothing is published; then ``found`` is only told. ``size`` facts are those that a part
    of the file can't meet; all others hold for any part of it.
    """

    what: str
    found: int
    expected: int | None
    size: bool = True

    @property
    def holds(self) -> bool:
        """Whether the file is as published, as far as that is known."""
        return self.expected is None or self.expected == self.found


class Draft(msgspec.Struct, frozen=True):
    """What a reader made of a file, before anything is checked."""

    prompts: Sequence[Prompt]
    facts: Sequence[Fact]
    notes: Sequence[str] = ()


class Importer(msgspec.Struct, frozen=True):
    """One format: what it is, under which licence it stands, where it comes from, and the function that reads it."""

    key: str
    title: str
    dimension: str
    licence: str
    source: str
    read: Callable[[Path, Options], Draft]
    construction: str
    """How rows become prompts: it goes into the bank card."""
    warning: str = ""
    paper: str = ""
    """What the paper of the replication preset took of the set; empty where it did not use the set."""


def column(row: Row, *names: str) -> Any:
    """The first of ``names`` that the row has. Raises BankError naming the columns that are there."""
    for name in names:
        if name in row and row[name] is not None:
            return row[name]
    raise BankError(
        f"a row has no column {' or '.join(map(repr, names))}: its columns are {', '.join(map(repr, row)) or 'none'}",
        "check that the file belongs to the format",
    )


def text_of(row: Row, *names: str) -> str:
    """The column as text without outer white space. Raises BankError if it is missing or blank."""
    text = str(column(row, *names)).strip()
    if not text:
        raise BankError(f"column {names[0]!r} of a row is blank", "check the file")
    return text


def slug_of(text: object) -> str:
    """``text`` as a part of an id: lower-case letters, digits, dots, dashes."""
    return re.sub(r"[^a-z0-9._-]+", "-", str(text).lower()).strip("-") or "x"


class Writer:
    """Makes prompts of one bank, numbering those that have no name of their own."""

    def __init__(self, bank: str, dimension: str) -> None:
        self.bank = bank
        self.dimension = dimension
        self.prompts: list[Prompt] = []
        self._seen: set[str] = set()

    def add(
        self,
        slug: object,
        kind: str,
        user: str,
        expect: Mapping[str, Any],
        *,
        system: str | None = None,
        turns: Iterable[tuple[Role, str]] = (),
        cluster: object = None,
        tags: Iterable[str] = (),
    ) -> Prompt:
        """One prompt: ``system``, then ``turns``, then the user's message; a taken id gets a number behind it."""
        name = base = f"{self.bank}/{slug_of(slug)}"
        number = 2
        while name in self._seen:
            name = f"{base}-{number}"
            number += 1
        self._seen.add(name)
        messages = [Message("system", system)] if system else []
        messages += [Message(role, content) for role, content in turns]
        prompt = Prompt(
            id=name,
            dimension=self.dimension,
            bank=self.bank,
            kind=kind,
            messages=(*messages, Message("user", user)),
            expect={field: value for field, value in expect.items() if value is not None},
            cluster=None if cluster is None else f"{self.bank}/{slug_of(cluster)}",
            tags=tuple(tags),
        )
        self.prompts.append(prompt)
        return prompt


def lettered(options: Sequence[str], right: int | None = None) -> tuple[dict[str, str], str, str | None]:
    """Options as choices A, B, …; the lines that show them; the letter of the one at index ``right``."""
    choices = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", options, strict=False))
    lines = "\n".join(f"{letter}. {text}" for letter, text in choices.items())
    return choices, lines, None if right is None else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[right]


def turned(items: Sequence[str], turn: int) -> list[str]:
    """``items`` rotated by ``turn`` places, so that no place is the right one more often than others."""
    turn %= len(items)
    return [*items[turn:], *items[:turn]]


LETTER = "End your answer with the letter of your choice."


class Polarity:
    """A self-test of labels by words: texts with words of harm must be called bad more often than texts without.

    It needs no published text and works on any part of a file, so an inverted label is found wherever enough rows
    speak plainly. ``least`` rows of either sort are needed for a verdict.
    """

    def __init__(self, words: str, *, least: int = 5) -> None:
        self._cue = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
        self._least = least
        self._bad = {True: 0, False: 0}
        self._all = {True: 0, False: 0}

    def see(self, text: str, *, bad: bool) -> None:
        """Count one text and what its label says."""
        cued = self._cue.search(text) is not None
        self._all[cued] += 1
        self._bad[cued] += bad

    def check(self, what: str) -> str:
        """A sentence on the outcome. Raises BankError if the labels run the wrong way."""
        if min(self._all.values()) < self._least:
            return f"polarity of {what}: too few plain rows to test it"
        with_cue = self._bad[True] / self._all[True]
        without = self._bad[False] / self._all[False]
        if with_cue <= without:
            raise BankError(
                f"the labels of {what} look inverted: {with_cue:.0%} of the rows with telling words are labelled bad, "
                f"{without:.0%} of the others",
                "check what the labels mean in this file; importing it as a table with --label can turn them",
            )
        return f"polarity of {what}: {with_cue:.0%} labelled bad among rows with telling words, {without:.0%} among the others"


HARM = (
    "kill(?:ed|ing)?|murder(?:ed|ing)?|stole|steal(?:ing)?|stab(?:bed|bing)?|punch(?:ed|ing)?|slap(?:ped|ping)?|"
    "hate[ds]?|hit|kick(?:ed|ing)?|beat|burn(?:ed|ing|t)?|poison(?:ed|ing)?|lie[ds]?|lying|cheat(?:ed|ing)?|"
    "drunk|racist|laughed|ignored?|threw|insult(?:ed|ing)?|bull(?:y|ied)|choke[ds]?|shot|shoot(?:ing)?|abuse[ds]?"
)
"""Words that are frequent where somebody does wrong."""


def check_facts(facts: Iterable[Fact], *, allow_subset: bool) -> None:
    """Raises BankError naming every fact that does not hold, but for sizes if ``allow_subset``."""
    broken = [fact for fact in facts if not fact.holds and not (allow_subset and fact.size)]
    if not broken:
        return
    told = "; ".join(f"{fact.what}: {fact.found}, published are {fact.expected}" for fact in broken)
    only_sizes = all(fact.size for fact in broken)
    raise BankError(
        f"the file is not as published: {told}",
        "fetch the file again, or say --allow-subset if it is a part on purpose"
        if only_sizes
        else "check that the file belongs to the format and was not edited",
    )
