"""OpenAI's hosted API (chat completions), and which of its models reason.

Reasoning models take ``max_completion_tokens``, and temperature, top_p and logprobs only while their effort *resolves*
to none (litellm 1.109, llms/openai/chat/gpt_reasoning_transformation.py; OpenAI's error messages). The default effort
differs between releases, so only an effort that the plan states counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
    sdk="openai",
    openai_models=True,
    max_tokens_field="max_completion_tokens",
    reasoning="effort",
    owned_by=("openai", "openai-internal", "system"),
    fingerprint=r"fp_[0-9a-f]+",
)

_REASONING = re.compile(r"^(ft:)?(o\d|gpt-([5-9]|\d\d)|codex|gpt-oss)", re.IGNORECASE)
_CHAT_VARIANT = re.compile(r"^(ft:)?gpt-[5-9](\.\d+)?-chat", re.IGNORECASE)


def reasons(model: str, reasoning: Mapping[str, Any]) -> bool:
    """Whether this model, asked with these reasoning options, thinks before it answers and so refuses to be sampled."""
    if not _REASONING.match(model) or _CHAT_VARIANT.match(model):
        return False
    return str(reasoning.get("effort", "")) != "none" and reasoning.get("enabled") is not False
