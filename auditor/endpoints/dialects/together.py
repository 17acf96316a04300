"""Together's hosted API. ``logprobs`` is a number from 0 to 20, and what comes back has the older shape, keyed by text; a
stream has one bare number per piece (SDK 3.1), so what asks for logprobs is not streamed. How to switch top_k off is not
documented, so it is not sent.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="together",
    title="Together",
    aliases=("togetherai",),
    base_url="https://api.together.xyz/v1",
    key_env="TOGETHER_API_KEY",
    explicit={"min_p": 0.0, "repetition_penalty": 1.0},
    logprobs_as_number=True,
    streams_logprobs=False,
    reasoning="switch",
)
