"""llama.cpp's server. Its own defaults are top_k 40, top_p 0.95, min_p 0.05: a truncated model, so all are switched off.

Every logprob entry carries the token's ``id`` and true bytes. An assistant message at the end is continued, not answered.
A stream has no logprobs of the end token (seen on b1-0c1e570), so what asks for logprobs is not streamed.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="llama-cpp",
    title="llama.cpp server",
    aliases=("llamacpp", "llama.cpp", "llama-server", "llama"),
    explicit={
        "top_k": 0,
        "min_p": 0.0,
        "typical_p": 1.0,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "dry_multiplier": 0.0,
        "xtc_probability": 0.0,
    },
    reasoning="template",
    owned_by=("llamacpp",),
    version_at=("/props", "build_info"),
    ports=(8080,),
    streams_logprobs=False,
    fingerprint=r"b\d+-[0-9a-f]{7,}",
)
