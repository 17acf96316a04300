"""Decoding scored tokens from the shapes that servers send. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from auditor.endpoints.logprobs import CENSORED_AT
from auditor.records import TokenLogprob, TokenPosition


def number(value: Any) -> float | None:
    """A logprob in nats, or None for null, NaN, infinities and sentinels."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return None if value <= CENSORED_AT else min(float(value), 0.0) if value <= 1e-3 else None


def ranked(token: TokenLogprob, alternatives: Sequence[TokenLogprob], top: int) -> TokenPosition:
    """A position with the ``top`` likeliest alternatives, most likely first; the given token stands apart."""
    known = sorted((a for a in alternatives if a.logprob is not None), key=lambda a: -(a.logprob or 0.0))
    return TokenPosition(sampled=token, top=tuple(known[:top]))


def chosen(tokens: Iterable[TokenLogprob], ids: Iterable[int]) -> dict[int, float]:
    """The logprobs of some tokens by id, as far as they have numbers."""
    known = {t.id: t.logprob for t in tokens}
    return {one: value for one in ids if (value := known.get(one)) is not None}


def prompt_logprobs(rows: Sequence[Any], ids: Sequence[int], top: int) -> list[TokenPosition | None]:
    """vLLM's ``prompt_logprobs``: per prompt token a dict by id, the token itself among them, null where there is none.

    The token is found by its id, not by its place: proxies reorder keys that look like numbers.
    """
    out: list[TokenPosition | None] = []
    for row, wanted in zip(rows, ids, strict=False):
        if not isinstance(row, Mapping):
            out.append(None)
            continue
        entries = {int(key): _by_id(int(key), entry) for key, entry in row.items() if str(key).isdigit()}
        token = entries.get(wanted, TokenLogprob(token="", logprob=None, id=wanted))
        out.append(ranked(token, list(entries.values()), top))
    return out


def triples(rows: Sequence[Any]) -> list[TokenLogprob]:
    """SGLang's [logprob, id, text or null]."""
    return [
        TokenLogprob(
            token=str(row[2]) if len(row) > 2 and row[2] is not None else "", logprob=number(row[0]), id=row[1]
        )
        for row in rows
        if isinstance(row, list) and len(row) > 1 and isinstance(row[1], int)
    ]


def native(entry: Mapping[str, Any]) -> TokenLogprob:
    """llama.cpp's {id, token, bytes, logprob}."""
    raw = entry.get("bytes")
    return TokenLogprob(
        token=str(entry.get("token", "")),
        logprob=number(entry.get("logprob")),
        id=entry.get("id"),
        raw=bytes(raw) if isinstance(raw, list) and raw else None,
    )


def ids_of(value: Any) -> tuple[int, ...] | None:
    """A list of token ids, plain or as objects with an ``id``; None if it is anything else."""
    if not isinstance(value, list):
        return None
    ids = [one.get("id") if isinstance(one, dict) else one for one in value]
    known = tuple(one for one in ids if isinstance(one, int))
    return known if len(known) == len(ids) else None


def _by_id(token_id: int, entry: Any) -> TokenLogprob:
    if not isinstance(entry, Mapping):
        return TokenLogprob(token="", logprob=number(entry), id=token_id)
    return TokenLogprob(token=str(entry.get("decoded_token") or ""), logprob=number(entry.get("logprob")), id=token_id)
