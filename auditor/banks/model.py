"""A bank: a versioned set of prompts with its card. Cards and lines come from outside and are validated here."""

from __future__ import annotations

import hashlib
import io
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from auditor.banks.expect import expect_fault, explain
from auditor.banks.packed import PackedPrompts
from auditor.errors import BankError
from auditor.records import Message, Prompt

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Text = Annotated[str, StringConstraints(pattern=r"\S")]
Dimension = Literal["safety", "toxicity", "bias", "ethics", "privacy", "robustness", "capability"]


class Card(BaseModel):
    """The bank card as people write it in TOML."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Name
    dimension: Dimension
    version: Text
    licence: Text
    purpose: Text = "not stated"
    construction: Text = "not stated"
    metric: Text = "not stated"
    limits: Text = "not stated"
    default: bool = True
    """Whether an audit of the dimension uses the bank unless told otherwise."""


class _MessageLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["system", "user", "assistant"]
    content: Text


class _PromptLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Text
    dimension: Dimension
    bank: Name
    kind: Text
    messages: Annotated[list[_MessageLine], Field(min_length=1)]
    expect: dict[str, JsonValue] = {}
    cluster: Text | None = None
    tags: list[Text] = []


class Bank(msgspec.Struct, frozen=True):
    """A versioned set of prompts of one dimension. ``hash`` is the SHA-256 of their content, whatever their order."""

    name: str
    dimension: str
    version: str
    licence: str
    card: dict[str, Any]
    prompts: Sequence[Prompt]
    hash: str

    @property
    def clusters(self) -> int:
        """How many independent units the bank has: its clusters, and each prompt without one."""
        return len({prompt.unit for prompt in self.prompts})

    @property
    def kinds(self) -> dict[str, int]:
        """How many prompts of each kind there are, in the order of their first appearance."""
        return dict(Counter(prompt.kind for prompt in self.prompts))

    def summary(self) -> dict[str, Any]:
        """The row of ``auditor banks list --json``."""
        return {
            "bank": self.name,
            "dimension": self.dimension,
            "prompts": len(self.prompts),
            "clusters": self.clusters,
            "licence": self.licence,
            "version": self.version,
            "hash": self.hash,
        }


def make_bank(card: Card, prompts: Iterable[Prompt]) -> Bank:
    """A bank from its parts, with its hash; nothing is checked beyond the types."""
    held = prompts if isinstance(prompts, PackedPrompts) else PackedPrompts(prompts)
    return Bank(
        name=card.name,
        dimension=card.dimension,
        version=card.version,
        licence=card.licence,
        card=card.model_dump(),
        prompts=held,
        hash=content_hash(held),
    )


def content_hash(prompts: Sequence[Prompt]) -> str:
    """SHA-256 (hex) of the prompts' canonical content: sorted by id, keys sorted, defaults left out."""
    digest = hashlib.sha256()
    ids = [prompt.id for prompt in prompts]
    for place in sorted(range(len(ids)), key=ids.__getitem__):
        digest.update(msgspec.json.encode(prompts[place], order="sorted") + b"\n")
    return digest.hexdigest()


def prompt_lines(prompts: Iterable[Prompt]) -> bytes:
    """The prompts as JSON Lines, the format that ``parse_prompts`` reads."""
    return b"".join(msgspec.json.encode(prompt) + b"\n" for prompt in prompts)


def parse_card(text: str, file: str) -> Card:
    """A bank card from TOML. Raises BankError naming ``file`` and the fix."""
    try:
        return Card.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BankError(f"{file}: not valid TOML: {error}", "correct the card; docs/banks.md shows one") from error
    except ValidationError as error:
        what, todo = explain(error)
        raise BankError(f"{file}: {what}", f"{todo} in the card; docs/banks.md lists its fields") from error


def parse_prompts(data: bytes, file: str) -> Sequence[Prompt]:
    """Prompts from JSON Lines; blank lines are skipped.

    Raises BankError naming the file, the line and the fix for a malformed or unscorable line, an id used twice,
    lines of several banks or dimensions, and for a file without a prompt.
    """
    prompts = PackedPrompts(_parsed(data, file))
    if not prompts:
        raise BankError(f"{file}: the bank has no prompts", "write at least one prompt, one JSON object per line")
    return prompts


def _parsed(data: bytes, file: str) -> Iterator[Prompt]:
    lines_of: dict[str, int] = {}
    first: Prompt | None = None
    for number, line in enumerate(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), start=1):
        if not line.strip():
            continue
        prompt = _parse_line(line, f"{file}:{number}")
        if prompt.id in lines_of:
            raise BankError(
                f"{file}:{number}: the id {prompt.id!r} is already used in line {lines_of[prompt.id]}",
                "give every prompt an id of its own",
            )
        first = first or prompt
        if (prompt.bank, prompt.dimension) != (first.bank, first.dimension):
            raise BankError(
                f"{file}:{number}: a prompt of {prompt.dimension}/{prompt.bank} in a bank of "
                f"{first.dimension}/{first.bank}",
                "keep one bank of one dimension per file",
            )
        lines_of[prompt.id] = number
        yield prompt


def _parse_line(line: bytes, place: str) -> Prompt:
    try:
        read = _PromptLine.model_validate_json(line)
    except ValidationError as error:
        what, todo = explain(error)
        raise BankError(f"{place}: {what}", f"{todo} in this line; docs/banks.md describes the format") from error
    prompt = Prompt(
        id=read.id,
        dimension=read.dimension,
        bank=read.bank,
        kind=read.kind,
        messages=tuple(Message(role=message.role, content=message.content) for message in read.messages),
        expect=dict(read.expect),
        cluster=read.cluster,
        tags=tuple(read.tags),
    )
    if not prompt.id.startswith(f"{prompt.bank}/"):
        raise BankError(
            f"{place}: the id {prompt.id!r} does not begin with its bank", f"write {prompt.bank}/{prompt.id}"
        )
    if (fault := expect_fault(prompt)) is not None:
        what, todo = fault
        raise BankError(f"{place}: {what}", f"{todo}; docs/banks.md lists what each kind needs")
    return prompt
