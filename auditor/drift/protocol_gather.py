"""Gathering for protocols F, S and P: let one model write, score its text under both.

The text is sampled at temperature 1 from the whole distribution, every setting sent outright, and travels as token ids.
Each direction has a writer (the model the expectation is over) and a reader (the model that scores).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec

from auditor.drift.protocol_keys import as_topk, common_kind
from auditor.drift.protocol_sequence import (
    CONTROL_MASS,
    Markers,
    ScoredText,
    Step,
    control_mass,
    likeliest,
    parts_of,
    position_of,
    printed,
)
from auditor.drift.resample import choose_positions
from auditor.drift.topk import TopK
from auditor.endpoints.scoring import Known, Prefix, Sampled, Scorer, Spent
from auditor.errors import EndpointError
from auditor.records import Message, TokenPosition

Reasoning = Literal["as_served", "off", "own_trace", "no_trace"]
"""How a trace is dealt with; never mixed in one number.

as_served   replies as the endpoints give them; trace and answer are parts of one text
off         thinking switched off on both sides
own_trace   the answer alone, each model after a trace of its own (if it writes one)
no_trace    the same answer, forced on the reader without any trace
"""
REASONING: Final[tuple[Reasoning, ...]] = ("as_served", "off", "own_trace", "no_trace")


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt as drift needs it."""

    id: str
    unit: str
    dimension: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """How texts are gathered.

    Attributes:
        top: alternatives asked for, at least 0; 0 is protocol S.
        max_tokens: tokens per text.
        positions: scored positions per text where each costs a call (protocol P).
        noise: ask the writer a second time, for the noise floor.
        seed: of sampling and of the choice of positions.
        reader_sample: index of the reader's askings; an endpoint compared with itself must really be asked again.
        targeted: ask each side for the other's tokens (E3) also where that costs a call for each position; where one call
            does for all of them, it is always done.
    """

    top: int = 20
    max_tokens: int = 64
    positions: int = 12
    noise: bool = True
    seed: int = 0
    reader_sample: int = 0
    targeted: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """One model: its scorer, its scorer with thinking switched off, and the tokens that mark a trace."""

    scorer: Scorer
    off: Scorer
    markers: Markers = field(default_factory=Markers)

    @property
    def spent(self) -> tuple[Spent, ...]:
        """What its scorers have asked for."""
        return (self.scorer.spent,) if self.off is self.scorer else (self.scorer.spent, self.off.spent)


async def find_markers(scorer: Scorer) -> Markers:
    """The ids of the usual markers, where each is one token. Empty where the server does not tokenise."""
    found: list[frozenset[int]] = []
    for text in ("<think>", "</think>"):
        try:
            ids = await scorer.tokenise(text)
        except EndpointError:
            return Markers()
        found.append(frozenset(ids) if len(ids) == 1 else frozenset())
    return Markers(*found)


async def gather(
    question: Question, writer: Party, reader: Party, settings: Settings, reasoning: Reasoning = "as_served"
) -> ScoredText | str:
    """Write and score one text, or say why it can't be counted.

    Raises:
        EndpointError: a leaf of it, where one of the endpoints fails.
    """
    seed = seed_of(settings.seed, question.id)
    own, other = (writer.off, reader.off) if reasoning == "off" else (writer.scorer, reader.scorer)
    before = await own.prefix(question.messages)
    behind = await (reader.off if reasoning == "no_trace" else other).prefix(question.messages)
    wrote = await own.sample(before, max_tokens=settings.max_tokens, top=max(settings.top, 1), seed=seed)
    if not wrote.ids:
        return "nothing was written"
    if reasoning in ("own_trace", "no_trace"):
        start = answer_start(wrote, writer.markers, before)
        if start is None:
            return "the trace did not end within the token limit"
        before, wrote = before.then(wrote.ids[:start], _pieces(wrote)[:start]), _after(wrote, start)
        if not wrote.ids:
            return "no answer after the trace"
    if reasoning == "own_trace":
        thought = await other.sample(behind, max_tokens=settings.max_tokens, top=1, seed=seed + 1)
        start = answer_start(thought, reader.markers, behind)
        if start is None:
            return "the reader's trace did not end within the token limit"
        behind = behind.then(thought.ids[:start], _pieces(thought)[:start])
    return await _score(question, wrote, (own, before, writer.markers), (other, behind, reader.markers), settings, seed)


