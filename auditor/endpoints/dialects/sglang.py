"""SGLang. Logprobs come after temperature (except at 0), and a seed does not make a reply repeat. Streams attach logprobs to
other chunks or drop them (issues 26778, 25055), so what asks for logprobs is not streamed.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="sglang",
    title="SGLang",
    explicit={
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
    },
    reasoning="template",
    owned_by=("sglang",),
    version_at=("/get_server_info", "version"),
    ports=(30000,),
    streams_logprobs=False,
)
