"""Building the body of a chat request, and giving way when a model refuses a setting. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from auditor import defaults
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.dialects.openai import reasons
from auditor.endpoints.faults import ServerSaid
from auditor.records import Ask, EndpointSpec

SCHEMA_NAME: Final = "reply"
_MAY_GO: Final = ("temperature", "top_p", "seed", "random_seed", "logprobs", "top_logprobs", "stream_options", "stream")
"""Settings that a question survives without. Everything else that is refused is the user's to correct."""
_REFUSED: Final = (
    "unsupported",
    "not support",
    "not yet support",
    "deprecated",
    "does not take",
    "not allowed",
    "not permitted",
    "extra_forbidden",
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
    reasoning = spec.reasoning if ask.reasoning is None else ask.reasoning
    body: dict[str, Any] = {
        "model": spec.model,
        "messages": [{"role": m.role, "content": m.content} for m in ask.messages],
        **dialect.explicit,
        dialect.max_tokens_field: ask.sampling.max_tokens,
        **sampling_body(spec.model, dialect, ask, reasoning),
    }
    if ask.messages and ask.messages[-1].role == "assistant":
        _continue_last(body, dialect)
    if ask.top_logprobs is not None and takes_logprobs(spec.model, dialect, reasoning):
        if dialect.logprobs_as_number:
            body["logprobs"] = ask.top_logprobs
        else:
            body["logprobs"] = True
            body["top_logprobs"] = ask.top_logprobs
    if ask.sampling.seed is not None and dialect.sends_seed:
        body[dialect.seed_field] = ask.sampling.seed
    if ask.pattern and dialect.takes_regex:
        body["structured_outputs"] = {"regex": ask.pattern}
    elif ask.json_schema is not None:
        schema = {"name": SCHEMA_NAME, "strict": True, "schema": ask.json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif ask.json_object and dialect.json_object:
        body["response_format"] = {"type": "json_object"}
    if streams(dialect, ask):
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    body = merged(body, reasoning_body(reasoning, dialect))
    body = {name: value for name, value in body.items() if name not in without}
    if "stream" in without:
        body.pop("stream_options", None)
    if "max_tokens" in without:
        body["max_completion_tokens"] = ask.sampling.max_tokens
    body = merged(body, spec.extra_body)
    if not body.get("stream"):
        body.pop("stream_options", None)
    return body


def _continue_last(body: dict[str, Any], dialect: Dialect) -> None:
    """Have the assistant's message at the end continued rather than answered, as far as the server knows how."""
    if dialect.prefill == "template":
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    elif dialect.prefill == "prefix":
        body["messages"][-1]["prefix"] = True


def sampling_body(model: str, dialect: Dialect, ask: Ask, reasoning: dict[str, Any]) -> dict[str, Any]:
    """Temperature and top_p, as far as this model takes them."""
    if dialect.openai_models and reasons(model, reasoning):
        return {}
    body: dict[str, Any] = {"temperature": ask.sampling.temperature}
    if dialect.sends_neutral_top_p or ask.sampling.top_p != 1.0:
        body["top_p"] = ask.sampling.top_p
    return body


def takes_logprobs(model: str, dialect: Dialect, reasoning: dict[str, Any]) -> bool:
    """Whether logprobs may be asked of this model when it reasons like this."""
    return dialect.has_logprobs and not (dialect.openai_models and reasons(model, reasoning))


def streams(dialect: Dialect, ask: Ask) -> bool:
    """Whether this question's reply is to come in pieces: a function of the question alone, so that a tape repeats it."""
    if ask.top_logprobs is not None and not dialect.streams_logprobs:
        return False
    return ask.sampling.max_tokens >= defaults.STREAM_FROM_TOKENS if ask.stream is None else ask.stream


def reasoning_body(reasoning: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The plan's ``reasoning`` table as this server wants it.

    ``enabled`` (bool) and ``effort`` (text) are translated; anything else is passed to where the server keeps such options.
    """
    if not reasoning:
        return {}
    rest = {k: v for k, v in reasoning.items() if k not in {"enabled", "effort"}}
    enabled, effort = reasoning.get("enabled"), reasoning.get("effort")
    off = enabled is False or effort == "none"
    if not off:
        rest = merged(dialect.shows_reasoning, rest)
    if dialect.reasoning == "object":
        return {"reasoning": dict(reasoning)}
    if dialect.reasoning == "effort":
        if effort is None and enabled is not None:
            effort = dialect.effort_on if enabled else "none"
        return {"reasoning_effort": effort, **rest} if effort else rest
    body: dict[str, Any] = {} if effort is None else {"reasoning_effort": effort}
    if dialect.reasoning == "switch":
        return {**body, **({} if enabled is None else {"reasoning": {"enabled": enabled}}), **rest}
    if dialect.reasoning == "thinking":
        if enabled is not None:
            body["thinking"] = {"type": "enabled" if enabled else "disabled"}
        return body | rest
    # Templates differ in the name they know it by: Qwen and GLM the first, DeepSeek, Kimi and Granite the second.
    template = rest if enabled is None else {"enable_thinking": enabled, "thinking": enabled, **rest}
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
