"""Two tokenizers, one text: chunks cut where both tokenisations have a boundary, and the next byte both predict.

Tokens of different vocabularies have no common outcomes, so there is no token-level KL between them. Text has bytes:
likelihoods are compared per byte-aligned chunk (bits per byte), and at a common boundary both lists are coarse-grained
to their first byte, which gives valid bounds (data processing).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auditor.drift.bounds import LN2, Bounds
from auditor.drift.topk import TopK

END: Final = -1
"""The outcome "no byte": tokens without text, such as the end of the reply."""

ScoredToken = tuple[bytes, float | None]
"""A token's bytes and its logprob in nats (None: the server gave no number)."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The shortest stretch of text that both tokenisations cut at both ends.

    Attributes:
        start: first byte in the text.
        text: its bytes.
        p_logprob: sum of the first model's token logprobs in it, nats; None if one is missing.
        q_logprob: the same for the second model.
        p_tokens: how many tokens of the first model make it up.
        q_tokens: the same for the second model.
    """

    start: int
    text: bytes
    p_logprob: float | None
    q_logprob: float | None
    p_tokens: int
    q_tokens: int

    @property
    def scored(self) -> bool:
        """Whether both sides have a number."""
        return self.p_logprob is not None and self.q_logprob is not None


@dataclass(frozen=True, slots=True)
class ByteRate:
    """Likelihood of one text under two models, per byte.

    Attributes:
        p_bits: bits per byte under the first model (its cross-entropy if it wrote the text).
        q_bits: bits per byte under the second.
        bytes: bytes in chunks that both scored.
        unscored: bytes in chunks that one of them did not.
    """

    p_bits: float
    q_bits: float
    bytes: int
    unscored: int

    @property
    def delta_bits(self) -> float:
        """k1 in bits per byte, (log P - log Q) / bytes: one sample of the KL rate; may be negative."""
        return self.q_bits - self.p_bits


@dataclass(frozen=True, slots=True)
class FirstByte:
    """Bounds on divergences between two models' next-byte distributions at one boundary.

    ``kl_lower`` (nats) and the lower ends hold for the distributions over whole continuations, too. The upper ends of
    ``jsd`` and ``tv`` hold for the next byte only.
    """

    kl_lower: float
    jsd: Bounds
    tv: Bounds


def align_chunks(p_tokens: Sequence[ScoredToken], q_tokens: Sequence[ScoredToken]) -> tuple[Chunk, ...]:
    """Cut one text at the byte boundaries that both tokenisations share.

    Tokens without bytes (control tokens) join the chunk they stand in, at the end of the text the last one.

    Raises:
        ValueError: the two sides do not spell the same bytes.
    """
    if b"".join(text for text, _ in p_tokens) != b"".join(text for text, _ in q_tokens):
        msg = "the two tokenisations do not spell the same bytes: compare only text that both models scored"
        raise ValueError(msg)
    p_ends, q_ends = _ends(p_tokens), _ends(q_tokens)
    cuts = sorted(set(p_ends) & set(q_ends))
    chunks: list[Chunk] = []
    start = i = j = 0
    whole = b"".join(text for text, _ in p_tokens)
    for cut in cuts:
        if cut == start and not (cut == len(whole) and not chunks):
            continue
        last = cut == len(whole)
        p_stop = len(p_tokens) if last else p_ends.index(cut, i) + 1
        q_stop = len(q_tokens) if last else q_ends.index(cut, j) + 1
        chunks.append(
            Chunk(
                start=start,
                text=whole[start:cut],
                p_logprob=_sum(p_tokens[i:p_stop]),
                q_logprob=_sum(q_tokens[j:q_stop]),
                p_tokens=p_stop - i,
                q_tokens=q_stop - j,
            )
        )
        start, i, j = cut, p_stop, q_stop
    return tuple(chunks)


def bits_per_byte(chunks: Sequence[Chunk]) -> ByteRate:
    """Likelihood per byte over the chunks that both sides scored.

    Each model's likelihood is that of its own tokenisation of the text; the other ways to spell it are ignored, which
    understates both likelihoods a little.

    Raises:
        ValueError: no byte was scored by both.
    """
    scored = [chunk for chunk in chunks if chunk.scored]
    size = sum(len(chunk.text) for chunk in scored)
    if size == 0:
        msg = "no byte of the text was scored by both models"
        raise ValueError(msg)
    return ByteRate(
        p_bits=-math.fsum(chunk.p_logprob or 0.0 for chunk in scored) / size / LN2,
        q_bits=-math.fsum(chunk.q_logprob or 0.0 for chunk in scored) / size / LN2,
        bytes=size,
        unscored=sum(len(chunk.text) for chunk in chunks) - size,
    )


def first_byte(p: TopK, q: TopK) -> FirstByte:
    """Compare two next-token lists of different tokenizers by the first byte of each token.

    Lists must be keyed by bytes. The listed mass of a byte is a lower bound on its probability; the tail may add to any
    byte. The closest pair of next-byte distributions under these constraints raises the smaller side of the most
    unequal bytes to a common ratio (docs/drift.md); it minimises KL, JSD and TV alike.

    Raises:
        ValueError: a key that is not bytes.
    """
    a, b = _by_first_byte(p), _by_first_byte(q)
    p_free, q_free = 1.0 - math.fsum(a.values()), 1.0 - math.fsum(b.values())
    both = sorted(set(a) | set(b))
    pairs = [(a.get(x, 0.0), b.get(x, 0.0)) for x in both]
    p_free, q_free = max(p_free, 0.0), max(q_free, 0.0)
    close = _closest(pairs, p_free, q_free)
    # KL divides by Q: a rounding error in its tail counts as free mass there, which can only lower the bound.
    terms = [
        x * math.log(x / y) if y > 0 else math.inf for x, y in _closest(pairs, p_free, q_free + q.tail_slack) if x > 0
    ]
    upper_tv = min(1.0, max(0.0, 1.0 - math.fsum(min(x, y) for x, y in pairs)))
    upper_jsd = min(LN2, math.fsum(_jsd(x, y) for x, y in pairs) + LN2 * (p_free + q_free) / 2)
    lower_tv = math.fsum(abs(x - y) for x, y in close) / 2
    lower_jsd = math.fsum(_jsd(x, y) for x, y in close)
    return FirstByte(
        kl_lower=max(math.fsum(terms), 0.0),
        jsd=Bounds(min(max(lower_jsd, 0.0), upper_jsd), upper_jsd),
        tv=Bounds(min(lower_tv, upper_tv), upper_tv),
    )


def _by_first_byte(listing: TopK) -> dict[int, float]:
    masses: dict[int, float] = {}
    for key, logprob in listing.logprobs.items():
        if not isinstance(key, bytes):
            msg = f"first bytes need lists keyed by bytes, got {key!r}"
            raise ValueError(msg)
        first = key[0] if key else END
        masses[first] = masses.get(first, 0.0) + math.exp(logprob)
    return masses


def _closest(pairs: Sequence[tuple[float, float]], p_free: float, q_free: float) -> list[tuple[float, float]]:
    if math.fsum(max(0.0, y - x) for x, y in pairs) <= p_free or math.fsum(max(0.0, x - y) for x, y in pairs) <= q_free:
        # Either side alone could close the gap, so the two may be equal: nothing is proved.
        return []
    # Q's free mass lowers the largest ratios p/q to a common level, P's raises the smallest ones.
    q_level = _level(pairs, q_free)
    p_level = _level([(y, x) for x, y in pairs], p_free)
    return [(max(x, p_level * y), max(y, q_level * x)) for x, y in pairs]


def _level(pairs: Sequence[tuple[float, float]], free: float) -> float:
    """The level s with sum(max(0, s * x - y)) = free, for pairs (x, y)."""
    rising = sorted((y / x, x, y) for x, y in pairs if x > 0)
    weight = used = 0.0
    for place, (_, x, y) in enumerate(rising):
        weight += x
        used += y
        level = (free + used) / weight
        if place + 1 == len(rising) or level <= rising[place + 1][0]:
            return level
    return 0.0


def _jsd(a: float, b: float) -> float:
    middle = (a + b) / 2
    return ((a * math.log(a / middle) if a > 0 else 0.0) + (b * math.log(b / middle) if b > 0 else 0.0)) / 2


def _ends(tokens: Sequence[ScoredToken]) -> list[int]:
    ends, place = [], 0
    for text, _ in tokens:
        place += len(text)
        ends.append(place)
    return ends


def _sum(tokens: Sequence[ScoredToken]) -> float | None:
    logprobs = [logprob for _, logprob in tokens]
    known = [v for v in logprobs if v is not None]
    return math.fsum(known) if len(known) == len(logprobs) else None
