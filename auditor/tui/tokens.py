"""Tokens as the screens show them: what either side might have said at a position, and how sure it was."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from auditor.records import Reply, Side, TokenLogprob, TokenPosition
from auditor.report.plain import harmless
from auditor.store import RecordDetail

HEAT = 5
"""Levels of heat, from 0 (sure) to 4."""


class Alternative(NamedTuple):
    """A token and its probability on both sides; None where it was not among those returned."""

    token: str
    baseline: float | None
    candidate: float | None

    @property
    def shift(self) -> float | None:
        """Candidate minus baseline, None unless both were returned."""
        return None if self.baseline is None or self.candidate is None else self.candidate - self.baseline


class Track(NamedTuple):
    """A row of positions: the first token of both sides, or everything one side generated."""

    title: str
    baseline: tuple[TokenPosition, ...]
    candidate: tuple[TokenPosition, ...]

    @property
    def main(self) -> tuple[TokenPosition, ...]:
        """The side whose tokens are shown as text."""
        return self.candidate or self.baseline


def tracks(detail: RecordDetail) -> list[Track]:
    """What of a record has logprobs."""
    found = []
    first = {side: _positions(record.first_token) for side, record in detail.sides.items()}
    if any(first.values()):
        found.append(Track("first token of the reply", first.get("baseline", ()), first.get("candidate", ())))
    for side, record in detail.sides.items():
        positions = _positions(record.reply)
        if positions:
            pair = (positions, ()) if side == "baseline" else ((), positions)
            found.append(Track(f"{side}: all {len(positions):,} tokens", *pair))
    return found


def alternatives(track: Track, position: int) -> list[Alternative]:
    """The alternatives at a position, the likeliest on either side first."""
    both: dict[int | bytes | str, list[float | None]] = {}
    names: dict[int | bytes | str, str] = {}
    for column, positions in enumerate((track.baseline, track.candidate)):
        if position < len(positions):
            for one in positions[position].top:
                key = one.raw or one.key
                names[key] = one.token
                both.setdefault(key, [None, None])[column] = _probability(one)
    listed = [Alternative(shown(names[key]), *pair) for key, pair in both.items()]
    return sorted(listed, key=lambda a: -max(a.baseline or 0.0, a.candidate or 0.0))


def heat(position: TokenPosition) -> int:
    """How unsure the model was of the token it chose: 0 above 90 % to 4 below 5 %."""
    probability = _probability(position.sampled)
    if probability is None:
        return 0
    return sum(probability < bound for bound in (0.9, 0.5, 0.2, 0.05))


def shown(token: str) -> str:
    """A token as visible text: blanks and line breaks are signs, too."""
    return harmless(token).replace(" ", "·").replace("\n", "⏎").replace("\t", "⇥") or "(empty)"


class Moved(NamedTuple):
    """A token whose probability moved, summed over prompts."""

    token: str
    baseline: float
    """Mean probability over the prompts where both sides returned the token."""
    candidate: float
    prompts: int

    @property
    def shift(self) -> float:
        """Candidate minus baseline."""
        return self.candidate - self.baseline


def moved(pairs: Iterable[dict[Side, Reply]], most: int = 40) -> list[Moved]:
    """Tokens that moved most at the first position: by the sum over prompts of the change in probability, where both sides
    returned the token. Sums, so that a token that moved a little everywhere outranks one that moved once.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for both in pairs:
        sides = [_positions(both.get(side)) for side in ("baseline", "candidate")]
        if not all(sides):
            continue
        for one in alternatives(Track("", *sides), 0):
            if one.baseline is not None and one.candidate is not None:
                total = sums[one.token]
                total[0] += one.baseline
                total[1] += one.candidate
                total[2] += 1
    ranked = sorted(sums.items(), key=lambda item: -abs(item[1][1] - item[1][0]))[:most]
    return [Moved(token, a / n, b / n, int(n)) for token, (a, b, n) in ranked]


def quantiles(values: Sequence[float], at: Sequence[float] = (0.1, 0.5, 0.9, 1.0)) -> list[float]:
    """Values below which these shares lie (nearest rank); empty without values."""
    ordered = sorted(values)
    return (
        [ordered[min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)] for share in at] if ordered else []
    )


def _positions(reply: Reply | None) -> tuple[TokenPosition, ...]:
    return reply.logprobs.positions if reply is not None and reply.logprobs is not None else ()


def _probability(one: TokenLogprob) -> float | None:
    return None if one.logprob is None else math.exp(min(one.logprob, 0.0))
