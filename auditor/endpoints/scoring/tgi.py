"""Scoring on text-generation-inference through ``/generate``: ``decoder_input_details`` gives each prompt token's own number.

Written from documentation (the vendor's docs/openapi.json and router/src/lib.rs), not tried on a server. The route reads
text only, so ids are compared: what it was cut into must be what was written. It lists no alternatives for a prompt, which
is protocol S. From 3.0 on the server keeps prompt logprobs back unless it is started with ``--enable-prefill-logprobs``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from auditor.endpoints.scoring.base import Prefix, Sampled, ScoreProtocol, spelled, unreadable
from auditor.endpoints.scoring.decoding import number, ranked
from auditor.endpoints.scoring.routes import RouteScorer
from auditor.records import Message, TokenLogprob, TokenPosition

_DETAILS: Final = {"details": True, "return_full_text": False}


class TgiScorer(RouteScorer):
    """Scores through ``/generate`` of one text-generation-inference server."""

    name = "tgi"
    protocol: ScoreProtocol = "S"
    template_fields = ("messages",)

    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        """The template's ids, and the text that ``/generate`` cuts into just those: it adds special tokens of its own."""
        answer, _ = await self._ask(f"{self._root}/chat_tokenize", self._template_body(messages))
        text, tokens = answer.get("templated_text"), _tokens(answer.get("tokenize_response"))
        if not isinstance(text, str) or not tokens:
            raise unreadable(self._server.spec, "the prompt after its chat template")
        ids = tuple(t.id for t in tokens if t.id is not None)
        for whole in (text, text.removeprefix(tokens[0].token)):
            if await self._cut(whole) == ids:
                return Prefix(ids, whole)
        raise unreadable(self._server.spec, "a text that it cuts as its chat template does")

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """See `Scorer.tokenise`; what the server adds around every text is taken off."""
        around, ids = await self._cut(""), await self._cut(text)
        return ids[len(around) :] if ids[: len(around)] == around else ids

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """See `Scorer.sample`. Temperature 1 without filters is the model's own distribution."""
        body = {"max_new_tokens": max_tokens, "do_sample": True, "temperature": 1.0, "seed": seed, "top_n_tokens": top}
        details, text = await self._generate(prefix.text, body, sample)
        tokens = _tokens(details.get("tokens"))
        tops = details.get("top_tokens") or [[] for _ in tokens]
        ids = tuple(t.id for t in tokens if t.id is not None)
        if not ids or len(ids) != len(tokens) or len(tops) != len(ids):
            raise unreadable(self._server.spec, "the generated tokens with their logprobs")
        positions = tuple(ranked(t, _tokens(some), top) for t, some in zip(tokens, tops, strict=True))
        return Sampled(ids, positions, details.get("finish_reason") == "eos_token", text)

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
        body = {"max_new_tokens": 1, "do_sample": False, "decoder_input_details": True}
        details, _ = await self._generate(prefix.text + text, body, sample)
        given = _tokens(details.get("prefill"))
        if not given:
            raise unreadable(self._server.spec, "the prompt's logprobs (it needs --enable-prefill-logprobs)")
        return self._alone(given, prefix, continuation, at)

    async def _generate(self, text: str, parameters: dict[str, Any], sample: int) -> tuple[dict[str, Any], str]:
        body = {"inputs": text, "parameters": {**_DETAILS, **parameters}}
        answer, new = await self._ask(f"{self._root}/generate", body, sample)
        details = answer.get("details")
        if not isinstance(details, dict):
            raise unreadable(self._server.spec, "details of the tokens")
        if new:
            made = details.get("generated_tokens")
            self.spent.tokens(len(details.get("prefill") or ()), int(made) if isinstance(made, int | float) else 0)
        return details, str(answer.get("generated_text") or "")

    async def _cut(self, text: str) -> tuple[int, ...]:
        content = await self._server.exchange(f"{self._root}/tokenize", {"inputs": text}, purpose="score")
        try:
            listed = msgspec.json.decode(content)
        except msgspec.DecodeError:
            listed = None
        if not isinstance(listed, list):
            raise unreadable(self._server.spec, "token ids")
        return tuple(t.id for t in _tokens(listed) if t.id is not None)


def _tokens(listed: Any) -> list[TokenLogprob]:
    """TGI's {id, text, logprob, special}; the first prompt token has no logprob."""
    return [
        TokenLogprob(token=str(one.get("text") or ""), logprob=number(one.get("logprob")), id=one["id"])
        for one in listed or ()
        if isinstance(one, dict) and isinstance(one.get("id"), int)
    ]
