"""What all endpoints have in common: ask, give way where a setting is refused, read, and explain a missing model."""

from __future__ import annotations

import abc
from typing import Any

import httpx2
import msgspec

from auditor.endpoints.base import Carrier, ServedModel, internal_headers
from auditor.endpoints.decoding import filtered_reply
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.faults import ServerSaid, clean, fault_of, read_error, with_models
from auditor.endpoints.requests import refused_setting
from auditor.errors import AuditorError, ModelNotFound
from auditor.records import Ask, EndpointSpec, Outcome, Reply
from auditor.wire import ELAPSED, unsayable

UNSAYABLE = "the server computed NaN or an infinity for this question and could not write its answer (500)"
"""Detail of a reply that was lost that way."""


class AskingEndpoint(abc.ABC):
    """An endpoint over HTTP; its dialect family writes requests and reads answers.

    A setting that the model refuses outright (temperature, top_p, seed, logprobs) is left out and the question asked
    again. Only a probe's question leaves a memory of it: then what is asked does not depend on the order of the
    questions that follow, and a replay meets the same requests.
    """

    def __init__(
        self, spec: EndpointSpec, dialect: Dialect, wire: Carrier, *, key: str | None, without: tuple[str, ...] = ()
    ) -> None:
        self._spec = spec
        self._dialect = dialect
        self._client = wire.client
        self._key = key
        self._conceded = without

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
            body = self._body(ask, without)
            response = await self._post(body, headers)
            refused: tuple[str, ...] = ()
            if response.status_code in {400, 422}:
                refused = tuple(s for s in refused_setting(read_error(response.content), body) if s not in without)
            if not refused:
                break
            without += refused
        if purpose == "probe":
            self._conceded = without
        try:
            return self._reply(response)
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

    @abc.abstractmethod
    def _body(self, ask: Ask, without: tuple[str, ...]) -> dict[str, Any]:
        """The question as this server wants it, without the settings it was found to refuse."""

    @abc.abstractmethod
    async def _post(self, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        """Send the question; a response of any status, or an AuditorError."""

    @abc.abstractmethod
    async def _get_models(self, headers: dict[str, str]) -> httpx2.Response:
        """Ask for the model list; a response of any status, or an AuditorError."""

    @abc.abstractmethod
    def _read(self, response: httpx2.Response) -> Reply:
        """Read a 200. Raises NotAnApi, or what an error inside the body means."""

    def _reply(self, response: httpx2.Response) -> Reply:
        if response.status_code == 200:
            return self._read(response)
        said = read_error(response.content)
        if said.flagged:
            return filtered_reply(self._quote(said))
        if unsayable(response.status_code, response.content):
            # One reply that is lost: neither the endpoint nor any other question has anything to do with it.
            return Reply(answer="", finish_reason="error", outcome=Outcome.ERROR, detail=UNSAYABLE)
        raise fault_of(response, self._spec, key=self._key, said=said)

    def _quote(self, said: ServerSaid) -> str:
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
