"""Decoding the logprobs of chat and completion bodies into `records.TokenLogprobs`. Pure.

What comes back is written down, not repaired: every returned alternative stays in ``top`` (sorted, most likely first;
those without a usable number last), the sampled token is named apart, and whatever looks wrong becomes a sentence in
``anomalies``. Whether the sampled token pushed the k-th best out of the list (vLLM) is for the estimators to allow for.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from auditor.records import TokenLogprob, TokenLogprobs, TokenPosition

CENSORED_AT: Final = -9000.0
"""-9999 (OpenAI, vLLM) and -3.4e38 (SGLang, llama.cpp) stand for "no number"; no float32 softmax comes near."""
MLX_SENTINEL: Final = -100.0
"""Some MLX servers write exactly this for "no number"; as a real value it would not matter to any figure."""
MAX_EXCESS: Final = 1e-3
"""Probabilities of different tokens may sum to at most 1 + this."""
MANY: Final = 8
"""From this many generated positions on, most of them exactly 0.0 is a broken server and not a confident model."""

_AS_ID: Final = re.compile(r"token_id:(\d+)")
_REPLACEMENT: Final = "\ufffd"


class _Entry(msgspec.Struct, gc=False):
    token: str | None = None
    logprob: float | None = None
    id: int | None = None
    token_id: int | None = None
    bytes: list[int] | None = None
    prob: float | None = None
    top_probs: list[Any] | None = None


class _Sampled(_Entry, gc=False):
    # Read when its turn comes: 64 lists of 20 alternatives, all alive at once, keep the garbage collector busy for longer
    # than reading them takes.
    top_logprobs: msgspec.Raw = msgspec.Raw(b"null")


class _Chat(msgspec.Struct):
    content: list[_Sampled] | None = None
    refusal: list[_Sampled] | None = None


class _Legacy(msgspec.Struct):
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float | None] | None] | dict[str, float | None] | None = None
    token_ids: list[int | None] | None = None


_CHAT: Final = msgspec.json.Decoder(_Chat, strict=False)
_ALTERNATIVES: Final = msgspec.json.Decoder(list[_Entry] | None, strict=False)


def decode_logprobs(raw: msgspec.Raw | bytes, *, token_ids: list[int] | None = None) -> TokenLogprobs | None:
    """Decode the ``logprobs`` value of one choice.

    Args:
        raw: its JSON. Both shapes are known: chat's ``{"content": [...]}`` and the older ``{"tokens": [...], ...}``.
        token_ids: ids of the generated tokens where the choice gave them beside (vLLM ``return_token_ids``).

    Returns:
        One position per generated token, or None if there are no logprobs in it (null, {}, an empty list).
        An unreadable value gives no positions and an anomaly, so that the answer is not lost with it.
    """
    text = bytes(raw)
    if len(text) < 16 and text.strip() in {b"", b"null", b"{}", b"[]", b"false", b"true"}:
        return None
    try:
        chat = _CHAT.decode(text)
        entries = chat.content or chat.refusal
        if entries:
            return _positions(((e, _alternatives(e)) for e in entries), token_ids, notes=_probabilities(entries))
        legacy = msgspec.json.decode(text, type=_Legacy, strict=False)
    except (msgspec.MsgspecError, RecursionError):
        return TokenLogprobs(positions=(), anomalies=("logprobs came in a shape that is not known",))
    return _legacy(legacy, token_ids)


Told = tuple[str, float | None, int | None]
"""A token's text, logprob and id."""


def listed(pairs: Iterable[tuple[Told, Iterable[Told]]]) -> TokenLogprobs:
    """Positions from each sampled token and its alternatives, as servers' own routes give them, with the same checks."""
    return _positions(((_entry(sampled), [_entry(one) for one in top]) for sampled, top in pairs), None)


def _entry(told: Told) -> _Entry:
    return _Entry(token=told[0], logprob=told[1], id=told[2])


def _alternatives(entry: _Sampled) -> list[_Entry]:
    return _ALTERNATIVES.decode(entry.top_logprobs) or []


def _probabilities(entries: list[_Sampled]) -> tuple[str, ...]:
    if any(e.prob is not None or e.top_probs is not None for e in entries):
        return ("probabilities after the sampling chain came in place of logprobs; they are not used",)
    return ()


def _legacy(body: _Legacy, token_ids: list[int] | None) -> TokenLogprobs | None:
    if not body.tokens:
        return None
    count = len(body.tokens)
    logprobs = _padded(body.token_logprobs, count)
    # Together's SDK types say one dict; that can only be one position's.
    single = isinstance(body.top_logprobs, dict)
    tops = _padded([body.top_logprobs] if single and count == 1 else None if single else body.top_logprobs, count)
    ids = _padded(body.token_ids, count)
    pairs = (
        (_Entry(token=t, logprob=lp, id=i), [_Entry(token=k, logprob=v) for k, v in (top or {}).items()])
        for t, lp, i, top in zip(body.tokens, logprobs, ids, tops, strict=True)
    )
    # The dict is keyed by text: tokens that print alike have overwritten each other before we see them.
    notes = ("alternatives came keyed by text: tokens that print alike are one entry",) if any(tops) else ()
    return _positions(pairs, token_ids, notes=notes)


def _padded(values: Iterable[Any] | None, count: int) -> list[Any]:
    got = list(values or ())[:count]
    return got + [None] * (count - len(got))


