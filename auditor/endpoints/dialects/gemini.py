"""Gemini through its OpenAI-compatible layer. Whether logprobs come is not documented there: the probe finds out.

Thoughts have to be asked for, by a field literally called ``extra_body``, and then open the content as ``<thought>``.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="gemini",
    title="Gemini (OpenAI-compatible layer)",
    aliases=("google",),
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    key_env="GEMINI_API_KEY",
    reasoning="effort",
    effort_on="",
    shows_reasoning={"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}},
)
