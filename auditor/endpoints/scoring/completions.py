"""Scoring through ``/v1/completions`` with token ids as the prompt: vLLM, the simulator, and servers that follow them.

Three ways, best first: ``prompt_logprobs`` (lists by id), ``echo`` with logprobs (lists by text unless the server prints
ids), and one generated token per position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.logprobs import decode_logprobs
from auditor.endpoints.scoring.base import FORCE, Known, Prefix, Sampled, Server, unreadable
from auditor.endpoints.scoring.decoding import chosen, ids_of, prompt_logprobs, ranked
from auditor.endpoints.scoring.routes import WHOLE, RouteScorer
from auditor.records import EndpointSpec, Message, TokenLogprob, TokenPosition

Way = Literal["prompt_logprobs", "echo", "one_by_one"]


class CompletionsScorer(RouteScorer):
    """Scores through the completions route of one server.

    Args:
        server: the endpoint.
        way: how given tokens are scored.
        forced: for ``one_by_one``: the server was seen to report logprobs from before ``logit_bias``, so that the given
            token can be forced and its own logprob comes even where it is not among the best.
        targeted: the server was seen to list tokens that are asked for by id (vLLM's ``logprob_token_ids``).
    """

    def __init__(self, server: Server, way: Way, *, forced: bool = False, targeted: bool = False) -> None:
        super().__init__(server)
        self.targets = "each" if targeted else "none"
        self._way: Way = way
        self._forced = forced
        self.name = way
        self.protocol = "P" if way == "one_by_one" else "F"

    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        """The ids that the chat route saw for these messages."""
        body = self._chat_body(messages, temperature=1.0, top_p=1.0, seed=0) | {"return_token_ids": True}
        answer = await self._openai("chat/completions", body, 0)
        ids = ids_of(answer.get("prompt_token_ids"))
        if not ids:
            raise unreadable(self._server.spec, "the prompt's token ids")
        return Prefix(ids)

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """The ids that the completions route made of a text."""
        choice = await self._complete(
            {"prompt": text, "max_tokens": 1, "add_special_tokens": False, "return_token_ids": True}, 0
        )
        ids = ids_of(choice.get("prompt_token_ids"))
        if ids is None:
            raise unreadable(self._server.spec, "a text's token ids")
        return ids

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """See `Scorer.sample`. Raises NotAnApi where no token ids come back."""
        choice = await self._complete(
            {
                "prompt": list(prefix.ids),
                "max_tokens": max_tokens,
                "seed": seed,
                **self._lists(top),
                "return_token_ids": True,
            },
            sample,
        )
        ids = ids_of(choice.get("token_ids"))
        if ids is None:
            raise unreadable(self._server.spec, "the generated token ids")
        decoded = decode_logprobs(msgspec.json.encode(choice.get("logprobs")), token_ids=list(ids))
        positions = decoded.positions if decoded is not None else ()
        ended = choice.get("finish_reason") == "stop"
        return Sampled(ids, positions if len(positions) == len(ids) else (), ended, str(choice.get("text") or ""))

    async def score(
        self,
        prefix: Prefix,
        continuation: Sequence[int],
        *,
        top: int,
        at: Sequence[int] | None = None,
        sample: int = 0,
        pieces: Sequence[str] = (),
    ) -> dict[int, TokenPosition]:
        """See `Scorer.score`."""
        wanted = range(len(continuation)) if at is None else at
        if self._way == "one_by_one":
            return {t: await self._next(prefix.then(continuation[:t]), continuation[t], top, sample) for t in wanted}
        whole = prefix.then(continuation)
        given: list[TokenPosition | None]
        if self._way == "prompt_logprobs":
            choice = await self._complete(
                {"prompt": list(whole.ids), "max_tokens": 1, "prompt_logprobs": top, "seed": 0}, sample
            )
            given = prompt_logprobs(choice.get("prompt_logprobs") or (), whole.ids, top)
        else:
            given = await self._echoed(whole, top, sample)
        if len(given) < len(whole.ids):
            raise unreadable(self._server.spec, "logprobs of every prompt token")
        start = len(prefix.ids)
        found = {t: given[start + t] for t in wanted}
        return {t: position for t, position in found.items() if position is not None}

    def _lists(self, top: int) -> dict[str, Any]:
        """How lists of alternatives are asked for."""
        return {"logprobs": top, "return_tokens_as_token_ids": True}

    async def _echoed(self, whole: Prefix, top: int, sample: int) -> list[TokenPosition | None]:
        choice = await self._complete(
            {"prompt": list(whole.ids), "max_tokens": 1, "echo": True, "seed": 0, **self._lists(top)}, sample
        )
        decoded = decode_logprobs(msgspec.json.encode(choice.get("logprobs")))
        positions = decoded.positions if decoded is not None else ()
        return [
            ranked(msgspec.structs.replace(p.sampled, id=wanted), without(p, top), top)
            for p, wanted in zip(positions, whole.ids, strict=False)
        ]

    async def _next(self, prefix: Prefix, token: int, top: int, sample: int) -> TokenPosition:
        body: dict[str, Any] = {
            "prompt": list(prefix.ids),
            "max_tokens": 1,
            "seed": 0,
            **self._lists(top),
            "return_token_ids": True,
        }
        if self._forced:
            body["logit_bias"] = {str(token): FORCE}
        choice = await self._complete(body, sample)
        return next_given(choice, token, top, self._server.spec)

    async def known(
        self, prefix: Prefix, continuation: Sequence[int], ids: Mapping[int, Sequence[int]], *, sample: int = 0
    ) -> Known:
        """See `Scorer.known`: one generated token per place."""
        if self.targets == "none":
            return {}
        return {t: await self._listed(prefix.then(continuation[:t]), some, sample) for t, some in ids.items() if some}

    async def _listed(self, prefix: Prefix, ids: Sequence[int], sample: int) -> dict[int, float]:
        body = {"prompt": list(prefix.ids), "max_tokens": 1, "seed": 0, "logprobs": 0, "logprob_token_ids": list(ids)}
        choice = await self._complete({**body, "return_token_ids": True, "return_tokens_as_token_ids": True}, sample)
        own = ids_of(choice.get("token_ids"))
        decoded = decode_logprobs(msgspec.json.encode(choice.get("logprobs")), token_ids=list(own) if own else None)
        position = decoded.positions[0] if decoded is not None and decoded.positions else None
        if position is None or not set(ids) <= {t.id for t in (*position.top, position.sampled)}:
            raise unreadable(self._server.spec, "logprobs of the tokens that were asked for")
        return chosen((*position.top, position.sampled), ids)

    async def _complete(self, body: dict[str, Any], sample: int) -> dict[str, Any]:
        settings = {**dialect_named(self._server.spec.dialect).explicit, **WHOLE}
        answer = await self._openai("completions", {"model": self._server.spec.model, **settings, **body}, sample)
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise unreadable(self._server.spec, "a completion")
        return choices[0]


def next_given(choice: Mapping[str, Any], token: int, top: int, spec: EndpointSpec) -> TokenPosition:
    """A given token and its alternatives from the logprobs of one generated token; raises NotAnApi if there are none."""
    made = ids_of(choice.get("token_ids"))
    decoded = decode_logprobs(msgspec.json.encode(choice.get("logprobs")), token_ids=list(made) if made else None)
    if decoded is None or not decoded.positions:
        raise unreadable(spec, "logprobs of the next token")
    position = decoded.positions[0]
    listed = [position.sampled, *position.top]
    own = next((t for t in listed if t.id == token), TokenLogprob(token="", logprob=None, id=token))
    return ranked(own, without(position, top), top)


def without(position: TokenPosition, top: int) -> list[TokenLogprob]:
    """The alternatives of a list that may hold the given token as one more than the ``top`` best."""
    if len(position.top) <= top:
        return list(position.top)
    own = position.sampled
    return [t for t in position.top if (t.id, t.token) != (own.id, own.token)] + (
        [own] if _inside(position, top) else []
    )


def _inside(position: TokenPosition, top: int) -> bool:
    own, values = position.sampled.logprob, [t.logprob for t in position.top if t.logprob is not None]
    return own is not None and sum(value > own for value in values) < top
