"""Scoring on SGLang through its own ``/generate``: input logprobs with alternatives, all by token id.

Field names as in sglang 0.5.23 (srt/managers/io_struct.py, srt/entrypoints/http_server.py). Values are the model's own at
temperature 1, which is what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.endpoints.scoring.base import Known, Prefix, Sampled, ScoreProtocol, Targets, unreadable
from auditor.endpoints.scoring.decoding import chosen, ids_of, ranked, triples
from auditor.endpoints.scoring.routes import WHOLE, RouteScorer
from auditor.records import Message, TokenPosition

_SETTINGS = {**WHOLE, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}


class SglangScorer(RouteScorer):
    """Scores through ``/generate`` of one SGLang server."""

    name = "sglang"
    protocol: ScoreProtocol = "F"
    targets: Targets = "all"
    template_fields = ("messages", "chat_template_kwargs")

    async def _prefix(self, messages: tuple[Message, ...]) -> Prefix:
        """The ids of the messages behind the chat template."""
        return Prefix(await self._tokens({**self._template_body(messages), "add_generation_prompt": True}))

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """See `Scorer.tokenise`."""
        return await self._tokens({"prompt": text, "add_special_tokens": False})

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """See `Scorer.sample`. SGLang does not repeat by seed; the tape does."""
        body = {
            "sampling_params": {**_SETTINGS, "max_new_tokens": max_tokens, "sampling_seed": seed},
            "top_logprobs_num": top,
        }
        meta, text = await self._generate(prefix, body, sample)
        own = triples(meta.get("output_token_logprobs") or ())
        tops = meta.get("output_top_logprobs") or []
        ids = tuple(t.id for t in own if t.id is not None)
        if not ids or len(tops) != len(ids):
            raise unreadable(self._server.spec, "the generated tokens with their logprobs")
        positions = tuple(ranked(t, triples(rows or ()), top) for t, rows in zip(own, tops, strict=True))
        reason = meta.get("finish_reason")
        return Sampled(ids, positions, isinstance(reason, dict) and reason.get("type") == "stop", text)

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
        whole, start = prefix.then(continuation), len(prefix.ids)
        # One token before the continuation: the first logprob of a window has no context and comes as null.
        body = {
            "sampling_params": {**_SETTINGS, "max_new_tokens": 1},
            "top_logprobs_num": top,
            "logprob_start_len": max(start - 1, 0),
        }
        meta, _ = await self._generate(whole, body, sample)
        own, tops = meta.get("input_token_logprobs") or [], meta.get("input_top_logprobs") or []
        rows = list(zip(own, tops, strict=False))[-len(continuation) :] if continuation else []
        if [row[0][1] for row in rows if isinstance(row[0], list) and len(row[0]) > 1] != list(continuation):
            raise unreadable(self._server.spec, "logprobs of the tokens that were given")
        return {
            t: ranked(triples([rows[t][0]])[0], triples(rows[t][1] or ()), top)
            for t in (range(len(continuation)) if at is None else at)
        }

    async def known(
        self, prefix: Prefix, continuation: Sequence[int], ids: Mapping[int, Sequence[int]], *, sample: int = 0
    ) -> Known:
        """See `Scorer.known`: one call, for the union of what is wanted anywhere (``token_ids_logprob``)."""
        union = sorted({one for some in ids.values() for one in some})
        if self.targets == "none" or not union or not continuation:
            return {}
        body = {
            "sampling_params": {**_SETTINGS, "max_new_tokens": 1},
            "top_logprobs_num": 0,
            "token_ids_logprob": union,
            "logprob_start_len": max(len(prefix.ids) - 1, 0),
        }
        meta, _ = await self._generate(prefix.then(continuation), body, sample)
        rows = (meta.get("input_token_ids_logprobs") or [])[-len(continuation) :]
        if len(rows) < len(continuation):
            raise unreadable(self._server.spec, "logprobs of the tokens that were asked for")
        return {t: chosen(triples(rows[t] or ()), some) for t, some in ids.items()}

    async def _tokens(self, body: dict[str, Any]) -> tuple[int, ...]:
        whole = {"model": self._server.spec.model, **body}
        answer, _ = await self._ask(f"{self._root}/tokenize", whole)
        ids = ids_of(answer.get("tokens"))
        if ids is None:
            raise unreadable(self._server.spec, "token ids")
        return ids

    async def _generate(self, prefix: Prefix, body: dict[str, Any], sample: int) -> tuple[dict[str, Any], str]:
        whole = {"input_ids": list(prefix.ids), "return_logprob": True, "return_text_in_logprobs": True, **body}
        answer, new = await self._ask(f"{self._root}/generate", whole, sample)
        meta = answer.get("meta_info")
        if not isinstance(meta, dict):
            raise unreadable(self._server.spec, "logprobs")
        if new:
            self.spent.tokens(int(meta.get("prompt_tokens") or 0), int(meta.get("completion_tokens") or 0))
        return meta, str(answer.get("text") or "")
