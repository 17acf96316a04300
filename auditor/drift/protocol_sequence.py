"""One text, written by one model and scored by both: what protocols F, S and P gather, and how it is cut into parts.

Parts follow from tokens *before* a position and control positions from the distributions *at* it, never from the token
that was sampled there: a selection by the sampled token would bias every estimate over it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from auditor.drift.hybrid import Position
from auditor.drift.protocol_keys import KeyKind, key_of
from auditor.drift.topk import Key, TopK
from auditor.records import Part, TokenLogprob, TokenPosition

Segment = Literal["answer", "trace", "control"]

CONTROL_MASS: Final = 0.01
"""A position is control if markers of a trace hold at least this probability under one of the models."""
MARKER: Final = re.compile(
    r"\s*(<(?P<close>/)?(think|thinking|thought|reasoning|seed:think)>|\[(?P<close2>/)?THINK\]|◁(?P<close3>/)?think▷"
    r"|<\|(begin|(?P<close4>end))_of_thought\|>)\s*",
    re.IGNORECASE,
)
"""Tokens that begin or end a trace, as they print."""


@dataclass(frozen=True, slots=True)
class Markers:
    """Which tokens begin and end a trace: ids where the tokenizer has them as one token, and what prints like one."""

    opening: frozenset[int] = frozenset()
    closing: frozenset[int] = frozenset()

    def kind(self, token_id: int | None, text: str) -> Literal["", "open", "close"]:
        """Whether a token begins or ends a trace."""
        if token_id in self.opening:
            return "open"
        if token_id in self.closing:
            return "close"
        found = MARKER.fullmatch(text)
        if found is None:
            return ""
        return "close" if any(found[name] for name in ("close", "close2", "close3", "close4")) else "open"

    def open_at_end(self, ids: Sequence[int]) -> bool:
        """Whether a prompt ends inside a trace: some templates write its first marker themselves."""
        for token_id in reversed(ids):
            if token_id in self.opening:
                return True
            if token_id in self.closing:
                return False
        return False


@dataclass(frozen=True, slots=True)
class Step:
    """One scored position of a text.

    Attributes:
        index: its place in the text.
        part: whether trace or answer is written here.
        control: markers of a trace hold probability here.
        token: the given token as it prints.
        pair: both models at this context. A logprob is NaN where one position at a time is asked for and the given token
            is not among the best: then there are bounds, and no estimate.
        again: the writer's two askings, for the noise floor.
        tops: what each model would most likely have said, with its probability: writer, reader.
        lists: both lists as they came, where ``pair`` has more: each side was then asked for what only the other listed,
            and the lower bound is E3.
    """

    index: int
    part: Part
    control: bool
    token: str
    pair: Position
    again: Position | None = None
    tops: tuple[tuple[str, float] | None, tuple[str, float] | None] = (None, None)
    lists: tuple[TopK, TopK] | None = None

    @property
    def segment(self) -> Segment:
        """Where the position is counted."""
        return "control" if self.control else self.part


@dataclass(frozen=True, slots=True)
class ScoredText:
    """One text with its scored positions.

    Attributes:
        prompt: id of the prompt.
        unit: cluster that is resampled.
        dimension: the prompt's dimension, "" if it has none.
        length: tokens of the text, scored or not.
        ended: the model ended by itself; otherwise it was cut at the token limit.
        steps: scored positions in order.
        context: tokens before it under the reader, for the account of cost.
    """

    prompt: str
    unit: str
    dimension: str
    length: int
    ended: bool
    steps: tuple[Step, ...]
    context: int = 0


def parts_of(ids: Sequence[int], texts: Sequence[str], markers: Markers, *, inside: bool) -> tuple[Part, ...]:
    """Trace or answer for every token. ``inside``: the prompt ended inside a trace.

    The markers belong to the trace. A reply without a closing marker that began one is all trace.
    """
    kinds = [markers.kind(one, text) for one, text in zip(ids, texts, strict=True)]
    closes = [t for t, kind in enumerate(kinds) if kind == "close"]
    if closes:
        return tuple("trace" if t <= closes[0] else "answer" for t in range(len(ids)))
    began = inside or (bool(kinds) and "open" in kinds[: 1 + next((t for t, x in enumerate(texts) if x.strip()), 0)])
    return ("trace" if began else "answer",) * len(ids)


def control_mass(lists: Iterable[TokenPosition], markers: Markers) -> float:
    """The largest probability that markers hold in one of the lists."""
    masses = [
        math.fsum(math.exp(t.logprob) for t in _distinct(p) if t.logprob is not None and markers.kind(t.id, t.token))
        for p in lists
    ]
    return max(masses, default=0.0)


def position_of(
    given: TokenPosition,
    other: TokenPosition,
    kind: KeyKind,
    lists: tuple[TopK | None, TopK | None],
    inclusion: float,
) -> Position:
    """Both models at one context; NaN where one of them has no number for the given token."""
    p, q = (math.nan if one.sampled.logprob is None else one.sampled.logprob for one in (given, other))
    sampled: Key = key_of(given.sampled, kind)
    return Position(sampled, p, q, p=lists[0], q=lists[1], inclusion=inclusion)


def likeliest(position: TokenPosition) -> tuple[str, float] | None:
    """The most likely listed token as it prints, with its probability."""
    known = [t for t in position.top if t.logprob is not None]
    best = max(known, key=lambda t: t.logprob or 0.0, default=None)
    return None if best is None or best.logprob is None else (printed(best), math.exp(best.logprob))


def printed(token: TokenLogprob) -> str:
    """A token as it prints, or its id where the server prints nothing."""
    if token.token.startswith("token_id:") or not token.token:
        return f"#{token.id}" if token.id is not None else ""
    return token.token


def _distinct(position: TokenPosition) -> list[TokenLogprob]:
    own = position.sampled
    listed = any((t.id, t.token) == (own.id, own.token) or (t.id is not None and t.id == own.id) for t in position.top)
    return list(position.top) if listed else [*position.top, own]
