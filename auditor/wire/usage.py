"""The tokens of one response, for the ledger: only ``usage`` is decoded, whatever else the body holds. Pure."""

from __future__ import annotations

import json
import math
from typing import Final

import msgspec

from auditor.records import Usage

_STREAM: Final = "text/event-stream"
_NOTHING: Final = Usage()


class _Details(msgspec.Struct):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None
    thinking_tokens: float | None = None


class _Told(msgspec.Struct):
    # OpenAI chat and completions; Responses and Anthropic say input and output; DeepSeek has its own word for the cache.
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    reasoning_tokens: float | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: float | None = None
    cache_read_input_tokens: float | None = None
    cache_creation_input_tokens: float | None = None


class _Inner(msgspec.Struct):
    usage: _Told | None = None


class _Body(msgspec.Struct):
    usage: _Told | None = None
    message: _Inner | None = None
    response: _Inner | None = None


_BODY: Final = msgspec.json.Decoder(_Body)


def usage_of(body: bytes, content_type: str = "") -> Usage:
    """The tokens that a response's body says it used; nothing known if it does not say, or can't be read.

    In an event stream each count is the largest that any event tells: servers repeat them as they grow. Counts are
    those of the server's whole answer, so all choices of one request together. Anthropic counts cached input apart; a
    prompt's size is the sum.
    """
    return read_usage(body, content_type)[0]


def read_usage(body: bytes, content_type: str = "") -> tuple[Usage, bool]:
    """As :func:`usage_of`; and whether the body was thereby seen to be one whole JSON object in UTF-8, which it need not be
    read through for again.
    """
    if b'"usage"' not in body:
        return _NOTHING, False
    if content_type.startswith(_STREAM) or body.startswith((b"data:", b"event:", b":")):
        lines = (line[5:] for line in body.splitlines() if line.startswith(b"data:") and b'"usage"' in line)
        return _largest([_one(line)[0] for line in lines]), False
    return _one(body)


def tokens_of(usage: Usage) -> int:
    """Tokens in and out together, as far as they are known."""
    return (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)


def _one(body: bytes) -> tuple[Usage, bool]:
    whole = True
    try:
        read: _Body | None = _BODY.decode(body)
    except msgspec.ValidationError:
        return _NOTHING, False
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        read, whole = _loose(body), False
    if read is None:
        return _NOTHING, False
    told = read.usage or (read.message and read.message.usage) or (read.response and read.response.usage)
    return _usage(told) if told else _NOTHING, whole and _is_text(body)


def _is_text(body: bytes) -> bool:
    # Strings that are passed over are not looked into.
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _loose(body: bytes) -> _Body | None:
    # NaN and infinities are no JSON, but some servers write them.
    try:
        return msgspec.convert(json.loads(body, parse_constant=lambda _: None), _Body)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None


def _usage(told: _Told) -> Usage:
    inside = told.prompt_tokens_details or told.input_tokens_details or _Details()
    outside = told.completion_tokens_details or told.output_tokens_details or _Details()
    prompt = told.prompt_tokens
    if prompt is None and told.input_tokens is not None:
        prompt = told.input_tokens + (told.cache_read_input_tokens or 0) + (told.cache_creation_input_tokens or 0)
    return Usage(
        prompt_tokens=_count(prompt),
        completion_tokens=_count(_first(told.completion_tokens, told.output_tokens)),
        reasoning_tokens=_count(_first(outside.reasoning_tokens, outside.thinking_tokens, told.reasoning_tokens)),
        cached_tokens=_count(_first(inside.cached_tokens, told.prompt_cache_hit_tokens, told.cache_read_input_tokens)),
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _count(value: float | None) -> int | None:
    return int(value) if value is not None and math.isfinite(value) and value >= 0 else None


def _largest(many: list[Usage]) -> Usage:
    def most(name: str) -> int | None:
        return max((value for one in many if (value := getattr(one, name)) is not None), default=None)

    return Usage(most("prompt_tokens"), most("completion_tokens"), most("reasoning_tokens"), most("cached_tokens"))
