"""OpenAI's Responses API: typed output items, among them a summary of the reasoning, and logprobs inside the answer."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec

from auditor.endpoints.asking import recorded_seconds
from auditor.endpoints.channels import Channels, flatten, split_text
from auditor.endpoints.decoding import build_reply, count, filtered_reply
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.faults import fault_for, names_no_model, not_an_api, read_error
from auditor.endpoints.logprobs import decode_logprobs
from auditor.endpoints.openai_sdk import OpenAISdk
from auditor.endpoints.requests import SCHEMA_NAME, merged, sampling_body, streams, takes_logprobs
from auditor.endpoints.streaming import is_stream, response_of, whole
from auditor.records import Ask, EndpointSpec, Provenance, Reply, TokenLogprobs, Usage

LOGPROBS = "message.output_text.logprobs"
SUMMARY = "auto"
"""The most detailed summary of the reasoning that the model has."""
SOURCE = "reasoning_summary"
"""`Provenance.trace_source` of a summary: it is written about the reasoning and is not the reasoning."""


class _Details(msgspec.Struct):
    reasoning_tokens: float | None = None
    cached_tokens: float | None = None


class _Usage(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Part(msgspec.Struct):
    type: str = ""
    text: Any = None
    refusal: Any = None
    logprobs: msgspec.Raw = msgspec.Raw(b"null")


class _Item(msgspec.Struct):
    type: str = ""
    summary: Any = None
    content: list[_Part] | None = None


class _Why(msgspec.Struct):
    reason: str | None = None


class _Body(msgspec.Struct):
    output: list[_Item] | None = None
    status: str | None = None
    error: Any = None
    incomplete_details: _Why | None = None
    model: str | None = None
    usage: _Usage | None = None


def responses_body(spec: EndpointSpec, dialect: Dialect, ask: Ask, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of ``POST {base_url}/responses``. Pure.

    Nothing is stored at the server. A model that reasons is asked for a summary, its only trace; ``reasoning`` of the plan:
    ``effort``, ``enabled``, ``summary``.
    """
    options = spec.reasoning if ask.reasoning is None else ask.reasoning
    body: dict[str, Any] = {
        "model": spec.model,
        "input": [{"role": m.role, "content": m.content} for m in ask.messages],
        "max_output_tokens": ask.sampling.max_tokens,
        "store": False,
        **sampling_body(spec.model, dialect, ask, options),
    }
    if ask.top_logprobs is not None and takes_logprobs(spec.model, dialect, options):
        body["include"] = [LOGPROBS]
        body["top_logprobs"] = ask.top_logprobs
    if ask.json_schema is not None:
        form = {"type": "json_schema", "name": SCHEMA_NAME, "strict": True, "schema": ask.json_schema}
        body["text"] = {"format": form}
    elif ask.json_object:
        body["text"] = {"format": {"type": "json_object"}}
    if reasoning := _reasoning(options, dialect):
        body["reasoning"] = reasoning
    if streams(dialect, ask):
        body["stream"] = True
    for name in without:
        body.pop("include" if name == "logprobs" else name, None)
        if name == "top_logprobs":
            body.pop("include", None)
    return merged(body, spec.extra_body)


def _reasoning(options: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    rest = {k: v for k, v in options.items() if k not in {"enabled", "effort"}}
    enabled, effort = options.get("enabled"), options.get("effort")
    if effort is None and enabled is not None:
        effort = dialect.effort_on if enabled else "none"
    if effort is None:
        return rest
    return {"effort": effort, **rest} if effort == "none" else {"effort": effort, "summary": SUMMARY, **rest}


class Responses(OpenAISdk):
    """An endpoint of the Responses API. ``seed`` of a question has no effect."""

    _route = "/responses"

    def _body(self, ask: Ask, without: tuple[str, ...]) -> dict[str, Any]:
        return responses_body(self._spec, self._dialect, ask, without=without)

    def _read(self, response: httpx2.Response) -> Reply:
        try:
            body = msgspec.json.decode(whole(response, response_of), type=_Body)
        except msgspec.MsgspecError:
            raise not_an_api(response, self._spec) from None
        if body.output is None and not body.error:
            raise not_an_api(response, self._spec)
        if body.error and not body.output:
            said = read_error({"error": body.error})
            if said.flagged:
                return filtered_reply(self._quote(said))
            if names_no_model(said):
                raise fault_for(404, said, self._spec, key=self._key)
        channels = _channels(body.output or [])
        return build_reply(
            channels,
            finish=_finish(body),
            detail=self._quote(read_error({"error": body.error})) if body.error else "",
            usage=_usage(body.usage),
            logprobs=_logprobs(body.output or []),
            provenance=Provenance(model=body.model or "", trace_source=channels.source, streamed=is_stream(response)),
            elapsed_s=recorded_seconds(response),
        )


def _channels(items: list[_Item]) -> Channels:
    answer: list[str] = []
    trace: list[str] = []
    source = ""
    for item in items:
        if item.type == "reasoning":
            # Servers of open models give the reasoning itself, in ``content``; OpenAI gives a summary of it.
            own = [flatten(part.text) for part in item.content or () if part.type == "reasoning_text"]
            told = own or [flatten(part) for part in item.summary or () if isinstance(item.summary, list)]
            trace += [text.strip() for text in told if text.strip()]
            source = source or ("reasoning" if own else SOURCE)
        elif item.type == "message":
            answer += [
                flatten(part.text if part.type == "output_text" else part.refusal) for part in item.content or ()
            ]
    thought = "\n\n".join(trace)
    if not thought:
        return split_text("".join(answer))
    return Channels(answer="".join(answer), trace=thought, source=source)


def _logprobs(items: list[_Item]) -> TokenLogprobs | None:
    """Logprobs of the visible answer, the only ones there are: of every text part, one after the other."""
    parts = [part for item in items if item.type == "message" for part in item.content or ()]
    found = [decode_logprobs(b'{"content":' + bytes(part.logprobs) + b"}") for part in parts]
    some = [one for one in found if one is not None]
    if not some:
        return None
    return TokenLogprobs(
        positions=tuple(p for one in some for p in one.positions),
        anomalies=tuple(dict.fromkeys(a for one in some for a in one.anomalies)),
    )


def _finish(body: _Body) -> str:
    if body.error:
        return "error"
    if body.status == "incomplete":
        return (body.incomplete_details.reason if body.incomplete_details else None) or "max_output_tokens"
    return {"completed": "stop", "failed": "error", None: "stop"}.get(body.status, body.status or "")


def _usage(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    inside, cached = usage.output_tokens_details, usage.input_tokens_details
    return Usage(
        prompt_tokens=count(usage.input_tokens),
        completion_tokens=count(usage.output_tokens),
        reasoning_tokens=count(inside.reasoning_tokens if inside else None),
        cached_tokens=count(cached.cached_tokens if cached else None),
    )
