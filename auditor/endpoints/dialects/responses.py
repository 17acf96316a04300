"""OpenAI's Responses API: the only one where its reasoning models show a trace, as a summary.

There is no seed. Logprobs come only while the effort resolves to none (openai 3.52, ``responses``). Other servers with a
``/v1/responses`` are reached as ``openai-responses+http://…``.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="openai-responses",
    title="OpenAI Responses",
    aliases=("responses",),
    base_url="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
    sdk="openai",
    format="responses",
    openai_models=True,
    max_tokens_field="max_output_tokens",
    sends_seed=False,
    reasoning="effort",
)
