"""Anthropic's Messages API, and which of its models no longer take sampling settings.

From Claude Opus 4.7 on temperature, top_p and top_k are refused with 400 and only adaptive thinking exists (vendor's
migration guide). A model that is not in this table and refuses them is found out by its own 400 message.
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
_NO_SAMPLING = re.compile(r"claude-opus-(4-([7-9]|\d\d)|[5-9])", re.IGNORECASE)


def takes_sampling(model: str) -> bool:
    """Whether temperature may be sent to this model."""
    return not _NO_SAMPLING.search(model)


def thinks_adaptively(model: str) -> bool:
    """Whether the model sizes its own thinking (from 4.6 on); the ones before it are given a number of tokens."""
    return not _FIXED_BUDGET.search(model)
