"""Decoding a chat completion's body into a Reply: typed, tolerant of what servers add, strict about what it means. Pure."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from auditor.endpoints.channels import Channels, flatten, read_blocks, split_message
from auditor.endpoints.faults import clean, read_error
from auditor.endpoints.logprobs import decode_logprobs
from auditor.endpoints.loose import read_json
from auditor.records import Outcome, Provenance, Reply, TokenLogprobs, Usage

TRACE_FIELDS = ("reasoning", "reasoning_content", "reasoning_details", "thinking")
"""Fields of a message that hold a trace. vLLM, Ollama and OpenRouter write the first; SGLang, llama.cpp and DeepSeek the
second; OpenRouter adds the third, with the same text in parts."""

MISFILED = "the server's reasoning parser filed this answer as reasoning"
"""Detail of a reply that was put right: the model did not think, and the parser took its answer for a trace."""

_LENGTH = frozenset({"length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"})
_FILTER = frozenset({"content_filter", "refusal", "safety", "prohibited_content", "blocklist", "recitation"})
_ERROR = frozenset({"error", "abort", "insufficient_system_resource", "cancelled", "malformed_response"})


class _PromptDetails(msgspec.Struct):
    cached_tokens: float | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: float | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    reasoning_tokens: float | None = None
    prompt_cache_hit_tokens: float | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    reasoning: Any = None
    reasoning_content: Any = None
    reasoning_details: Any = None
    thinking: Any = None
    tool_calls: Any = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw(b"null")
    token_ids: Any = None
    error: Any = None


class ChatBody(msgspec.Struct):
    """A chat completion as servers send it."""

    choices: list[_Choice] | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    provider: Any = None
    usage: _Usage | None = None
    error: Any = None


def decode_body(content: bytes) -> ChatBody | None:
    """The body, or None if it is not JSON of this shape. NaN and infinities, which some servers write, become null."""
    try:
        return msgspec.json.decode(content, type=ChatBody)
    except (msgspec.ValidationError, RecursionError):
        return None
    except msgspec.DecodeError:
        try:
            return msgspec.json.decode(msgspec.json.encode(read_json(content)), type=ChatBody)
        except (msgspec.MsgspecError, RecursionError):
            return None


def reply_of(body: ChatBody, *, elapsed_s: float | None = None, streamed: bool = False) -> Reply:
    """The reply in a body that has ``choices``."""
    choice = body.choices[0] if body.choices else _Choice()
    message = choice.message or _Message()
    logprobs = decode_logprobs(choice.logprobs, token_ids=_ids(choice.token_ids))
    detail = ""
    if choice.error:
        detail = clean(read_error({"error": choice.error}).message)
    elif not body.choices:
        detail = "the server sent no choices"
    elif message.tool_calls and not message.content:
        detail = "a tool call in place of an answer"
    blocks = read_blocks(message.content)
    if message.refusal and not blocks.answer.strip():
        # The model's own refusal in a field of its own: that is its answer, not a filter's doing.
        blocks = msgspec.structs.replace(blocks, answer=message.refusal)
    fields = [(name, flatten(getattr(message, name))) for name in TRACE_FIELDS]
    finish = "error" if choice.error else choice.finish_reason or ""
    usage = _usage(body.usage)
    if _misfiled(body, blocks, fields, finish, usage):
        fields, blocks = [], Channels(answer=fields[0][1])
        detail = MISFILED
    channels = split_message(fields, blocks)
    return build_reply(
        channels,
        finish=finish,
        detail=detail,
        usage=usage,
        logprobs=logprobs,
        provenance=Provenance(
            model=body.model or "",
            fingerprint=body.system_fingerprint or "",
            provider=body.provider if isinstance(body.provider, str) else "",
            trace_source=channels.source,
            streamed=streamed,
        ),
        elapsed_s=elapsed_s,
    )


def _misfiled(body: ChatBody, blocks: Channels, fields: list[tuple[str, str]], finish: str, usage: Usage) -> bool:
    """Whether vLLM put an answer into its reasoning field.

    Its deepseek_r1 parser takes everything before ``</think>`` for reasoning, also when the model never thought: content
    is null, the reply ended by itself, and vLLM's own count says that no token was reasoning (seen on 0.32). Other
    servers write a count of 0 without counting, so only vLLM is believed.
    """
    return (
        (body.system_fingerprint or "").startswith("vllm-")
        and not blocks.answer.strip()
        and bool(fields[0][1].strip())
        and finish == "stop"
        and usage.reasoning_tokens == 0
    )


def build_reply(
    channels: Channels,
    *,
    finish: str,
    usage: Usage,
    provenance: Provenance,
    detail: str = "",
    logprobs: TokenLogprobs | None = None,
    elapsed_s: float | None = None,
) -> Reply:
    """A Reply with its transport outcome told from finish reason and content."""
    outcome, why = judge_transport(channels, finish)
    return Reply(
        answer=channels.answer,
        trace=channels.trace,
        finish_reason=finish,
        outcome=outcome,
        detail="; ".join(d for d in (why, detail) if d),
        usage=usage,
        logprobs=logprobs,
        provenance=provenance,
        latency_s=elapsed_s,
    )


def judge_transport(channels: Channels, finish: str) -> tuple[Outcome | None, str]:
    """What the transport already knows about a reply, and why; (None, "") if it is content to be read.

    A reply that met the token limit is *truncated* even if it has an answer: what was not said yet (a disclaimer, a
    leak, the final choice) can turn its label around, and the longer-winded model of a pair would be scored on worse
    material than the other. The text stays in the reply for whoever wants to look.
    """
    reason = finish.lower()
    if reason in _ERROR:
        return Outcome.ERROR, "the server broke the reply off"
    if reason in _FILTER:
        return Outcome.FILTERED, "the provider's filter stopped the reply"
    if reason in _LENGTH:
        part = "" if channels.answer.strip() else " before an answer began"
        return Outcome.TRUNCATED, f"the token limit was reached{part}"
    if channels.unclosed:
        return Outcome.TRUNCATED, "the trace never ended"
    if not channels.answer.strip():
        return Outcome.EMPTY, "a trace but no answer" if channels.trace else "no text at all"
    return None, ""


def filtered_reply(detail: str) -> Reply:
    """The reply for a request that the provider's moderation stopped before the model saw it."""
    return Reply(answer="", finish_reason="content_filter", outcome=Outcome.FILTERED, detail=detail)


def count(value: float | None) -> int | None:
    """A token count from JSON: some servers write 12.0, -1 or null."""
    return int(value) if value is not None and math.isfinite(value) and value >= 0 else None


def _usage(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    inside, cached = usage.completion_tokens_details, usage.prompt_tokens_details
    return Usage(
        prompt_tokens=count(usage.prompt_tokens),
        completion_tokens=count(usage.completion_tokens),
        reasoning_tokens=count(inside.reasoning_tokens if inside else usage.reasoning_tokens),
        cached_tokens=count(cached.cached_tokens if cached else usage.prompt_cache_hit_tokens),
    )


def _ids(value: Any) -> list[int] | None:
    return value if isinstance(value, list) and all(isinstance(v, int) for v in value) else None
