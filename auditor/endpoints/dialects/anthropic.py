"""Anthropic's Messages API, and which of its models no longer take sampling settings, or think unless told otherwise.

From Claude Opus 4.7 and generation 5 on temperature, top_p and top_k are refused with 400, there is only adaptive
thinking, and a reply can't be begun. Generation 5 thinks when nothing is said and leaves the trace out unless asked to show
it; Sonnet 5.5 is told not to with "between_tools", Opus 5.5, Fable and Mythos can't be (all from the vendor's migration
guides). A model that is not in these tables and refuses them is found out by its own 400 message.
"""

from __future__ import annotations

import re

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com",
    key_env="ANTHROPIC_API_KEY",
    sdk="anthropic",
    format="messages",
    sends_seed=False,
    has_logprobs=False,
    reasoning="anthropic",
    json_object=False,
)

_FIXED_BUDGET = re.compile(r"claude-(3|(opus|sonnet|haiku)-4(-[0-5])?(-20\d{6}|@|:|$))", re.IGNORECASE)
_GENERATION_5 = re.compile(r"claude-(opus|sonnet|haiku|fable|mythos)-([5-9]|\d\d)(-|@|:|$)", re.IGNORECASE)
_OPUS_WITHOUT = re.compile(r"claude-opus-4-([7-9]|\d\d)(-|@|:|$)", re.IGNORECASE)
_BETWEEN_TOOLS = re.compile(r"claude-sonnet-5-5", re.IGNORECASE)


def takes_sampling(model: str) -> bool:
    """Whether temperature may be sent to this model."""
    return not (_GENERATION_5.search(model) or _OPUS_WITHOUT.search(model))


def thinks_unasked(model: str) -> bool:
    """Whether the model thinks when a request says nothing about it; its trace then comes only if it is asked for."""
    return bool(_GENERATION_5.search(model))


def thinking_off(model: str) -> dict[str, str]:
    """What ``thinking`` is told so that the model answers at once, as far as it lets itself be told."""
    return {"type": "between_tools" if _BETWEEN_TOOLS.search(model) else "disabled"}


def thinks_adaptively(model: str) -> bool:
    """Whether the model sizes its own thinking (from 4.6 on); the ones before it are given a number of tokens."""
    return not _FIXED_BUDGET.search(model)
