"""What every scorer does in the same way: posting to a server's routes, counting what is new, asking for a prefix once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from auditor.endpoints.loose import read_json
from auditor.endpoints.scoring.base import (
    Known,
    Prefix,
    ScoreProtocol,
    Server,
    Spent,
    Targets,
    root_of,
    same_ids,
    unreadable,
)
from auditor.records import Ask, Message, Sampling, TokenLogprob, TokenPosition

WHOLE: Final[Mapping[str, float]] = {"temperature": 1.0, "top_p": 1.0}
"""Temperature and top_p of every question about probabilities: the model's own distribution, nothing cut off."""


class RouteScorer(ABC):
    """A scorer that speaks through HTTP routes of one server. Subclasses say which routes and how their answers read.

    Args:
        server: the endpoint.

    Subclasses set ``name`` and ``protocol`` (see `Scorer`), write `_prefix`, `tokenise`, `sample` and `score`, and post
    through `_ask`.
    """

    name: str
    protocol: ScoreProtocol
    targets: Targets = "none"
    template_fields: ClassVar[tuple[str, ...]] = ()
    """The fields of a chat request that change what its template makes of the messages."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._root = root_of(server.spec)
        self.spent = Spent()
        self._prefixes: dict[tuple[Message, ...], Prefix] = {}

    async def prefix(self, messages: Sequence[Message]) -> Prefix:
        """See `Scorer.prefix`; asked once for the same messages."""
        key = tuple(messages)
        if key not in self._prefixes:
            self._prefixes[key] = await self._prefix(key)
        return self._prefixes[key]

    async def known(
        self, prefix: Prefix, continuation: Sequence[int], ids: Mapping[int, Sequence[int]], *, sample: int = 0
    ) -> Known:
        """See `Scorer.known`."""
        return {}

    @abstractmethod
    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        """The ids of the messages behind the server's chat template."""

    def _chat_body(self, messages: tuple[Message, ...], **sampling: Any) -> dict[str, Any]:
        """The request that the chat route would get for these messages, with the endpoint's reasoning options."""
        ask = Ask(messages=messages, sampling=Sampling(max_tokens=1, **sampling))
        return self._server.request_body(ask)

    def _template_body(self, messages: tuple[Message, ...]) -> dict[str, Any]:
        """Of that request what concerns the chat template."""
        whole = self._chat_body(messages)
        return {name: whole[name] for name in self.template_fields if name in whole}

    async def _ask(self, url: str, body: dict[str, Any], sample: int = 0) -> tuple[dict[str, Any], bool]:
        """Post to a route; the JSON object of the answer, and whether this question is new.

        Raises:
            EndpointError: a leaf of it; NotAnApi if the answer is no object.
        """
        content = await self._server.exchange(url, body, purpose="score", sample=sample)
        answer = read_json(content)
        if not isinstance(answer, dict):
            raise unreadable(self._server.spec, "a JSON object")
        return answer, self.spent.asks((url, msgspec.json.encode(body), sample))

    async def _openai(self, route: str, body: dict[str, Any], sample: int) -> dict[str, Any]:
        """Post to one of OpenAI's routes, by its path behind /v1, and count the tokens in ``usage``; raises as `_ask`."""
        answer, new = await self._ask(f"{self._server.spec.base_url}/{route}", body, sample)
        used = answer.get("usage")
        if new and isinstance(used, dict):
            self.spent.tokens(int(used.get("prompt_tokens") or 0), int(used.get("completion_tokens") or 0))
        return answer

    def _alone(
        self, given: Sequence[TokenLogprob], prefix: Prefix, continuation: Sequence[int], at: Sequence[int] | None
    ) -> dict[int, TokenPosition]:
        """A prompt's tokens, each with its own number only, as what `Scorer.score` gives.

        Raises RequestRejected if they are others than the prefix and the continuation.
        """
        same_ids([t.id for t in given], (*prefix.ids, *continuation), self._server.spec)
        start = len(prefix.ids)
        places = range(len(continuation)) if at is None else at
        return {t: TokenPosition(sampled=given[start + t], top=()) for t in places}
