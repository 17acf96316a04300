"""Anthropic's Messages API through its own library, on our client. It has no logprobs, no seed and no JSON mode."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import msgspec

from auditor.endpoints.base import Carrier, ServedModel, internal_headers
from auditor.endpoints.channels import read_blocks
from auditor.endpoints.decoding import build_reply, count, filtered_reply
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.dialects.anthropic import takes_sampling
from auditor.endpoints.faults import clean, fault_of, not_an_api, read_error, unreachable, with_models
from auditor.endpoints.openai_compatible import read_models, recorded_seconds
from auditor.endpoints.requests import merged, refused_setting
from auditor.errors import AuditorError, ModelNotFound
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
    content: Any
    model: str | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


def messages_body(spec: EndpointSpec, ask: Ask, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of ``POST /v1/messages``. Pure.

    System messages are joined into ``system``. Temperature is sent if the model takes it and thinking is off (with
    thinking on the API takes 1 only, its default); top_p only if it is not 1, because newer models refuse both at once.
    JSON mode without a schema does not exist here: the prompt has to ask for it.

    The plan's ``reasoning``: ``budget_tokens`` (thinking of a fixed size), ``effort`` (adaptive thinking),
    ``enabled`` false, ``display``.
    """
    system = "\n\n".join(m.content for m in ask.messages if m.role == "system")
    body: dict[str, Any] = {
        "model": spec.model,
        "max_tokens": ask.sampling.max_tokens,
        "messages": [{"role": m.role, "content": m.content} for m in ask.messages if m.role != "system"],
    }
    if system:
        body["system"] = system
    body |= _thinking(spec.reasoning)
    thinks = body.get("thinking", {}).get("type") in {"enabled", "adaptive"}
    if takes_sampling(spec.model) and not thinks:
        # The API's scale ends at 1, OpenAI's at 2.
        body["temperature"] = min(ask.sampling.temperature, 1.0)
        if ask.sampling.top_p != 1.0:
            body["top_p"] = ask.sampling.top_p
    if ask.json_schema is not None:
        body = merged(body, {"output_config": {"format": {"type": "json_schema", "schema": ask.json_schema}}})
    for name in without:
        body.pop(name, None)
    return merged(body, spec.extra_body)


def _thinking(reasoning: dict[str, Any]) -> dict[str, Any]:
    if not reasoning:
        return {}
    show = {"display": reasoning["display"]} if "display" in reasoning else {}
    effort = reasoning.get("effort")
    if reasoning.get("enabled") is False or effort == "none":
        return {"thinking": {"type": "disabled"}}
    if "budget_tokens" in reasoning:
        return {
            "thinking": {"type": "enabled", "budget_tokens": max(int(reasoning["budget_tokens"]), MIN_BUDGET), **show}
        }
    body: dict[str, Any] = {"thinking": {"type": "adaptive", **show}}
    return body if effort is None else {**body, "output_config": {"effort": effort}}


class AnthropicSdk:
    """An endpoint of Anthropic's Messages API. Refused settings are given up as in `OpenAICompatible`."""

    def __init__(self, spec: EndpointSpec, dialect: Dialect, wire: Carrier, *, key: str | None) -> None:
        self._spec = spec
        self._dialect = dialect
        self._key = key
        self._conceded: tuple[str, ...] = ()
        self._sdk = anthropic.AsyncAnthropic(
            api_key=key or "none",
            base_url=spec.base_url.removesuffix("/v1"),
            http_client=wire.client,
            max_retries=0,
            timeout=wire.client.timeout,
        )

    @property
    def spec(self) -> EndpointSpec:
        """The completed address."""
        return self._spec

    @property
    def conceded(self) -> tuple[str, ...]:
        """Settings that are no longer sent because the probe saw them refused."""
        return self._conceded

    async def ask(self, ask: Ask, *, purpose: str) -> Reply:
        """Ask one question; see `Endpoint.ask`. ``top_logprobs`` and ``seed`` of the question have no effect here."""
        headers = internal_headers(ask.sample, purpose)
        without = self._conceded
        while True:
            body = messages_body(self._spec, ask, without=without)
            response = await self._send("post", "/v1/messages", headers, body)
            refused: tuple[str, ...] = ()
            if response.status_code == 400:
                refused = tuple(s for s in refused_setting(read_error(response.content), body) if s not in without)
            if not refused:
                break
            without += refused
        if purpose == "probe":
            self._conceded = without
        try:
            return self._read(response)
        except ModelNotFound as error:
            raise with_models(error, await self.models()) from None

    async def models(self) -> list[str] | None:
        """Names of the served models, or None if the server does not list them."""
        served = await self.served()
        return None if served is None else [m.id for m in served]

    async def served(self) -> list[ServedModel] | None:
        """The server's model list, or None."""
        try:
            response = await self._send("get", "/v1/models", internal_headers(0, "probe"))
        except AuditorError:
            return None
        return read_models(response.content) if response.status_code == 200 else None

    async def _send(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None = None
    ) -> httpx2.Response:
        try:
            if method == "get":
                return await self._sdk.get(path, cast_to=httpx2.Response, options={"headers": headers})
            return await self._sdk.post(path, cast_to=httpx2.Response, body=body, options={"headers": headers})
        except anthropic.APIStatusError as error:
            return error.response
        except anthropic.APIConnectionError as error:
            raise unreachable(error, self._spec) from error

    def _read(self, response: httpx2.Response) -> Reply:
        if response.status_code != 200:
            said = read_error(response.content)
            if said.flagged:
                return filtered_reply(clean(said.message, secrets=(self._key or "",)))
            raise fault_of(response, self._spec, key=self._key, said=said)
        try:
            body = msgspec.json.decode(response.content, type=_Body)
        except msgspec.MsgspecError:
            raise not_an_api(response, self._spec) from None
        channels = read_blocks(body.content)
        return build_reply(
            channels,
            finish=body.stop_reason or "",
            usage=_usage(body.usage),
            provenance=Provenance(model=body.model or "", trace_source=channels.source),
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
