"""Chat over plain HTTP with any server that speaks OpenAI's format."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import httpx2
import msgspec

from auditor.endpoints.asking import AskingEndpoint, recorded_seconds
from auditor.endpoints.base import address, internal_headers
from auditor.endpoints.decoding import ChatBody, decode_body, filtered_reply, reply_of
from auditor.endpoints.faults import fault_for, fault_of, names_no_model, not_an_api, read_error, unreachable
from auditor.endpoints.loose import read_json
from auditor.endpoints.requests import chat_body
from auditor.endpoints.streaming import chat_of, is_stream, whole
from auditor.errors import AuditorError
from auditor.records import Ask, Outcome, Reply

# Reading an address takes httpx2 as long as sending a small request does, and there are only a handful of them.
_parsed = lru_cache(maxsize=64)(httpx2.URL)


class OpenAICompatible(AskingEndpoint):
    """An endpoint with ``POST {base_url}/chat/completions`` and ``GET {base_url}/models``."""

    def _body(self, ask: Ask, without: tuple[str, ...]) -> dict[str, Any]:
        return chat_body(self._spec, self._dialect, ask, without=without)

    def request_body(self, ask: Ask) -> dict[str, Any]:
        """The chat request that `ask` would send, for callers that need the server's other routes to see the same one."""
        return self._body(ask, self._conceded)

    async def exchange(self, url: str, body: dict[str, Any], *, purpose: str, sample: int = 0) -> bytes:
        """Post ``body`` to another route of the same server, over the same wire and with the same key; the body of a 200.

        Raises:
            EndpointError: a leaf of it, for any other status and for what happens on the way.
        """
        response = await self._send(url, body, internal_headers(sample, purpose))
        if response.status_code != 200:
            raise fault_of(response, self._spec, key=self._key)
        return response.content

    async def look(self, url: str) -> Any:
        """The JSON at another route of the same server, or None if there is none: a courtesy, not a need."""
        try:
            response = await self._client.get(url, headers={**self._headers(), **internal_headers(0, "probe")})
            return read_json(response.content) if response.status_code == 200 else None
        except (httpx2.TransportError, httpx2.InvalidURL, AuditorError):
            return None

    async def _post(self, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        return await self._send(address(self._spec.base_url, "/chat/completions"), body, headers)

    async def _send(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        try:
            return await self._client.post(
                _parsed(url),
                content=msgspec.json.encode(body),
                headers={**self._headers(), "content-type": "application/json", **headers},
            )
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise unreachable(error, self._spec) from error

    async def _get_models(self, headers: dict[str, str]) -> httpx2.Response:
        try:
            url = address(self._spec.base_url, "/models")
            return await self._client.get(url, headers={**self._headers(), **headers})
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise unreachable(error, self._spec) from error

    def _headers(self) -> dict[str, str]:
        if not self._key:
            return {}
        if self._dialect.key_header:
            return {self._dialect.key_header: self._key}
        return {"authorization": f"Bearer {self._key}"}

    def _read(self, response: httpx2.Response) -> Reply:
        body = decode_body(whole(response, chat_of))
        if body is None or (body.choices is None and body.error is None):
            raise not_an_api(response, self._spec)
        if body.error is not None and not body.choices:
            return self._failed(body)
        return reply_of(body, elapsed_s=recorded_seconds(response), streamed=is_stream(response))

    def _failed(self, body: ChatBody) -> Reply:
        """A 200 whose body says that it failed (OpenRouter): by its code, the user's to correct or this reply's bad luck."""
        said = read_error({"error": body.error})
        if said.flagged:
            return filtered_reply(self._quote(said))
        code = int(said.code) if said.code.isdigit() else 0
        if not code and names_no_model(said):
            code = 404
        if 400 <= code < 500 and code not in {408, 409, 425, 429}:
            raise fault_for(code, said, self._spec, key=self._key)
        return Reply(answer="", finish_reason="error", outcome=Outcome.ERROR, detail=self._quote(said))
