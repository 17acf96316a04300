"""Anthropic's Messages API through its own library, on our client. It has no logprobs, no seed and no JSON mode."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import msgspec

from auditor.endpoints.asking import AskingEndpoint, recorded_seconds
from auditor.endpoints.base import Carrier
from auditor.endpoints.channels import read_blocks
from auditor.endpoints.decoding import build_reply, count
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.dialects.anthropic import (
    DIALECT,
    takes_sampling,
    thinking_off,
    thinks_adaptively,
    thinks_unasked,
)
from auditor.endpoints.faults import not_an_api, read_error, unreachable
from auditor.endpoints.requests import merged, streams
from auditor.endpoints.streaming import is_stream, message_of, whole
from auditor.records import Ask, EndpointSpec, Provenance, Reply, Usage

MIN_BUDGET = 1024
"""Smallest ``budget_tokens`` the API takes."""


class _Details(msgspec.Struct):
    thinking_tokens: float | None = None


class _Usage(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    cache_read_input_tokens: float | None = None
    cache_creation_input_tokens: float | None = None
    output_tokens_details: _Details | None = None


class _Body(msgspec.Struct):
    content: Any = None
    error: Any = None
    model: str | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


def messages_body(spec: EndpointSpec, ask: Ask, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of ``POST /v1/messages``. Pure.

    System messages are joined into ``system``. Temperature is sent if the model takes it and thinking is off (with
    thinking on the API takes 1 only, its default); top_p only if it is not 1, because newer models refuse both at once.
    JSON mode without a schema does not exist here: the prompt has to ask for it.

    The plan's ``reasoning``: ``enabled``, ``effort`` (adaptive thinking), ``budget_tokens`` (thinking of a fixed size; models
    before 4.6 know no other, and get half the token limit if the plan does not say), ``display``. Where thinking counts
    against ``max_tokens`` and would leave nothing, the limit is raised by its size. Adaptive thinking is asked to show a
    summary, also where a model thinks without being asked to: newer models leave the trace out otherwise.
    """
    system = "\n\n".join(m.content for m in ask.messages if m.role == "system")
    body: dict[str, Any] = {
        "model": spec.model,
        "max_tokens": ask.sampling.max_tokens,
        "messages": [{"role": m.role, "content": m.content} for m in ask.messages if m.role != "system"],
    }
    if system:
        body["system"] = system
    reasoning = spec.reasoning if ask.reasoning is None else ask.reasoning
    body |= _thinking(spec.model, reasoning, ask.sampling.max_tokens)
    thinks = body.get("thinking", {}).get("type") in {"enabled", "adaptive"}
    if takes_sampling(spec.model) and not thinks:
        # The API's scale ends at 1, OpenAI's at 2.
        body["temperature"] = min(ask.sampling.temperature, 1.0)
        if ask.sampling.top_p != 1.0:
            body["top_p"] = ask.sampling.top_p
    if ask.json_schema is not None:
        body = merged(body, {"output_config": {"format": {"type": "json_schema", "schema": ask.json_schema}}})
    if streams(DIALECT, ask):
        body["stream"] = True
    for name in without:
        body.pop(name, None)
    return merged(body, spec.extra_body)


def _thinking(model: str, reasoning: dict[str, Any], max_tokens: int) -> dict[str, Any]:
    if not reasoning:
        return {"thinking": {"type": "adaptive", "display": "summarized"}} if thinks_unasked(model) else {}
    show = {"display": reasoning["display"]} if "display" in reasoning else {}
    effort = reasoning.get("effort")
    if reasoning.get("enabled") is False or effort == "none":
        return {"thinking": thinking_off(model)}
    if "budget_tokens" in reasoning or not thinks_adaptively(model):
        budget = max(int(reasoning.get("budget_tokens", max_tokens // 2)), MIN_BUDGET)
        body: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": budget, **show}}
        return body if budget < max_tokens else {**body, "max_tokens": budget + max_tokens}
    body = {"thinking": {"type": "adaptive", "display": "summarized", **show}}
    return body if effort is None else {**body, "output_config": {"effort": effort}}


class AnthropicSdk(AskingEndpoint):
    """An endpoint of Anthropic's Messages API. ``top_logprobs``, ``seed`` and JSON mode of a question have no effect."""

    def __init__(
        self, spec: EndpointSpec, dialect: Dialect, wire: Carrier, *, key: str | None, without: tuple[str, ...] = ()
    ) -> None:
        super().__init__(spec, dialect, wire, key=key, without=without)
        self._sdk = anthropic.AsyncAnthropic(
            # Without a key (replaying a tape) the library must not look for one in the environment.
            api_key=key or "none",
            base_url=spec.base_url.removesuffix("/v1"),
            http_client=wire.client,
            max_retries=0,
            timeout=wire.client.timeout,
        )

    def _body(self, ask: Ask, without: tuple[str, ...]) -> dict[str, Any]:
        return messages_body(self._spec, ask, without=without)

    async def _post(self, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        # Below messages.create(), which refuses long non-streamed replies and warns about old models: both are the wire's
        # and the user's business.
        try:
            return await self._sdk.post(
                "/v1/messages", cast_to=httpx2.Response, body=body, options={"headers": headers}
            )
        except anthropic.APIStatusError as error:
            return error.response
        except anthropic.APIConnectionError as error:
            raise unreachable(error, self._spec) from error

    async def _get_models(self, headers: dict[str, str]) -> httpx2.Response:
        try:
            return await self._sdk.get("/v1/models", cast_to=httpx2.Response, options={"headers": headers})
        except anthropic.APIStatusError as error:
            return error.response
        except anthropic.APIConnectionError as error:
            raise unreachable(error, self._spec) from error

    def _read(self, response: httpx2.Response) -> Reply:
        try:
            body = msgspec.json.decode(whole(response, message_of), type=_Body)
        except msgspec.MsgspecError:
            raise not_an_api(response, self._spec) from None
        if body.content is None and body.error is None:
            raise not_an_api(response, self._spec)
        channels = read_blocks(body.content)
        return build_reply(
            channels,
            finish="error" if body.error else body.stop_reason or "",
            detail=self._quote(read_error({"error": body.error})) if body.error else "",
            usage=_usage(body.usage),
            provenance=Provenance(model=body.model or "", trace_source=channels.source, streamed=is_stream(response)),
            elapsed_s=recorded_seconds(response),
        )


def _usage(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    # Cached input is counted apart by this API; a prompt's size is the sum.
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    prompt = None if usage.input_tokens is None else usage.input_tokens + read + written
    details = usage.output_tokens_details
    return Usage(
        prompt_tokens=count(prompt),
        completion_tokens=count(usage.output_tokens),
        reasoning_tokens=count(details.thinking_tokens if details else None),
        cached_tokens=count(usage.cache_read_input_tokens),
    )
