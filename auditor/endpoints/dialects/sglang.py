"""SGLang. Logprobs come after temperature (except at 0), and a seed does not make a reply repeat. Streams attach logprobs to
other chunks or drop them (issues 26778, 25055), so what asks for logprobs is not streamed.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import WHOLE_DISTRIBUTION, Dialect

DIALECT = Dialect(
    name="sglang",
    title="SGLang",
    explicit=WHOLE_DISTRIBUTION,
    reasoning="template",
    prefill="template",
    owned_by=("sglang",),
    version_at=("/get_server_info", "version"),
    ports=(30000,),
    streams_logprobs=False,
)
