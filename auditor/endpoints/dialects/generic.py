"""Any server that speaks OpenAI's chat format: only what all of them understand is sent."""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(name="", title="OpenAI-compatible server", aliases=("generic", "compatible"), prefill="template")
