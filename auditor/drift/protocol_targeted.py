"""E3's input at the first token: each side is asked for the tokens that only the other side listed.

Two one-token calls more per prompt, and what both sides listed is known of both. Ids mean the same only under one
tokenizer; whether it is one is for the caller to know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from auditor.endpoints.targeting import Targeted
from auditor.records import SIDES, Reply, Side, TokenLogprob, TokenLogprobs, TokenPosition

AskFor = Callable[[Mapping[Side, tuple[int, ...]]], Awaitable[Mapping[Side, Targeted | None]]]
"""Asks each side for tokens by id; None where one failed."""

_OTHER: Final[Mapping[Side, Side]] = {"baseline": "candidate", "candidate": "baseline"}


async def complete(replies: Mapping[Side, Reply], ask: AskFor) -> dict[Side, Reply]:
    """The replies with `TokenPosition.targeted` filled in from what ``ask`` finds out; unchanged where it can't be had.

    Each side is asked for the whole of the other's list: that costs no more than what is missing, and tells how the tokens
    print, which lists by id do not.
    """
    ids = {side: _ids(reply) for side, reply in replies.items()}
    if len(ids) < len(SIDES) or not all(ids.values()):
        return dict(replies)
    answers = await ask({side: ids[_OTHER[side]] for side in SIDES})
    spelled = {t.id: t for found in answers.values() if found for t in found.tokens if t.token}
    return {side: _completed(replies[side], answers[side], spelled) for side in SIDES}


def is_complete(position: TokenPosition, other: TokenPosition) -> bool:
    """Whether every token that the other side listed with a number is known here, too."""
    own = {t.id for t in (*position.top, *position.targeted, position.sampled) if t.logprob is not None}
    return all(t.id in own for t in (*other.top, other.sampled) if t.logprob is not None)


def _ids(reply: Reply) -> tuple[int, ...]:
    if reply.logprobs is None or not reply.logprobs.positions:
        return ()
    first = reply.logprobs.positions[0]
    listed = [t.id for t in (*first.top, first.sampled)]
    return () if None in listed else tuple(dict.fromkeys(one for one in listed if one is not None))


def _completed(reply: Reply, answer: Targeted | None, spelled: Mapping[int | None, TokenLogprob]) -> Reply:
    if reply.logprobs is None:
        return reply
    first, *rest = reply.logprobs.positions
    listed = {t.id for t in (*first.top, first.sampled)}
    position = TokenPosition(
        sampled=_named(first.sampled, spelled),
        top=tuple(_named(t, spelled) for t in first.top),
        targeted=tuple(t for t in answer.tokens if t.id not in listed) if answer else (),
    )
    logprobs = TokenLogprobs(positions=(position, *rest), anomalies=reply.logprobs.anomalies)
    return msgspec.structs.replace(reply, logprobs=logprobs)


def _named(token: TokenLogprob, spelled: Mapping[int | None, TokenLogprob]) -> TokenLogprob:
    known = spelled.get(token.id)
    if known is None or not token.token.startswith("token_id:"):
        return token
    return msgspec.structs.replace(token, token=known.token, raw=known.raw if token.raw is None else token.raw)
