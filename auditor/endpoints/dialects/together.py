"""Together's hosted API. ``logprobs`` is a number from 0 to 20, and what comes back has the older shape, keyed by text."""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="together",
    title="Together",
    aliases=("togetherai",),
    base_url="https://api.together.xyz/v1",
    key_env="TOGETHER_API_KEY",
    explicit={"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0},
    logprobs_as_number=True,
    reasoning="switch",
)
