"""The form in which a server family declares how it differs from plain OpenAI-compatible chat."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

ReasoningStyle = Literal["effort", "template", "object", "switch", "thinking", "anthropic"]
"""How a plan's ``reasoning`` table is written into a request:

effort      ``reasoning_effort``; ``enabled = false`` is "none" (OpenAI, Ollama, Groq, Fireworks, Mistral, xAI, Gemini)
template    ``chat_template_kwargs`` with ``enable_thinking`` and ``thinking``; an effort goes into ``reasoning_effort``
            (vLLM, SGLang, llama.cpp)
object      a ``reasoning`` object, passed on as written (OpenRouter)
switch      ``reasoning: {"enabled": …}``; an effort goes into ``reasoning_effort`` (Together)
thinking    ``thinking: {"type": "enabled" | "disabled"}`` (DeepSeek)
anthropic   ``thinking`` and ``output_config.effort`` of the Messages API
"""

PrefillStyle = Literal["plain", "template", "prefix"]
"""How a reply's beginning is given, as an assistant message at the end: as it is; with ``continue_final_message`` and without
``add_generation_prompt`` (vLLM, SGLang); with ``prefix: true`` in the message (Mistral, DeepSeek)."""

Format = Literal["chat", "responses", "messages", "tgi"]
"""The request format: chat completions, OpenAI's Responses, Anthropic's Messages, or TGI's own ``/generate``."""

WHOLE_DISTRIBUTION: Final = {
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""The sampling fields that vLLM defined and SGLang took over, each as it changes nothing."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One server family. Adding one means adding a module with one of these (see docs/endpoints.md)."""

    name: str
    """As written in front of ``+http://…`` or ``:MODEL``; letters, digits and dashes."""
    title: str
    aliases: tuple[str, ...] = ()
    base_url: str = ""
    """Where it is hosted, if it is; else the user gives the address."""
    hosts: tuple[str, ...] = ()
    """Endings of host names that are the vendor's own, where every customer has an address: the key may go there."""
    key_env: str = ""
    key_header: str = ""
    """The header that carries the key as it is; "" is ``Authorization: Bearer``."""
    sdk: Literal["", "openai", "anthropic"] = ""
    """Which vendor library carries the requests; "" is plain HTTP."""
    format: Format = "chat"
    max_tokens_field: str = "max_tokens"
    sends_seed: bool = True
    seed_field: str = "seed"
    sends_neutral_top_p: bool = True
    """False where top_p = 1 is refused as out of range; leaving it out means the same there."""
    explicit: dict[str, Any] = {}
    """Sent with every question because the server's own defaults would truncate or reshape the distribution."""
    openai_models: bool = False
    """Serves OpenAI's own models, some of which refuse sampling settings while they reason."""
    has_logprobs: bool = True
    """False for a family that has none at all; otherwise the probe asks."""
    logprobs_as_number: bool = False
    """``logprobs`` is the number of alternatives, not true (Together)."""
    stream_usage: bool = True
    """Whether ``stream_options`` may be sent to have usage counted in a stream."""
    streams_logprobs: bool = True
    """False for a family that loses logprobs in streams: then what asks for logprobs is not streamed."""
    reasoning: ReasoningStyle = "template"
    effort_on: str = "medium"
    """The effort that ``reasoning = {enabled = true}`` stands for with the style "effort"; "" leaves it to the server."""
    prefill: PrefillStyle = "plain"
    shows_reasoning: dict[str, Any] = {}
    """Sent when the plan has reasoning options that are not "off", so that the trace comes and comes apart."""
    json_object: bool = True
    """Whether JSON mode without a schema can be asked for."""
    takes_regex: bool = False
    """Whether ``structured_outputs.regex`` holds replies to a regular expression."""
    owned_by: tuple[str, ...] = ()
    """What the server's model list says in ``owned_by``: how the probe recognises it."""
    fingerprint: str = ""
    """Regular expression that the server's ``system_fingerprint`` matches."""
    version_at: tuple[str, str] = ("", "")
    """Path beside the API, and the field in the JSON there, that tell the server's version."""
    own_routes: bool = True
    """False for a server that answers routes it does not have with 200 and an error: asking would look like an outage."""
    ports: tuple[int, ...] = ()
    """Ports on which it listens by default: where `auditor probe` without an argument looks."""
