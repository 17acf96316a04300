"""Asking a chat endpoint for the logprobs of given tokens at the next position, by id.

vLLM has a field for it, ``logprob_token_ids`` (seen on 0.32): with ``logprobs`` true and at most 128 ids it lists the
sampled token and exactly those, in that order, in place of the best; the values are the model's own, from before
temperature, penalties and biases. A server that does not know the field ignores it, so only answers count.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from auditor.endpoints.base import Endpoint
from auditor.endpoints.logprobs import CENSORED_AT
from auditor.errors import CassetteMiss, EndpointError, NotAnApi
from auditor.records import Ask, EndpointSpec, Message, Sampling, TokenLogprob, Usage

MOST_IDS: Final = 128
"""vLLM takes no more in one request."""
AGREE: Final = 0.05
"""Nats by which a token's median may differ between a list and being asked for by id: above batch noise."""
AS_IDS: Final = {"return_tokens_as_token_ids": True}
"""What makes vLLM name alternatives by id, so that there is something to ask for."""

_AS_ID: Final = re.compile(r"token_id:(\d+)")
_NEXT: Final = Sampling(temperature=1.0, top_p=1.0, max_tokens=1, seed=0)
_PROBED: Final = (Message("user", "x"),)
_STRANGERS: Final = 3


class Targeted(msgspec.Struct, frozen=True):
    """What a server said about the tokens it was asked for, each with its id; and what that cost."""

    tokens: tuple[TokenLogprob, ...]
    usage: Usage = Usage()


@runtime_checkable
class _Server(Protocol):
    @property
    def spec(self) -> EndpointSpec: ...

    def request_body(self, ask: Ask) -> dict[str, Any]: ...

    async def exchange(self, url: str, body: dict[str, Any], *, purpose: str, sample: int = 0) -> bytes: ...


class _Token(msgspec.Struct):
    token: str = ""
    logprob: float | None = None
    bytes: list[int] | None = None
    top_logprobs: list[_Token] = []


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Choice(msgspec.Struct):
    logprobs: _Logprobs | None = None
    token_ids: list[int] | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice]
    usage: dict[str, Any] | None = None


class Targeter:
    """Asks one chat endpoint for the next token's logprob of given ids."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    async def ask(
        self, messages: tuple[Message, ...], ids: Sequence[int], *, purpose: str, sample: int = 0
    ) -> Targeted:
        """The logprobs (nats) of these tokens, at most `MOST_IDS`, as the first of a reply to ``messages``.

        Raises:
            EndpointError: a leaf of it; NotAnApi where the answer does not list what was asked for.
        """
        wanted = list(dict.fromkeys(ids))[:MOST_IDS]
        whole = self._server.request_body(Ask(messages=messages, sampling=_NEXT, sample=sample))
        body = whole | {"logprobs": True, "logprob_token_ids": wanted, "return_token_ids": True}
        content = await self._server.exchange(
            f"{self._server.spec.base_url}/chat/completions", body, purpose=purpose, sample=sample
        )
        try:
            answer = msgspec.json.decode(content, type=_Body, strict=False)
            choice = answer.choices[0]
            listed = choice.logprobs.content[0].top_logprobs if choice.logprobs and choice.logprobs.content else []
        except (msgspec.MsgspecError, RecursionError, IndexError):
            raise self._unreadable() from None
        named = [_AS_ID.fullmatch(entry.token) for entry in listed]
        if listed and all(named):
            order = [int(found[1]) for found in named if found]
        else:
            sampled = (choice.token_ids or [-1])[0]
            order = [sampled, *(one for one in wanted if one != sampled)]
        if len(order) != len(listed) or not set(wanted) <= set(order):
            raise self._unreadable()
        used = answer.usage or {}
        return Targeted(
            tokens=tuple(_token(entry, one) for entry, one in zip(listed, order, strict=True) if one in wanted),
            usage=Usage(prompt_tokens=used.get("prompt_tokens"), completion_tokens=used.get("completion_tokens")),
        )

    def _unreadable(self) -> NotAnApi:
        return NotAnApi(
            f"{self._server.spec.base_url} did not list the tokens it was asked for.",
            "Bounds from the two lists alone need no such request.",
        )


async def find_targeter(endpoint: Endpoint, named_by_id: Endpoint) -> Targeter | None:
    """How to ask this endpoint for given tokens, or None if it does not do it; two requests at most.

    Args:
        endpoint: the endpoint.
        named_by_id: the same, asked to name alternatives by id (`AS_IDS`).

    A list is asked for, then its tokens by id together with others: all must come, and the known ones with the numbers
    that they had.
    """
    if not isinstance(endpoint, _Server):
        return None
    targeter = Targeter(endpoint)
    try:
        reply = await named_by_id.ask(Ask(messages=_PROBED, sampling=_NEXT, top_logprobs=3), purpose="probe")
        top = reply.logprobs.positions[0].top if reply.logprobs and reply.logprobs.positions else ()
        known = {t.id: t.logprob for t in top if t.id is not None and t.logprob is not None}
        if not known or len(known) < len(top):
            return None
        strangers = [one for one in range(len(known) + _STRANGERS) if one not in known][:_STRANGERS]
        ids = [*strangers, *reversed(known)]
        found = await targeter.ask(_PROBED, ids, purpose="probe")
    except (EndpointError, CassetteMiss):
        return None
    gaps = [abs(t.logprob - known[t.id]) for t in found.tokens if t.id in known and t.logprob is not None]
    return targeter if len(gaps) == len(known) and statistics.median(gaps) < AGREE else None


def _token(entry: _Token, token_id: int) -> TokenLogprob:
    number = entry.logprob
    usable = number is not None and CENSORED_AT < number <= 1e-3
    text = "" if _AS_ID.fullmatch(entry.token) else entry.token
    # U+FFFD spelled out is the server's own print-out, not the token's bytes.
    raw = bytes(entry.bytes) if entry.bytes and text and "\ufffd" not in text else None
    return TokenLogprob(
        token=text, logprob=min(number, 0.0) if usable and number is not None else None, id=token_id, raw=raw
    )
