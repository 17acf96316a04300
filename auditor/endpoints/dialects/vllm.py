"""vLLM. Its sampling defaults come from the model's generation_config.json, so all of them are sent.

Alternatives come by text, and tokens that are incomplete characters print alike ("" or U+FFFD; 155 of 3072 in a
byte-level vocabulary). ``extra_body = {return_tokens_as_token_ids = true}`` gives ids instead; that is the user's choice
and not ours, because ids without texts compare *different* vocabularies without a sign of it.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import WHOLE_DISTRIBUTION, Dialect

DIALECT = Dialect(
    name="vllm",
    title="vLLM",
    explicit=WHOLE_DISTRIBUTION,
    reasoning="template",
    prefill="template",
    takes_regex=True,
    owned_by=("vllm",),
    version_at=("/version", "version"),
    ports=(8000,),
    fingerprint=r"vllm-.*",
)
