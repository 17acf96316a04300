"""OpenAI's hosted API through its own library, on our client: the library writes the request, our decoder reads the answer.

The library's retries are off (the wire has them) and its response models are not used: they cost 2 ms per reply and
lose fields of other servers.
"""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from auditor.endpoints.base import Carrier
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.faults import unreachable
from auditor.endpoints.openai_compatible import OpenAICompatible
from auditor.records import EndpointSpec


class OpenAISdk(OpenAICompatible):
    """An endpoint of OpenAI's chat completions API."""

    _route = "/chat/completions"

    def __init__(
        self, spec: EndpointSpec, dialect: Dialect, wire: Carrier, *, key: str | None, without: tuple[str, ...] = ()
    ) -> None:
        super().__init__(spec, dialect, wire, key=key, without=without)
        self._sdk = openai.AsyncOpenAI(
            # Without a key (replaying a tape) the library must not look for one in the environment.
            api_key=key or "none",
            base_url=spec.base_url,
            http_client=wire.client,
            max_retries=0,
            timeout=wire.client.timeout,
        )

    async def _post(self, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        try:
            return await self._sdk.post(self._route, cast_to=httpx2.Response, body=body, options={"headers": headers})
        except openai.APIStatusError as error:
            return error.response
        except openai.APIConnectionError as error:
            raise unreachable(error, self._spec) from error

    async def _get_models(self, headers: dict[str, str]) -> httpx2.Response:
        try:
            return await self._sdk.get("/models", cast_to=httpx2.Response, options={"headers": headers})
        except openai.APIStatusError as error:
            return error.response
        except openai.APIConnectionError as error:
            raise unreachable(error, self._spec) from error
