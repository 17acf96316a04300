"""OpenRouter: one address in front of many providers, so the provider has to be held still.

Without ``require_parameters`` a provider that does not know logprobs or seed drops them without a word, and with
fallbacks two samples of one run can come from different hosts and quantisations.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    key_env="OPENROUTER_API_KEY",
    explicit={"provider": {"require_parameters": True, "allow_fallbacks": False}},
    reasoning="object",
)
