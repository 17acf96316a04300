"""Scoring on llama.cpp's server, which scores no prompt: one generated token per position, through its native routes.

``logit_bias`` forces the given token; the logprobs come from before it (server README: pre-sampling softmax), so each
call gives the top list and the given token's own number. ``cache_prompt`` keeps the common beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.endpoints.dialects import llama_cpp
from auditor.endpoints.scoring.base import FORCE, Prefix, Sampled, ScoreProtocol, unreadable
from auditor.endpoints.scoring.decoding import ids_of, native, ranked
from auditor.endpoints.scoring.routes import WHOLE, RouteScorer
from auditor.records import Message, TokenLogprob, TokenPosition


class LlamaCppScorer(RouteScorer):
    """Scores through ``/completion`` of one llama-server."""

    name = "llama-cpp"
    protocol: ScoreProtocol = "P"
    template_fields = ("messages", "chat_template_kwargs", "reasoning_format", "reasoning_effort")

    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        """The chat template's text, cut into tokens as the chat route does it (special tokens read and added)."""
        text = (await self._post("/apply-template", self._template_body(messages))).get("prompt")
        if not isinstance(text, str):
            raise unreadable(self._server.spec, "the prompt after its chat template")
        return Prefix(await self._tokens({"content": text, "add_special": True, "parse_special": True}))

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """See `Scorer.tokenise`."""
        return await self._tokens({"content": text, "add_special": False, "parse_special": True})

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """See `Scorer.sample`."""
        answer = await self._complete(prefix, {"n_predict": max_tokens, "n_probs": top, "seed": seed}, sample)
        positions = tuple(_position(row, None, top) for row in _rows(answer))
        ids = tuple(p.sampled.id for p in positions if p.sampled.id is not None)
        if not ids or len(ids) != len(positions):
            raise unreadable(self._server.spec, "the generated tokens with their probabilities")
        return Sampled(ids, positions, answer.get("stop_type") == "eos", str(answer.get("content") or ""))

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
        """See `Scorer.score`; one call for each place."""
        found = {}
        for t in range(len(continuation)) if at is None else at:
            body = {"n_predict": 1, "n_probs": max(top, 1), "seed": 0, "logit_bias": [[continuation[t], FORCE]]}
            rows = _rows(await self._complete(prefix.then(continuation[:t]), body, sample))
            if not rows:
                raise unreadable(self._server.spec, "the next token's probabilities")
            found[t] = _position(rows[0], continuation[t], top)
        return found

    async def _tokens(self, body: dict[str, Any]) -> tuple[int, ...]:
        ids = ids_of((await self._post("/tokenize", body)).get("tokens"))
        if ids is None:
            raise unreadable(self._server.spec, "a text's token ids")
        return ids

    async def _complete(self, prefix: Prefix, body: dict[str, Any], sample: int) -> dict[str, Any]:
        settings = {**llama_cpp.DIALECT.explicit, **WHOLE, "cache_prompt": True}
        whole = {**settings, **body, "prompt": list(prefix.ids)}
        answer, new = await self._ask(f"{self._root}/completion", whole, sample)
        if new:
            self.spent.tokens(len(prefix.ids), len(_rows(answer)))
        return answer

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer, _ = await self._ask(f"{self._root}{path}", body)
        return answer


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    rows = answer.get("completion_probabilities")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _position(row: dict[str, Any], wanted: int | None, top: int) -> TokenPosition:
    alternatives = [native(entry) for entry in row.get("top_logprobs") or () if isinstance(entry, dict)]
    own = native(row)
    if wanted is not None and own.id != wanted:
        # The bias did not hold: what was generated says nothing about the wanted token.
        own = next((t for t in alternatives if t.id == wanted), TokenLogprob(token="", logprob=None, id=wanted))
    return ranked(own, alternatives, top)
