"""Hugging Face text-generation-inference, in its OpenAI format (``tgi``) and through ``/generate`` (``tgi-native``).

Logprobs come after temperature, penalties and filters, with ties, and without bytes; at most ``--max-top-n-tokens``
alternatives (5 by default). top_p must lie *between* 0 and 1 (router/src/validation.rs), so 1 is left out.
The native route adds token ids and the tokens that a chat reply leaves out; ``/chat_tokenize`` applies the template for it.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="tgi",
    title="text-generation-inference",
    aliases=("text-generation-inference",),
    sends_neutral_top_p=False,
    version_at=("/info", "version"),
    fingerprint=r"\d+\.\d+\.\d+(-dev\d*)?-(native|sha-.*|[0-9a-f]{7,})",
    ports=(3000,),
)
NATIVE = Dialect(
    name="tgi-native",
    title="text-generation-inference, /generate",
    format="tgi",
    sends_neutral_top_p=False,
    json_object=False,
    version_at=("/info", "version"),
)
