"""xAI's hosted API: at most 8 alternatives. Its reasoning models refuse some settings, which their 400 tells."""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="xai",
    title="xAI",
    aliases=("grok",),
    base_url="https://api.x.ai/v1",
    key_env="XAI_API_KEY",
    max_tokens_field="max_completion_tokens",
    reasoning="effort",
    effort_on="high",
)
