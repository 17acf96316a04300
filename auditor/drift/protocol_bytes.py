"""Protocol F between different tokenizers: one text, scored by each model under its own tokens, compared by bytes.

Two things are well defined: the text's likelihood (k1 in bits per byte, between boundaries that both tokenisations share)
and the next byte at such a boundary (bounds by data processing). Token-level KL is not, and none is given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.drift.bytesalign import ByteRate, FirstByte, ScoredToken, align_chunks, bits_per_byte, first_byte
from auditor.drift.protocol_gather import Party, Question, Settings, answer_start, seed_of
from auditor.drift.protocol_report import Bootstrap
from auditor.drift.resample import Mean, cluster_bootstrap
from auditor.drift.topk import TopK
from auditor.records import TokenLogprob, TokenPosition

MIN_TEXTS: Final = 2
WHAT: Final = "different tokenizers: likelihood of the same text in bits per byte, and bounds for the next byte; no token-level KL"
_REPLACEMENT: Final = "\ufffd"
_END: Final = re.compile(r"<\|[^|<>]+\|>|</s>|<(eos|eot|end_of_turn|endoftext)>|\[(EOS|END)\]")
"""How tokens without text print: all of them are the one outcome "no byte"."""


@dataclass(frozen=True, slots=True)
class ScoredBytes:
    """One text by one model, scored by both under their own tokens."""

    prompt: str
    unit: str
    dimension: str
    rate: ByteRate
    boundaries: tuple[FirstByte, ...]


async def gather_bytes(question: Question, writer: Party, reader: Party, settings: Settings) -> ScoredBytes | str:
    """Write a text and score it under both tokenizers; the end token is left out. Raises EndpointError leaves."""
    before = await writer.scorer.prefix(question.messages)
    behind = await reader.scorer.prefix(question.messages)
    wrote = await writer.scorer.sample(
        before, max_tokens=settings.max_tokens, top=max(settings.top, 1), seed=seed_of(settings.seed, question.id)
    )
    if answer_start(wrote, writer.markers, before) != 0:
        return "the text holds a trace: switch thinking off to compare different tokenizers"
    text = wrote.text
    if not text or _REPLACEMENT in text:
        return "the text is empty or ends inside a character"
    ids = wrote.ids[:-1] if wrote.ended else wrote.ids
    own = await writer.scorer.score(before, ids, top=settings.top)
    theirs = await reader.scorer.tokenise(text)
    read = await reader.scorer.score(behind, theirs, top=settings.top)
    if len(own) < len(ids) or len(read) < len(theirs):
        return "a position came without logprobs"
    written, scored = _ordered(own), _ordered(read)
    try:
        p_tokens, q_tokens = spell(written, text), spell(scored, text)
        chunks = align_chunks([t for t, _ in p_tokens], [t for t, _ in q_tokens])
        rate = bits_per_byte(chunks)
    except ValueError as error:
        return str(error)
    starts = {chunk.start for chunk in chunks}
    p_at, q_at = _at_boundaries(p_tokens, starts), _at_boundaries(q_tokens, starts)
    bounds = tuple(first_byte(p_at[x], q_at[x]) for x in sorted(p_at.keys() & q_at.keys()))
    return ScoredBytes(question.id, question.unit, question.dimension, rate, bounds)


def describe_bytes(texts: Sequence[ScoredBytes], how: Bootstrap) -> dict[str, Any] | None:
    """One direction over prompts; None for fewer than two texts."""
    if len(texts) < MIN_TEXTS:
        return None
    units = [one.unit for one in texts]

    def means(columns: list[list[float]], weights: list[float], clusters: list[str]) -> tuple[Mean, ...]:
        return cluster_bootstrap(
            columns, clusters, seed=how.seed, resamples=how.resamples, level=how.level, weights=weights
        )

    sizes = [float(one.rate.bytes) for one in texts]
    delta, own, other = means(
        [
            [one.rate.delta_bits for one in texts],
            [one.rate.p_bits for one in texts],
            [one.rate.q_bits for one in texts],
        ],
        sizes,
        units,
    )
    body: dict[str, Any] = {
        "what": WHAT,
        "n": len(texts),
        "bytes": int(sum(sizes)),
        "unscored_bytes": sum(one.rate.unscored for one in texts),
        "bits_per_byte": {
            "delta": _mean(delta),
            "method": "k1 under each model's own tokenisation",
            "writer": own.value,
            "reader": other.value,
        },
        "next_byte": None,
    }
    some = [one for one in texts if one.boundaries]
    if len(some) >= MIN_TEXTS:
        counts = [float(len(one.boundaries)) for one in some]
        low, jsd_low, jsd_high = means(
            [
                [math.fsum(b.kl_lower for b in one.boundaries) / len(one.boundaries) for one in some],
                [math.fsum(b.jsd.lower for b in one.boundaries) / len(one.boundaries) for one in some],
                [math.fsum(b.jsd.upper for b in one.boundaries) / len(one.boundaries) for one in some],
            ],
            counts,
            [one.unit for one in some],
        )
        body["next_byte"] = {
            "boundaries": int(sum(counts)),
            "kl_lower": _mean(low),
            "jsd": {"lower": jsd_low.value, "upper": jsd_high.value},
        }
    return body


def spell(positions: Sequence[TokenPosition], text: str) -> list[tuple[ScoredToken, TokenPosition]]:
    """Each token with its bytes in the text. Tokens that print no bytes of their own (parts of characters) are joined with
    their neighbours into one, whose bytes are what the text has between the tokens that do.

    Raises:
        ValueError: the tokens do not spell the text.
    """
    whole = text.encode()
    out: list[tuple[ScoredToken, TokenPosition]] = []
    place, waiting = 0, list[TokenPosition]()
    for position in positions:
        raw = _bytes(position.sampled)
        if raw is None:
            waiting.append(position)
            continue
        at = whole.find(raw, place)
        if at < 0 or (at > place and not waiting):
            raise ValueError("the tokens do not spell the text")
        if waiting:
            out.append(_joined(waiting, whole[place:at]))
            waiting = []
        out.append(((raw, position.sampled.logprob), position))
        place = at + len(raw)
    if waiting:
        out.append(_joined(waiting, whole[place:]))
    elif place != len(whole):
        raise ValueError("the tokens do not spell the text")
    return out


def _joined(waiting: Sequence[TokenPosition], raw: bytes) -> tuple[ScoredToken, TokenPosition]:
    known = [p.sampled.logprob for p in waiting if p.sampled.logprob is not None]
    return (raw, math.fsum(known) if len(known) == len(waiting) else None), waiting[0]


def _at_boundaries(tokens: Sequence[tuple[ScoredToken, TokenPosition]], starts: set[int]) -> dict[int, TopK]:
    found: dict[int, TopK] = {}
    place = 0
    for (raw, _), position in tokens:
        if place in starts and position.top:
            found[place] = _by_bytes(position)
        place += len(raw)
    return found


def _by_bytes(position: TokenPosition) -> TopK:
    """The list keyed by bytes; tokens whose bytes are not known stay in the tail, which may belong to any byte."""
    masses: dict[bytes, float] = {}
    for token in position.top:
        raw = _bytes(token)
        if raw is not None and token.logprob is not None:
            masses[raw] = masses.get(raw, 0.0) + math.exp(token.logprob)
    return TopK.from_pairs([(raw, math.log(mass)) for raw, mass in masses.items()])


def _bytes(token: TokenLogprob) -> bytes | None:
    if _END.fullmatch(token.token):
        return b""
    if token.raw is not None:
        return token.raw
    lossy = not token.token or _REPLACEMENT in token.token or token.token.startswith("token_id:")
    return None if lossy else token.token.encode()


def _ordered(found: dict[int, TokenPosition]) -> list[TokenPosition]:
    return [found[t] for t in sorted(found)]


def _mean(mean: Mean) -> dict[str, Any]:
    return {"value": mean.value, "interval": list(mean.interval) if mean.interval else None}
