"""Scoring at hosted vendors that echo a prompt with its logprobs: Fireworks and Together.

Written from documentation (the vendors' SDK types and API references), not tried on their servers. Like any other way they
are believed only if they give a text the logprobs that it had when it was generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from auditor.endpoints.logprobs import decode_logprobs
from auditor.endpoints.scoring.base import Prefix, Sampled, ScoreProtocol, Server, same_ids, spelled, unreadable
from auditor.endpoints.scoring.completions import CompletionsScorer, without
from auditor.endpoints.scoring.decoding import number, ranked
from auditor.endpoints.scoring.routes import WHOLE, RouteScorer
from auditor.records import Message, TokenLogprob, TokenPosition


class FireworksScorer(CompletionsScorer):
    """Fireworks: token ids in, ids on every alternative (at most 5), and only the part of the prompt that is wanted back."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, "echo")
        self.name = "fireworks"

    def _lists(self, top: int) -> dict[str, Any]:
        # With both set the answer has OpenAI's chat shape, whose entries carry ids.
        return {"logprobs": True, "top_logprobs": top}

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
        body = {
            "prompt": list(prefix.then(continuation).ids),
            "max_tokens": 1,
            "echo_last": len(continuation),
            "seed": 0,
        }
        choice = await self._complete({**body, **self._lists(top)}, sample)
        decoded = decode_logprobs(msgspec.json.encode(choice.get("logprobs")))
        rows = decoded.positions[: len(continuation)] if decoded is not None else ()
        # The echoed tokens come first and the generated one behind them.
        same_ids([p.sampled.id for p in rows], continuation, self._server.spec)
        places = range(len(continuation)) if at is None else at
        return {t: ranked(rows[t].sampled, without(rows[t], top), top) for t in places}


class TogetherScorer(RouteScorer):
    """Together: text in; the echoed prompt comes apart, under ``prompt``, with ids and each token's own number.

    Its SDK types know no alternatives for a prompt, which is protocol S.
    """

    name = "together"
    protocol: ScoreProtocol = "S"

    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        """The prompt as chat echoes it: ids, and the text behind the template."""
        body = self._chat_body(messages, temperature=1.0, top_p=1.0) | {"echo": True, "logprobs": 1}
        answer = await self._openai("chat/completions", body, 0)
        text, tokens = self._echo(answer)
        return Prefix(tuple(t.id for t in tokens if t.id is not None), text)

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """See `Scorer.tokenise`; a beginning that the server adds to every text is part of it."""
        _, tokens = self._echo(await self._complete(text, {"max_tokens": 1, "echo": True, "logprobs": 1}, 0))
        return tuple(t.id for t in tokens if t.id is not None)

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """See `Scorer.sample`. Filters can't be switched off by documented means; the default is none of them."""
        body = {"max_tokens": max_tokens, "seed": seed, "logprobs": max(top, 1)}
        answer = await self._complete(prefix.text, body, sample)
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        tokens = _listed(choice.get("logprobs"))
        if not tokens:
            raise unreadable(self._server.spec, "the generated tokens with their logprobs")
        ids = tuple(t.id for t in tokens if t.id is not None)
        ended = choice.get("finish_reason") in ("stop", "eos")
        positions = tuple(TokenPosition(sampled=t, top=()) for t in tokens)
        return Sampled(ids, positions, ended, str(choice.get("text") or ""))

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
        """See `Scorer.score`: without alternatives."""
        text = "".join(spelled(pieces, len(continuation), self._server.spec))
        body = {"max_tokens": 1, "echo": True, "logprobs": 1, "seed": 0}
        _, tokens = self._echo(await self._complete(prefix.text + text, body, sample))
        return self._alone(tokens, prefix, continuation, at)

    async def _complete(self, text: str, body: dict[str, Any], sample: int) -> dict[str, Any]:
        whole = {"model": self._server.spec.model, "prompt": text, **WHOLE, "repetition_penalty": 1.0, **body}
        return await self._openai("completions", whole, sample)

    def _echo(self, answer: dict[str, Any]) -> tuple[str, list[TokenLogprob]]:
        echoed = answer.get("prompt")
        first = echoed[0] if isinstance(echoed, list) and echoed and isinstance(echoed[0], dict) else {}
        tokens = _listed(first.get("logprobs"))
        if not tokens or not isinstance(first.get("text"), str):
            raise unreadable(self._server.spec, "the prompt's tokens with their logprobs")
        return first["text"], tokens


def _listed(logprobs: Any) -> list[TokenLogprob]:
    """Together's parallel lists ``tokens``, ``token_ids`` and ``token_logprobs``; [] unless all have one length."""
    if not isinstance(logprobs, dict):
        return []
    texts, ids, numbers = (logprobs.get(name) for name in ("tokens", "token_ids", "token_logprobs"))
    if not (isinstance(texts, list) and isinstance(ids, list) and isinstance(numbers, list)):
        return []
    if not len(texts) == len(ids) == len(numbers) or not all(isinstance(one, int | float) for one in ids):
        return []
    return [
        TokenLogprob(token=str(text), logprob=number(value), id=int(one))
        for text, one, value in zip(texts, ids, numbers, strict=True)
    ]
