"""Building the body of a chat request, and giving way when a model refuses a setting. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from auditor.endpoints.dialects import Dialect
from auditor.endpoints.dialects.openai import reasons
from auditor.endpoints.faults import ServerSaid
from auditor.records import Ask, EndpointSpec

SCHEMA_NAME: Final = "reply"
_MAY_GO: Final = ("temperature", "top_p", "seed", "logprobs", "top_logprobs")
"""Settings that a question survives without. Everything else that is refused is the user's to correct."""
_REFUSED: Final = (
    "unsupported",
    "not support",
    "not yet support",
    "deprecated",
    "does not take",
    "not allowed",
    "not permitted",
)


def chat_body(spec: EndpointSpec, dialect: Dialect, ask: Ask, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of ``POST {base_url}/chat/completions``.

    Later wins: the dialect's explicit settings, the question, the plan's ``reasoning``, the plan's ``extra_body``.
    Dictionaries that meet under one name are merged one level deep, so that ``extra_body`` can add to
    ``chat_template_kwargs`` without losing the rest.

    Args:
        spec: model, reasoning options and extra body.
        dialect: how this server wants things written.
        ask: the question. ``sampling`` is sent in full, as far as the model takes it.
        without: settings left out because the server was found to refuse them.
    """
    body: dict[str, Any] = {
        "model": spec.model,
        "messages": [{"role": m.role, "content": m.content} for m in ask.messages],
        **dialect.explicit,
        dialect.max_tokens_field: ask.sampling.max_tokens,
    }
    if not (dialect.sdk == "openai" and reasons(spec.model, spec.reasoning)):
        body["temperature"] = ask.sampling.temperature
        body["top_p"] = ask.sampling.top_p
        if ask.top_logprobs is not None:
            body["logprobs"] = True
            body["top_logprobs"] = ask.top_logprobs
    if ask.sampling.seed is not None and dialect.sends_seed:
        body["seed"] = ask.sampling.seed
    if ask.json_schema is not None:
        schema = {"name": SCHEMA_NAME, "strict": True, "schema": ask.json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif ask.json_object and dialect.json_object:
        body["response_format"] = {"type": "json_object"}
    body = merged(body, reasoning_body(spec.reasoning, dialect))
    for name in without:
        body.pop(name, None)
    if "max_tokens" in without:
        body["max_completion_tokens"] = ask.sampling.max_tokens
    return merged(body, spec.extra_body)


def reasoning_body(reasoning: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The plan's ``reasoning`` table as this server wants it.

    ``enabled`` (bool) and ``effort`` (text) are translated; anything else is passed to where the server keeps such options.
    """
    if not reasoning:
        return {}
    rest = {k: v for k, v in reasoning.items() if k not in {"enabled", "effort"}}
    enabled, effort = reasoning.get("enabled"), reasoning.get("effort")
    if dialect.reasoning == "object":
        return {"reasoning": dict(reasoning)}
    if dialect.reasoning == "effort":
        if effort is None and enabled is False:
            effort = "none"
        return rest if effort is None else {"reasoning_effort": effort, **rest}
    body: dict[str, Any] = {} if effort is None else {"reasoning_effort": effort}
    if dialect.reasoning == "thinking":
        if enabled is not None:
            body["thinking"] = {"type": "enabled" if enabled else "disabled"}
        return body | rest
    template = rest if enabled is None else {"enable_thinking": enabled, **rest}
    return {**body, "chat_template_kwargs": template} if template else body


def merged(body: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """``body`` with ``more`` over it, dictionaries under one name merged one level deep."""
    out = dict(body)
    for name, value in more.items():
        old = out.get(name)
        out[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return out


def refused_setting(said: ServerSaid, body: dict[str, Any]) -> tuple[str, ...]:
    """Which settings of ``body`` to leave out after this 400, or () if the fault is not one of them.

    A setting counts as refused only if the server says that it does not take it at all; a value out of range
    (``top_logprobs`` of 50) is for the asker to correct. Without logprobs both fields go together.
    """
    words = said.message.lower()
    flat = said.code in {"unsupported_parameter", "unsupported_value"} or any(w in words for w in _REFUSED)
    if not flat:
        return ()
    if "max_tokens" in body and "max_completion_tokens" in words:
        return ("max_tokens",)
    named = next((p for p in _MAY_GO if p in body and said.param == p), None)
    named = named or next((p for p in _MAY_GO if p in body and _names(words, p)), None)
    if named is None:
        return ()
    if "logprobs" in named:
        return tuple(p for p in ("logprobs", "top_logprobs") if p in body)
    return (named,)


def _names(words: str, setting: str) -> bool:
    return re.search(rf"\b{setting}\b", words) is not None