def answer_start(wrote: Sampled, markers: Markers, before: Prefix) -> int | None:
    """Where the answer begins in a generated text; None if a trace was begun and never ended."""
    parts = parts_of(wrote.ids, _texts(wrote), markers, inside=markers.open_at_end(before.ids))
    count = sum(part == "trace" for part in parts)
    closed = count and markers.kind(wrote.ids[count - 1], _texts(wrote)[count - 1]) == "close"
    return count if closed or not count else None


async def _score(
    question: Question,
    wrote: Sampled,
    writer: tuple[Scorer, Prefix, Markers],
    reader: tuple[Scorer, Prefix, Markers],
    settings: Settings,
    seed: int,
) -> ScoredText | str:
    ids, top = wrote.ids, settings.top
    (own, before, markers), (other, behind, _) = writer, reader
    stepwise = "P" in (own.protocol if not wrote.keyed else "", other.protocol)
    chosen = choose_positions(len(ids), settings.positions if stepwise else len(ids), seed=seed, always=1)
    at = [t for t, _ in chosen]
    pieces = _pieces(wrote)
    read = await other.score(behind, ids, top=top, at=at, sample=settings.reader_sample, pieces=pieces)
    # A list of the generation itself serves as the writer's first asking, if it can be held against scored lists.
    listed = (
        dict(enumerate(wrote.positions)) if wrote.keyed else await own.score(before, ids, top=top, at=at, pieces=pieces)
    )
    if wrote.positions:
        listed = {t: _with_number(position, wrote.positions[t]) for t, position in listed.items()}
    again: dict[int, TokenPosition] = {}
    if settings.noise:
        again = await own.score(before, ids, top=top, at=at, sample=0 if wrote.keyed else 1, pieces=pieces)
    more = await _known(ids, (own, before, listed), (other, behind, read), settings)
    texts = _spelled(wrote, listed, again, read)
    both = Markers(markers.opening | reader[2].opening, markers.closing | reader[2].closing)
    parts = parts_of(ids, texts, both, inside=both.open_at_end(before.ids))
    steps = []
    for t, inclusion in chosen:
        if t not in read or t not in listed:
            return "a position came without logprobs"
        answers = (more[0].get(t), more[1].get(t))
        step = _step(
            t, parts[t], texts[t], listed[t], read[t], again.get(t), answers, both, top, inclusion, stepwise=stepwise
        )
        if isinstance(step, str):
            return step
        steps.append(step)
    return ScoredText(
        prompt=question.id,
        unit=question.unit,
        dimension=question.dimension,
        length=len(ids),
        ended=wrote.ended,
        steps=tuple(steps),
        context=len(behind.ids),
    )


_Asked = tuple[Scorer, Prefix, Mapping[int, TokenPosition]]


async def _known(ids: tuple[int, ...], writer: _Asked, reader: _Asked, settings: Settings) -> tuple[Known, Known]:
    """What each side says about tokens that only the other listed, writer's answers first; empty where it isn't asked.

    Only tokens that the other's list holds whatever was sampled are asked for: E4 may use no others.
    """
    if not settings.top or not all(_aims(scorer, settings) for scorer, _, _ in (writer, reader)):
        return {}, {}
    answers: list[Known] = []
    for (scorer, prefix, own), (_, _, other), sample in (
        (writer, reader, 0),
        (reader, writer, settings.reader_sample),
    ):
        wanted = {
            t: sorted(_stable(other[t], settings.top) - _stable(own[t], settings.top))
            for t in own.keys() & other.keys()
        }
        answers.append(await scorer.known(prefix, ids, wanted, sample=sample) if any(wanted.values()) else {})
        # Nothing to ask at a place is an answer, too.
        answers[-1] |= {t: {} for t, some in wanted.items() if not some}
    return answers[0], answers[1]


def _aims(scorer: Scorer, settings: Settings) -> bool:
    return scorer.targets == "all" or (scorer.targets == "each" and settings.targeted)


