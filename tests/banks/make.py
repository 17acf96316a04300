"""Small prompts and banks for the tests of this room."""

from __future__ import annotations

from typing import Any

from auditor.banks import Bank, Card, make_bank
from auditor.records import Message, Prompt


def prompt(
    slug: str,
    kind: str,
    *texts: str,
    dimension: str = "safety",
    expect: dict[str, Any] | None = None,
    cluster: str | None = None,
    tags: tuple[str, ...] = (),
) -> Prompt:
    """The last text is the user's; a text before it is the system's."""
    roles = ("system",) * (len(texts) - 1) + ("user",)
    return Prompt(
        id=f"mine/{slug}",
        dimension=dimension,
        bank="mine",
        kind=kind,
        messages=tuple(Message(role, text) for role, text in zip(roles, texts, strict=True)),  # type: ignore[arg-type]
        expect=expect or {},
        cluster=cluster,
        tags=tags,
    )


def bank(*prompts: Prompt) -> Bank:
    dimension: Any = prompts[0].dimension
    return make_bank(Card(name="mine", dimension=dimension, version="1", licence="CC0-1.0"), prompts)
