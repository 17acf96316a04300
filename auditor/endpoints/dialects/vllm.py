"""vLLM. Its sampling defaults come from the model's generation_config.json, so all of them are sent.

Logprobs are asked for with token ids in place of texts: vLLM prints incomplete characters as "" and re-encodes bytes
from the text, so several tokens of one list can share both (155 of 3072 in a byte-level vocabulary).
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="vllm",
    title="vLLM",
    explicit={
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
    },
    with_logprobs={"return_tokens_as_token_ids": True},
    reasoning="template",
    displaces=True,
    owned_by=("vllm",),
    fingerprint=r"vllm-.*",
)
