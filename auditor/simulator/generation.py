"""Turning replies into tokens: what is generated at each position and from which distribution it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from auditor.records import Side
from auditor.simulator.distributions import Context, Floats
from auditor.simulator.draws import uniform
from auditor.simulator.truth import PlantedTruth
from auditor.simulator.vocabulary import END_ID, END_THINK_ID, LEXICON, Lexicon

FinishReason = Literal["stop", "length", "content_filter"]

OWN_WORDS: Final = 0.7
"""At the later positions of planted texts the written token gets this probability on top of what it has anyway."""


class Decoding(NamedTuple):
    """How a request wants tokens to be drawn and listed. ``top`` None: no logprobs asked; ``wanted``: these tokens are
    listed, after the sampled one and in this order, in place of the best.
    """

    temperature: float
    top_p: float
    limit: int
    top: int | None
    wanted: tuple[int, ...] = ()


class Listed(NamedTuple):
    """One position's logprobs in nats: of the token itself, and of the listed alternatives, most likely first."""

    token: int
    logprob: float
    rank: int
    top: tuple[tuple[int, float], ...]


class Generation(NamedTuple):
    """Everything one choice generated: ids, positions (if asked), and where the answer begins (0 without a trace)."""

    ids: tuple[int, ...]
    listed: tuple[Listed, ...] | None
    answer_from: int
    finish: FinishReason
    thinks: bool
    words: Lexicon = LEXICON

    @property
    def answer(self) -> str:
        """The text of the answer."""
        return "" if self.thinks and not self.answer_from else self.words.write(self.ids[self.answer_from :])

    @property
    def trace(self) -> str | None:
        """The text of the trace, without its closing marker."""
        if not self.thinks:
            return None
        return self.words.write(self.ids[: self.answer_from] if self.answer_from else self.ids)


def listed(
    token: int, logprobs: Floats, top: int, truth: PlantedTruth, temperature: float, wanted: Sequence[int] = ()
) -> Listed:
    """What the server says about one position, given the raw distribution there."""
    shown = scaled(logprobs, temperature) if truth.serving.logprobs == "scaled" else logprobs
    if wanted:
        order = dict.fromkeys((token, *wanted))
        rank = 1 + int((shown > shown[token]).sum())
        return Listed(token, float(shown[token]), rank, tuple((one, float(shown[one])) for one in order))
    count = min(top, len(shown))
    best: list[int] = []
    if count:
        part = np.argpartition(-shown, count - 1)[:count]
        best = [int(one) for one in part[np.lexsort((part, -shown[part]))]]
    if top and token not in best:
        match truth.serving.sampled_outside:
            case "first":
                best = [token, *best[:-1]]
            case "appended":
                best = [*best, token]
            case "omitted":
                pass
    own = float(shown[token])
    rank = 1 + int((shown > own).sum())
    return Listed(token, own, rank, tuple((one, float(shown[one])) for one in best))


def scaled(logprobs: Floats, temperature: float) -> Floats:
    """The distribution after temperature, as log-probabilities in nats; unchanged at 0 and 1."""
    if temperature in {0.0, 1.0}:
        return logprobs
    logits: Floats = logprobs / temperature
    logits -= logits.max()
    logits -= np.log(np.exp(logits).sum())
    return logits


def sample(logprobs: Floats, temperature: float, top_p: float, draw: float) -> int:
    """The token that a uniform draw in [0, 1) selects; temperature 0 takes the most likely one."""
    if temperature == 0:
        return int(np.argmax(logprobs))
    chances = np.exp(scaled(logprobs, temperature))
    if top_p < 1:
        order = np.argsort(-chances, kind="stable")
        kept = order[: 1 + int(np.searchsorted(np.cumsum(chances[order]), top_p))]
        narrowed = np.zeros_like(chances)
        narrowed[kept] = chances[kept]
        chances = narrowed
    sums = np.cumsum(chances)
    token = int(np.searchsorted(sums, draw * sums[-1], side="right"))
    return min(token, len(chances) - 1)


def sampled(truth: PlantedTruth, side: Side, context: Context, decoding: Decoding, *identity: object) -> Generation:
    """Tokens drawn one after the other from the planted distributions, until the end token or the limit."""
    ids: list[int] = []
    positions: list[Listed] = []
    finish: FinishReason = "length"
    while len(ids) < decoding.limit:
        logprobs = context.logprobs(side)
        draw = uniform(truth.seed, side, "token", len(ids), *identity)
        token = sample(logprobs, decoding.temperature, decoding.top_p, draw)
        ids.append(token)
        if decoding.top is not None:
            positions.append(listed(token, logprobs, decoding.top, truth, decoding.temperature, decoding.wanted))
        context.extend(token, side)
        if token == END_ID:
            finish = "stop"
            break
    shown = None if decoding.top is None else tuple(positions)
    return Generation(tuple(ids), shown, 0, finish, thinks=False, words=truth.lexicon(side))


def planted(
    truth: PlantedTruth,
    side: Side,
    context: Context,
    decoding: Decoding,
    trace: Sequence[int] | None,
    answer: Sequence[int],
    finish: FinishReason,
) -> Generation:
    """A given text as if it had been generated. The first position shows the planted first-token distribution as it is;
    later ones the planted distribution mixed with `OWN_WORDS` on the token that was written.
    """
    whole = [*answer] if trace is None else [*trace, END_THINK_ID, *answer]
    ids = tuple(whole[: decoding.limit])
    if len(ids) < len(whole):
        finish = "length"
    begins = 0 if trace is None or len(ids) <= len(trace) else len(trace) + 1
    if decoding.top is None:
        return Generation(ids, None, begins, finish, trace is not None, truth.lexicon(side))
    positions = []
    for place, token in enumerate(ids):
        logprobs = context.logprobs(side)
        if place:
            logprobs = logprobs + np.log1p(-OWN_WORDS)
            logprobs[token] = np.logaddexp(logprobs[token], np.log(OWN_WORDS))
        positions.append(listed(token, logprobs, decoding.top, truth, decoding.temperature, decoding.wanted))
        context.extend(token, side)
    return Generation(ids, tuple(positions), begins, finish, trace is not None, truth.lexicon(side))


def scored(truth: PlantedTruth, side: Side, ids: Sequence[int], dimension: str | None, top: int) -> list[Listed | None]:
    """Given tokens under one side's distributions (teacher forcing); the first has no context and is None."""
    context = Context(truth, b"", dimension)
    out: list[Listed | None] = []
    for place, token in enumerate(ids):
        out.append(listed(token, context.logprobs(side), top, truth, 1.0) if place else None)
        context.extend(token, side)
    return out
