"""Chat over plain HTTP with any server that speaks OpenAI's format."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec

from auditor.endpoints.base import Carrier, ServedModel, internal_headers
from auditor.endpoints.decoding import ChatBody, decode_body, filtered_reply, reply_of
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.faults import (
    ServerSaid,
    clean,
    fault_for,
    fault_of,
    names_no_model,
    not_an_api,
    read_error,
    unreachable,
    with_models,
)
from auditor.endpoints.requests import chat_body, refused_setting
from auditor.errors import AuditorError, ModelNotFound
from auditor.records import Ask, EndpointSpec, Outcome, Reply
from auditor.wire import ELAPSED


class OpenAICompatible:
    """An endpoint with ``POST {base_url}/chat/completions`` and ``GET {base_url}/models``.

    A setting that the model refuses outright (temperature, top_p, seed, logprobs) is left out and the question asked
    again. Only a probe's question leaves a memory of it: then what is asked does not depend on the order of the
    questions that follow, and a replay meets the same requests.
    """

    def __init__(self, spec: EndpointSpec, dialect: Dialect, wire: Carrier, *, key: str | None) -> None:
        self._spec = spec
        self._dialect = dialect
        self._client = wire.client
        self._key = key
        self._conceded: tuple[str, ...] = ()

    @property
    def spec(self) -> EndpointSpec:
        """The completed address."""
        return self._spec

    @property
    def conceded(self) -> tuple[str, ...]:
        """Settings that are no longer sent because the probe saw them refused."""
        return self._conceded

    async def ask(self, ask: Ask, *, purpose: str) -> Reply:
        """Ask one question; see `Endpoint.ask`."""
        headers = internal_headers(ask.sample, purpose)
        without = self._conceded
        while True:
            body = chat_body(self._spec, self._dialect, ask, without=without)
            response = await self._post(body, headers)
            if response.status_code not in {400, 422}:
                break
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
        """The server's model list. Any fault is "does not say": asking for it is a courtesy, not a need."""
        try:
            response = await self._get_models(internal_headers(0, "probe"))
        except AuditorError:
            return None
        return read_models(response.content) if response.status_code == 200 else None

    async def _post(self, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        """Send a chat request; a response of any status, or an AuditorError."""
        try:
            return await self._client.post(
                f"{self._spec.base_url}/chat/completions",
                content=msgspec.json.encode(body),
                headers={**self._headers(), "content-type": "application/json", **headers},
            )
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise unreachable(error, self._spec) from error

    async def _get_models(self, headers: dict[str, str]) -> httpx2.Response:
        try:
            return await self._client.get(f"{self._spec.base_url}/models", headers={**self._headers(), **headers})
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise unreachable(error, self._spec) from error

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key}"} if self._key else {}

    def _read(self, response: httpx2.Response) -> Reply:
        if response.status_code != 200:
            said = read_error(response.content)
            if said.flagged:
                return filtered_reply(self._clean(said))
            raise fault_of(response, self._spec, key=self._key, said=said)
        body = decode_body(response.content)
        if body is None or (body.choices is None and body.error is None):
            raise not_an_api(response, self._spec)
        if body.error is not None and not body.choices:
            return self._failed(body)
        return reply_of(body, elapsed_s=recorded_seconds(response))

    def _failed(self, body: ChatBody) -> Reply:
        """A 200 whose body says that it failed (OpenRouter): by its code, the user's to correct or this reply's bad luck."""
        said = read_error({"error": body.error})
        if said.flagged:
            return filtered_reply(self._clean(said))
        code = int(said.code) if said.code.isdigit() else 0
        if not code and names_no_model(said):
            code = 404
        if 400 <= code < 500 and code not in {408, 409, 425, 429}:
            raise fault_for(code, said, self._spec, key=self._key)
        return Reply(answer="", finish_reason="error", outcome=Outcome.ERROR, detail=self._clean(said))

    def _clean(self, said: ServerSaid) -> str:
        return clean(said.message, secrets=(self._key or "",))


def recorded_seconds(response: httpx2.Response) -> float | None:
    """How long the exchange took when it was recorded, or None if no wire carried it."""
    elapsed = response.extensions.get(ELAPSED)
    return float(elapsed) if isinstance(elapsed, int | float) else None


def read_models(content: bytes) -> list[ServedModel] | None:
    """Read a model list: ``{"data": [{"id", "owned_by"}]}``, a bare list, or ``{"models": [{"name"}]}``."""
    try:
        data = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
    if isinstance(data, dict):
        data = data.get("data", data.get("models"))
    if not isinstance(data, list):
        return None
    rows = [row for row in data if isinstance(row, dict)]
    named = [(row.get("id") or row.get("name"), row.get("owned_by")) for row in rows]
    return [ServedModel(str(name), by if isinstance(by, str) else "") for name, by in named if name]
