"""LM Studio. It takes ``logprobs`` and answers with null (lms issue 60), so none are asked for. A trace comes in
``reasoning_content`` if the app is set to keep it apart, else as tags. Routes that it does not have are answered with 200.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="lmstudio",
    title="LM Studio",
    aliases=("lm-studio",),
    explicit={"top_k": 0, "repeat_penalty": 1.0},
    has_logprobs=False,
    reasoning="effort",
    json_object=False,
    owned_by=("organization_owner", "organization-owner"),
    own_routes=False,
    ports=(1234,),
)
