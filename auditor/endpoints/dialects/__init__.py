"""The server families that are known by name."""

from __future__ import annotations

import re
from typing import Final

from auditor.endpoints.dialects import (
    anthropic,
    azure,
    deepseek,
    fireworks,
    gemini,
    generic,
    groq,
    llama_cpp,
    lmstudio,
    mistral,
    ollama,
    openai,
    openrouter,
    responses,
    sglang,
    tgi,
    together,
    vllm,
    xai,
)
from auditor.endpoints.dialects.base import Dialect, ReasoningStyle
from auditor.errors import PlanError

__all__ = ["DIALECTS", "GENERIC", "Dialect", "ReasoningStyle", "dialect_named", "recognise"]

GENERIC: Final = generic.DIALECT
DIALECTS: Final[tuple[Dialect, ...]] = (
    openai.DIALECT,
    anthropic.DIALECT,
    openrouter.DIALECT,
    deepseek.DIALECT,
    vllm.DIALECT,
    sglang.DIALECT,
    llama_cpp.DIALECT,
    ollama.DIALECT,
    tgi.DIALECT,
    lmstudio.DIALECT,
    azure.DIALECT,
    responses.DIALECT,
    together.DIALECT,
    fireworks.DIALECT,
    groq.DIALECT,
    mistral.DIALECT,
    xai.DIALECT,
    gemini.DIALECT,
    tgi.NATIVE,
)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BY_NAME: Final = {_plain(name): d for d in (GENERIC, *DIALECTS) for name in (d.name, *d.aliases)}


def dialect_named(name: str) -> Dialect:
    """The dialect of this name or alias; "" is the generic one. Raises PlanError listing the known names."""
    found = _BY_NAME.get(_plain(name))
    if found is None:
        known = ", ".join(sorted(d.name for d in DIALECTS))
        raise PlanError(
            f"There is no dialect {name[:40]!r}.",
            f"Use one of {known}, or leave it out for any OpenAI-compatible server.",
        )
    return found


def recognise(*, owned_by: str = "", fingerprint: str = "") -> Dialect | None:
    """The dialect of a server that calls itself so in its model list or its fingerprint, or None.

    Only self-hosted families are recognised: a hosted one has an address of its own, and gateways repeat its words.
    """
    for dialect in DIALECTS:
        if dialect.base_url or dialect.hosts:
            continue
        if owned_by and owned_by.lower() in dialect.owned_by:
            return dialect
        if fingerprint and dialect.fingerprint and re.fullmatch(dialect.fingerprint, fingerprint):
            return dialect
    return None
