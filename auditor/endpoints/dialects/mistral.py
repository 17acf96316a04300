"""Mistral's hosted API. The seed is ``random_seed``; unknown fields are refused (422), ``stream_options`` too. A trace comes
as a ``thinking`` block of the content. A reply's beginning is an assistant message with ``prefix: true`` (SDK 3.7). Newer SDKs (3.7) have logprobs with token ids; which models give them the probe finds.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="mistral",
    title="Mistral",
    base_url="https://api.mistral.ai/v1",
    key_env="MISTRAL_API_KEY",
    seed_field="random_seed",
    stream_usage=False,
    reasoning="effort",
    prefill="prefix",
    effort_on="high",
)
