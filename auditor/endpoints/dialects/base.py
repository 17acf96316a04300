"""The form in which a server family declares how it differs from plain OpenAI-compatible chat."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ReasoningStyle = Literal["effort", "template", "object", "thinking", "anthropic"]
"""How a plan's ``reasoning`` table is written into a request:

effort      ``reasoning_effort`` (OpenAI, Ollama)
template    ``chat_template_kwargs`` with ``enable_thinking``; an effort goes into ``reasoning_effort`` (vLLM, SGLang)
object      a ``reasoning`` object, passed on as written (OpenRouter)
thinking    ``thinking: {"type": "enabled" | "disabled"}`` (DeepSeek)
anthropic   ``thinking`` and ``output_config.effort`` of the Messages API
"""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One server family. Adding one means adding a module with one of these (see docs/endpoints.md)."""

    name: str
    """As written in front of ``+http://…`` or ``:MODEL``; letters, digits and dashes."""
    title: str
    aliases: tuple[str, ...] = ()
    base_url: str = ""
    """Where it is hosted, if it is; else the user gives the address."""
    key_env: str = ""
    sdk: Literal["", "openai", "anthropic"] = ""
    """Which vendor library carries the requests; "" is plain HTTP."""
    max_tokens_field: str = "max_tokens"
    sends_seed: bool = True
    explicit: dict[str, Any] = {}
    """Sent with every question because the server's own defaults would truncate or reshape the distribution."""
    has_logprobs: bool = True
    """False for a family that has none at all; otherwise the probe asks."""
    reasoning: ReasoningStyle = "template"
    json_object: bool = True
    """Whether JSON mode without a schema can be asked for."""
    owned_by: tuple[str, ...] = ()
    """What the server's model list says in ``owned_by``: how the probe recognises it."""
    fingerprint: str = ""
    """Regular expression that the server's ``system_fingerprint`` matches."""
