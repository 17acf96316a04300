"""What the probe finds out about thinking: whether it can be switched, and whether it is on when nobody says so."""

from __future__ import annotations

from typing import Final

from auditor.endpoints.capabilities import ReasoningSwitch
from auditor.endpoints.dialects import ReasoningStyle
from auditor.endpoints.probing.prober import HELLO, HELLO_TOKENS, Prober
from auditor.records import Reply

A_TRACE: Final = 8
"""Reasoning tokens from which on an invisible trace is believed: some servers count a marker or two as reasoning."""


def thinks(reply: Reply) -> bool:
    """Whether the reply has a trace, shown or only counted."""
    return bool(reply.trace) or (reply.usage.reasoning_tokens or 0) >= A_TRACE


async def reasoning_switch(prober: Prober, hello: Reply, style: ReasoningStyle) -> ReasoningSwitch | None:
    """Whether thinking can be switched here, and its state as the endpoint is asked; two requests at most.

    A chat template that knows a switch writes another prompt for it, so there the sizes of the prompt are compared (a
    weak or unwilling model tells nothing by its reply). Elsewhere the question is asked again with thinking the other way.

    Args:
        prober: asks.
        hello: the probe's first reply, to the question `HELLO` as the plan has the endpoint asked.
        style: how this endpoint writes the switch.
    """
    if style == "template":
        found = await _by_prompt_size(prober, hello)
    else:
        found = await _by_reply(prober, hello)
    spec = prober.endpoint.spec
    said = {"enabled", "effort"} & spec.reasoning.keys() or "chat_template_kwargs" in spec.extra_body
    if found == "off" and not said:
        prober.note(
            "thinking is switched off here unless it is asked for, so a reasoning model would be audited without its "
            "reasoning: put reasoning = {enabled = true} into this endpoint's table of the plan (or enabled = false if "
            "that is what you want)"
        )
    return found


async def _by_prompt_size(prober: Prober, hello: Reply) -> ReasoningSwitch | None:
    sizes = []
    for enabled in (True, False):
        reply = await prober.try_ask(HELLO, max_tokens=1, reasoning={"enabled": enabled})
        sizes.append(reply.usage.prompt_tokens if reply is not None else None)
    on, off = sizes
    if on is None or off is None or hello.usage.prompt_tokens is None:
        return None
    if on == off:
        return "none"
    return "off" if hello.usage.prompt_tokens == off else "on"


async def _by_reply(prober: Prober, hello: Reply) -> ReasoningSwitch | None:
    thinking = thinks(hello)
    other = await prober.try_ask(HELLO, max_tokens=HELLO_TOKENS, reasoning={"enabled": not thinking})
    if other is None or thinks(other) == thinking:
        return "none"
    return "on" if thinking else "off"
