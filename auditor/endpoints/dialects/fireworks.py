"""Fireworks' hosted API: at most 5 alternatives, and k + 1 entries when the sampled token is not among them.

A prompt that is too long is cut without a word unless told otherwise, so it is told otherwise.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="fireworks",
    title="Fireworks",
    aliases=("fireworks-ai",),
    base_url="https://api.fireworks.ai/inference/v1",
    key_env="FIREWORKS_API_KEY",
    explicit={"context_length_exceeded_behavior": "error", "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0},
    reasoning="effort",
)
