"""DeepSeek's hosted API. The trace comes in ``reasoning_content``; in thinking mode temperature and top_p have no effect
(vendor's thinking-mode guide) and whether logprobs come is for the probe to find out. A reply's
beginning can be given under ``base_url = "https://api.deepseek.com/beta"`` only (chat prefix completion guide).
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com",
    key_env="DEEPSEEK_API_KEY",
    reasoning="thinking",
    prefill="prefix",
    owned_by=("deepseek",),
)