def _positions(
    pairs: Iterable[tuple[_Entry, list[_Entry]]], token_ids: list[int] | None, *, notes: tuple[str, ...] = ()
) -> TokenLogprobs:
    seen: Counter[str] = Counter()
    positions: list[TokenPosition] = []
    for entry, alternatives in pairs:
        sampled = _token(entry, seen)
        top = [_token(a, seen) for a in alternatives]
        if top:
            values = [t.logprob for t in top]
            # Nearly every list comes sorted and whole: looking is cheaper than sorting with a key.
            if None in values or values != sorted(values, reverse=True):  # type: ignore[type-var]
                top.sort(key=_rank)
            if sampled.id is None and top[0].id is not None:
                sampled = _identified(sampled, top)
            elif sampled.id is not None and top[0].id is None:
                # Known by another name than its own entry in the list, it would be counted twice (Together).
                sampled = msgspec.structs.replace(sampled, id=None)
            _check(sampled, top, seen)
        positions.append(TokenPosition(sampled, tuple(top)))
    if token_ids is not None and len(token_ids) == len(positions):
        positions = [
            p
            if p.sampled.id is not None or (p.top and p.top[0].id is None)
            else msgspec.structs.replace(p, sampled=_with_id(p.sampled, i))
            for p, i in zip(positions, token_ids, strict=True)
        ]
    positions = _without_guesses(positions, seen)
    count = len(positions)
    found = tuple(f"{what} ({n} of {count} positions)" for what, n in seen.items())
    return TokenLogprobs(positions=tuple(positions), anomalies=(*notes, *found))


def _without_guesses(positions: list[TokenPosition], seen: Counter[str]) -> list[TokenPosition]:
    """The positions without the zeros that speculative decoding leaves in place of numbers.

    llama.cpp (issue 27972; seen on b1-0c1e570) gives every token that its draft guessed the logprob 0 and no alternatives;
    the tokens between them are right. Beside positions that have alternatives such a zero is no number. Without any
    alternatives to tell it by, many of them are only reported.
    """
    zeros = sum(1 for p in positions if p.sampled.logprob == 0.0)
    if not zeros:
        return positions
    bare = sum(1 for p in positions if p.sampled.logprob == 0.0 and not p.top)
    if bare and any(p.top for p in positions):
        seen["logprob 0 without alternatives, as speculative decoding leaves it, is no number"] = bare
        return [
            TokenPosition(msgspec.structs.replace(p.sampled, logprob=None), ())
            if p.sampled.logprob == 0.0 and not p.top
            else p
            for p in positions
        ]
    if zeros == len(positions) >= MANY or (bare >= MANY and 2 * bare > len(positions)):
        seen["sampled tokens have logprob exactly 0 (a known fault of speculative decoding)"] = zeros
    return positions


def _with_id(token: TokenLogprob, token_id: int) -> TokenLogprob:
    return msgspec.structs.replace(token, id=token_id)


def _token(entry: _Entry, seen: Counter[str]) -> TokenLogprob:
    # 20 of these per generated token: the usual case takes the shortest way through.
    text, values, logprob = entry.token or "", entry.bytes, entry.logprob
    # llama.cpp writes the first, Mistral the second.
    number = entry.token_id if entry.id is None else entry.id
    if logprob is None or not -100.0 < logprob <= 0.0:
        logprob = _number(logprob, seen)
    if values and text.isascii() and not text.startswith("token_id:"):
        try:
            return TokenLogprob(text, logprob, number, bytes(values))
        except ValueError:
            return TokenLogprob(text, logprob, number)
    if (as_id := _AS_ID.fullmatch(text)) is not None:
        # Alternatives' bytes then spell "token_id:N" and say nothing; the sampled token's own are real (vLLM 0.32).
        raw = None if values == list(text.encode()) else _bytes(text, values, int(as_id[1]))
        return TokenLogprob(text, logprob, int(as_id[1]), raw)
    return TokenLogprob(text, logprob, number, _bytes(text, values, number))


def _number(logprob: float | None, seen: Counter[str]) -> float | None:
    if logprob is None or math.isnan(logprob) or logprob <= CENSORED_AT or logprob == MLX_SENTINEL:
        return None
    if logprob > MAX_EXCESS:
        seen["a logprob above 0 is no logarithm of a probability"] += 1
        return None
    return min(logprob, 0.0)


def _bytes(text: str, values: list[int] | None, token_id: int | None) -> bytes | None:
    if not values:
        # No bytes at all, or none for a token that has a text: unknown. An empty token with an id is truly empty.
        return b"" if values is not None and not text and token_id is not None else None
    try:
        raw = bytes(values)
    except ValueError:
        return None
    if _REPLACEMENT in text and raw == text.encode():
        # U+FFFD spelled out: the server re-encoded its own print-out, and the true bytes are lost.
        return None
    return raw


def _rank(token: TokenLogprob) -> float:
    return math.inf if token.logprob is None else -token.logprob


def _identified(sampled: TokenLogprob, top: list[TokenLogprob]) -> TokenLogprob:
    """The sampled token with the id and bytes of its own entry in the list, where only that one has them."""
    same = [t for t in top if t.token == sampled.token and t.logprob == sampled.logprob]
    return same[0] if len(same) == 1 else sampled


def _check(sampled: TokenLogprob, top: list[TokenLogprob], seen: Counter[str]) -> None:
    keys = [(t.raw or t.token) if t.id is None else t.id for t in top]
    if len(set(keys)) < len(keys):
        seen["several alternatives can't be told apart (same text, no ids)"] += 1
    numbers = {key: t.logprob for key, t in zip(keys, top, strict=True) if t.logprob is not None}
    if not numbers:
        seen["a list of alternatives without a single number"] += 1
    if sampled.logprob is not None and sampled.key not in numbers:
        numbers[sampled.key] = sampled.logprob
    if sum(map(math.exp, numbers.values())) > 1 + MAX_EXCESS:
        seen["probabilities sum to more than 1"] += 1
