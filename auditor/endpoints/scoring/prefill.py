"""Scoring through chat, where there is no completions route: an assistant message is continued, one token per position.

``continue_final_message`` as vLLM and SGLang have it, with ``return_token_ids`` to see that the prompt was cut into the
tokens that were written; a position where it was not is left out. (llama-server continues such a message by itself and
repeats it in the answer, and has ``/completion``, which is exact. Vendors' models that continue a message give no logprobs.)

vLLM's chat lists the sampled token in place of the k-th best where it is not among them, so of k alternatives that are
asked for k - 1 are kept: those are the best whatever was sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from auditor.endpoints.logprobs import decode_logprobs
from auditor.endpoints.scoring.base import FORCE, Prefix, Sampled, ScoreProtocol, Server, spelled, unreadable
from auditor.endpoints.scoring.completions import next_given, without
from auditor.endpoints.scoring.decoding import ids_of, ranked
from auditor.endpoints.scoring.routes import RouteScorer
from auditor.errors import NotAnApi
from auditor.records import Message, TokenLogprob, TokenPosition

_LARGEST_BIAS = 100.0
"""Chat routes refuse more."""


class PrefillScorer(RouteScorer):
    """Scores through ``/v1/chat/completions`` of one server.

    Args:
        server: the endpoint.
        forced: the server was seen to report logprobs from before ``logit_bias``, so that the given token can be forced.
    """

    name = "chat_prefill"
    protocol: ScoreProtocol = "P"

    def __init__(self, server: Server, *, forced: bool = False) -> None:
        super().__init__(server)
        self._forced = forced
        self._asked: dict[tuple[int, ...], tuple[Message, ...]] = {}

    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        ids, _ = await self._next(messages, "", {"max_tokens": 1}, 0)
        self._asked[ids] = messages
        return Prefix(ids)

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """The ids of a text: what a message that begins with it has more than one without."""
        hello = (Message("user", "x"),)
        before = (await self.prefix(hello)).ids
        ids, _ = await self._next(hello, text, {"max_tokens": 1}, 0)
        if ids[: len(before)] != before:
            raise unreadable(self._server.spec, "a continued message")
        return ids[len(before) :]

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """See `Scorer.sample`."""
        messages, _ = self._conversation(prefix)
        asked = max(top, 2)
        body = {"max_tokens": max_tokens, "seed": seed, "top_logprobs": asked}
        ids, choice = await self._next(messages, prefix.text, body, sample)
        made = ids_of(choice.get("token_ids"))
        decoded = decode_logprobs(msgspec.json.encode(choice.get("logprobs")), token_ids=list(made or ()))
        if ids != prefix.ids or not made or decoded is None or len(decoded.positions) != len(made):
            raise unreadable(self._server.spec, "the generated tokens with their logprobs")
        positions = tuple(ranked(_printed(p.sampled), without(p, asked - 1), asked - 1) for p in decoded.positions)
        text = "".join(p.sampled.token for p in positions)
        return Sampled(made, positions, choice.get("finish_reason") == "stop", text)

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
        """See `Scorer.score`; one call for each place. Places whose text is cut into other tokens are left out."""
        messages, _ = self._conversation(prefix)
        found = {}
        asked = max(top, 2)
        for t in range(len(continuation)) if at is None else at:
            before = prefix.text + "".join(spelled(pieces[:t], t, self._server.spec))
            body: dict[str, Any] = {"max_tokens": 1, "seed": 0, "top_logprobs": asked}
            if self._forced:
                body["logit_bias"] = {str(continuation[t]): min(FORCE, _LARGEST_BIAS)}
            ids, choice = await self._next(messages, before, body, sample)
            if ids == prefix.then(continuation[:t]).ids:
                found[t] = self._position(choice, continuation[t], asked - 1 if top else 0)
        return found

    def _position(self, choice: dict[str, Any], token: int, top: int) -> TokenPosition:
        position = next_given(choice, token, top, self._server.spec)
        return msgspec.structs.replace(position, sampled=_printed(position.sampled))

    def _conversation(self, prefix: Prefix) -> tuple[tuple[Message, ...], tuple[int, ...]]:
        for ids, messages in self._asked.items():
            if prefix.ids[: len(ids)] == ids:
                return messages, ids
        raise NotAnApi("A prefix came from elsewhere than this scorer.", "Ask this scorer for its prefixes.")

    async def _next(
        self, messages: tuple[Message, ...], begun: str, body: dict[str, Any], sample: int
    ) -> tuple[tuple[int, ...], dict[str, Any]]:
        """The prompt's ids and the first choice, the reply having begun with this text."""
        whole = self._chat_body(messages, temperature=1.0, top_p=1.0, seed=0)
        whole |= {"logprobs": True, "top_logprobs": 1, "return_token_ids": True, "return_tokens_as_token_ids": True}
        whole |= body
        if begun:
            told = {"role": "assistant", "content": begun}
            whole |= {"messages": [*whole["messages"], told], "continue_final_message": True}
            whole["add_generation_prompt"] = False
        answer = await self._openai("chat/completions", whole, sample)
        ids, choices = ids_of(answer.get("prompt_token_ids")), answer.get("choices")
        if not ids or not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise unreadable(self._server.spec, "the prompt's token ids")
        return ids, choices[0]


def _printed(token: TokenLogprob) -> TokenLogprob:
    """The token as its bytes spell it: asked to name tokens by id, vLLM still sends the sampled one's bytes."""
    if not token.token.startswith("token_id:") or token.raw is None:
        return token
    return msgspec.structs.replace(token, token=token.raw.decode("utf-8", "replace"))
