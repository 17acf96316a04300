"""Groq's hosted API. No model has logprobs; asking is a 400. ``reasoning_format`` keeps the trace out of the answer."""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com/openai/v1",
    key_env="GROQ_API_KEY",
    max_tokens_field="max_completion_tokens",
    has_logprobs=False,
    reasoning="effort",
    effort_on="default",
    shows_reasoning={"reasoning_format": "parsed"},
)