def _stable(position: TokenPosition, top: int) -> set[int]:
    try:
        return {key for key in as_topk(position, "id", top, displaces=False).stable if isinstance(key, int)}
    except ValueError:
        return set()


def _step(
    index: int,
    part: Literal["answer", "trace"],
    text: str,
    written: TokenPosition,
    read: TokenPosition,
    again: TokenPosition | None,
    answers: tuple[Mapping[int, float] | None, Mapping[int, float] | None],
    markers: Markers,
    top: int,
    inclusion: float,
    *,
    stepwise: bool,
) -> Step | str:
    askings = [written, read] if again is None else [written, read, again]
    kind = common_kind(askings[:1], askings[1:], same_ids=True)
    lists: list[TopK | None] = [None] * len(askings)
    if top and all(position.top for position in askings):
        try:
            lists = [as_topk(position, kind, top, displaces=False) for position in askings]
        except ValueError as error:
            return str(error)
    known = _with_answers((lists[0], lists[1]), answers) if kind == "id" else None
    pair = position_of(written, read, kind, known or (lists[0], lists[1]), inclusion)
    if not stepwise and math.isnan(pair.p_logprob + pair.q_logprob):
        return "a token came without a logprob"
    own = None if again is None else position_of(written, again, kind, (lists[0], lists[2]), inclusion)
    return Step(
        index=index,
        part=part,
        control=control_mass(askings[:2], markers) >= CONTROL_MASS,
        token=text,
        pair=pair,
        again=own,
        lists=(lists[0], lists[1]) if known and lists[0] and lists[1] else None,
        tops=(likeliest(_named(written, askings)), likeliest(read)),
    )


def _with_answers(
    lists: tuple[TopK | None, TopK | None], answers: tuple[Mapping[int, float] | None, Mapping[int, float] | None]
) -> tuple[TopK, TopK] | None:
    """Both lists with the answers; None where a side was not asked, or its list and its answers do not fit together."""
    (p, q), (more_p, more_q) = lists, answers
    if p is None or q is None or more_p is None or more_q is None:
        return None
    try:
        return p.with_known(more_p, by_context=True), q.with_known(more_q, by_context=True)
    except ValueError:
        return None


def _with_number(position: TokenPosition, generated: TokenPosition) -> TokenPosition:
    """The scored list; the given token's own number from when it was generated, where scoring gave none."""
    if position.sampled.logprob is not None:
        return position
    own = msgspec.structs.replace(position.sampled, logprob=generated.sampled.logprob)
    return TokenPosition(sampled=own, top=position.top)


def _named(position: TokenPosition, others: Sequence[TokenPosition]) -> TokenPosition:
    """The list with texts in place of bare ids, where another list of the same context spells them."""
    spelled = {t.id: t.token for p in others for t in (*p.top, p.sampled) if not t.token.startswith("token_id:")}
    top = tuple(
        msgspec.structs.replace(t, token=spelled[t.id]) if t.token.startswith("token_id:") and t.id in spelled else t
        for t in position.top
    )
    return TokenPosition(sampled=position.sampled, top=top)


def _spelled(wrote: Sampled, *scored: dict[int, TokenPosition]) -> list[str]:
    texts = _texts(wrote)
    for t, text in enumerate(texts):
        if text and not text.startswith("#"):
            continue
        names = [printed(one[t].sampled) for one in scored if t in one]
        texts[t] = next((name for name in names if name and not name.startswith("#")), text)
    return texts


def _pieces(wrote: Sampled) -> tuple[str, ...]:
    """How the tokens print, for servers that read text only; "" where that is not known."""
    prints = (position.sampled.token for position in wrote.positions)
    return tuple("" if text.startswith("token_id:") else text for text in prints)


def _texts(wrote: Sampled) -> list[str]:
    if not wrote.positions:
        return ["" for _ in wrote.ids]
    return [printed(position.sampled) for position in wrote.positions]


def _after(wrote: Sampled, start: int) -> Sampled:
    return replace(wrote, ids=wrote.ids[start:], positions=wrote.positions[start:])


def seed_of(seed: int, prompt: str) -> int:
    """A seed of its own for each prompt: with one for all, servers would draw the same numbers everywhere, and prompts
    would not be independent.
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}/{prompt}".encode(), digest_size=4).digest(), "big") >> 1
