"""The closest pair of distributions that two truncated lists allow: the one programme behind every lower bound.

Two lists leave the probabilities q_i of keys only P listed, p_j of keys only Q listed, and the split of the rest open,
within known caps and known totals. One completion of both minimises *every* f-divergence at once (docs/drift.md,
"The closest completion"), so KL, JSD and TV are evaluated on the same pairs of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from auditor.drift.topk import TopK

Mass = tuple[float, float]
"""Probability of one bucket under P and under Q."""

_ERROR: Final = 1e-14
"""Bound on the rounding error of a sum of at most some hundred probabilities."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A pair of distributions over buckets, as (p, q) per bucket.

    Attributes:
        shared: the keys both lists know; their numbers are data.
        only_p: keys only P's list knows; their q is the least divergent value allowed.
        only_q: keys only Q's list knows; their p is the least divergent value allowed.
        rest: everything that neither list knows, one bucket.
    """

    shared: tuple[Mass, ...]
    only_p: tuple[Mass, ...]
    only_q: tuple[Mass, ...]
    rest: Mass

    @classmethod
    def closest(cls, p: TopK, q: TopK, *, q_slack: bool = False) -> Completion:
        """Complete two lists so that P and Q are as close as they can be, in every f-divergence.

        Args:
            p: the list of the first distribution.
            q: the list of the second distribution.
            q_slack: add `TopK.tail_slack` to Q's tail. KL divides by that tail, so a rounding error in it can be
                amplified without limit; more mass in Q can only lower a KL bound.
        """
        shared, only_p, only_q, p_tail, q_tail = _parts(p, q)
        if q_slack:
            q_tail += q.tail_slack
        known_p = [(mass, q.limit(key)) for key, mass in only_p]
        known_q = [(mass, p.limit(key)) for key, mass in only_q]
        q_fill, p_fill, rest = _close(known_p, known_q, p_tail, q_tail)
        return cls(
            shared=tuple(shared),
            only_p=tuple((a, b) for (a, _), b in zip(known_p, q_fill, strict=True)),
            only_q=tuple((a, b) for a, (b, _) in zip(p_fill, known_q, strict=True)),
            rest=rest,
        )

    @classmethod
    def lumped(cls, p: TopK, q: TopK, *, q_slack: bool = False) -> Completion:
        """Forget everything but the shared keys: one bucket holds the rest of both (the E1 partition)."""
        shared, only_p, only_q, p_tail, q_tail = _parts(p, q)
        rest_p = math.fsum([p_tail, *(mass for _, mass in only_p)])
        rest_q = math.fsum([q_tail + (q.tail_slack if q_slack else 0.0), *(mass for _, mass in only_q)])
        return cls(shared=tuple(shared), only_p=(), only_q=(), rest=(rest_p, rest_q))

    @property
    def buckets(self) -> tuple[Mass, ...]:
        """All buckets; each column sums to 1 up to rounding and slack."""
        return (*self.shared, *self.only_p, *self.only_q, self.rest)


def _parts(p: TopK, q: TopK) -> tuple[list[Mass], list[tuple[object, float]], list[tuple[object, float]], float, float]:
    shared = [(math.exp(v), math.exp(q.logprobs[key])) for key, v in p.logprobs.items() if key in q.logprobs]
    only_p = [(key, math.exp(v)) for key, v in p.logprobs.items() if key not in q.logprobs]
    only_q = [(key, math.exp(v)) for key, v in q.logprobs.items() if key not in p.logprobs]
    return shared, only_p, only_q, p.tail, q.tail


def _close(
    only_p: Sequence[tuple[float, float]], only_q: Sequence[tuple[float, float]], p_tail: float, q_tail: float
) -> tuple[list[float], list[float], Mass]:
    """Fill in the unknown masses: q_i = min(cap, p_i / r), p_j = min(cap, r q_j), rest in the same ratio r = p/q.

    ``only_p`` holds (p_i, cap on q_i) and ``only_q`` (q_j, cap on p_j).
    """
    p_level, q_level = _fill(only_q, p_tail), _fill(only_p, q_tail)
    # Above p_level the keys only Q knows would use up more than P's tail; below 1/q_level the same for Q's.
    if q_level * p_level <= 1.0 or q_level == 0.0 or p_level == 0.0:
        # Nothing is left for the rest to mediate: each side is filled on its own.
        q_fill = [_capped(q_level, w, cap) for w, cap in only_p]
        p_fill = [_capped(p_level, w, cap) for w, cap in only_q]
        # A finite level uses its tail up: a difference there is rounding error, and KL would divide by it.
        rest_p = max(p_tail - math.fsum(p_fill), 0.0) if math.isinf(p_level) else 0.0
        rest_q = max(q_tail - math.fsum(q_fill), 0.0) if math.isinf(q_level) else 0.0
        return q_fill, p_fill, (rest_p, rest_q)
    ratio = _common_ratio(only_p, only_q, p_tail, q_tail)
    q_fill = [_capped(1.0 / ratio if ratio > 0 else math.inf, w, cap) for w, cap in only_p]
    p_fill = [_capped(ratio, w, cap) for w, cap in only_q]
    rest_p = max(p_tail - math.fsum(p_fill), 0.0)
    rest_q = max(q_tail - math.fsum(q_fill), 0.0)
    if ratio > 0:
        # What the subtraction leaves is exact to about 1e-16, which is nothing to divide by. Within that error the
        # known ratio decides.
        rest_q = max(min(max(rest_p / ratio, rest_q - _ERROR), rest_q + _ERROR), 0.0)
    return q_fill, p_fill, (rest_p, rest_q)


def _capped(level: float, weight: float, cap: float) -> float:
    # inf * 0 and "infinite level under an infinite cap" must not make NaN or inf out of a finite problem.
    return cap if math.isinf(level) else min(cap, level * weight)


def _fill(items: Sequence[tuple[float, float]], mass: float) -> float:
    """The level s with sum(min(cap, s * weight)) = mass; infinite if all caps together fit in the mass."""
    if math.fsum(cap for _, cap in items) <= mass:
        return math.inf
    if mass <= 0:
        return 0.0
    # The smallest cap per weight binds first. Weights still free are summed from the far end: subtracting from the
    # total would leave nothing but rounding error of the small ones.
    order = sorted(items, key=lambda item: item[1] / item[0])
    free = list(accumulate(w for w, _ in reversed(order)))[::-1]
    room = mass
    for (w, cap), weight in zip(order, free, strict=True):
        if room * w <= cap * weight:
            return max(room, 0.0) / weight
        room -= cap
    return order[-1][1] / order[-1][0]


def _common_ratio(
    only_p: Sequence[tuple[float, float]], only_q: Sequence[tuple[float, float]], p_tail: float, q_tail: float
) -> float:
    """The root r of h(r) = p_rest(r) - r * q_rest(r): piecewise linear, positive before it and not after."""

    def line(r: float) -> tuple[float, float]:
        free_p = math.fsum(
            [p_tail, *(w for w, cap in only_p if w <= r * cap), *(-cap for w, cap in only_q if cap < r * w)]
        )
        free_q = math.fsum(
            [q_tail, *(w for w, cap in only_q if r * w <= cap), *(-cap for w, cap in only_p if r * cap < w)]
        )
        return free_p, free_q

    def height(r: float) -> float:
        free_p, free_q = line(r)
        return free_p - r * free_q

    corners = {w / cap for w, cap in only_p} | {cap / w for w, cap in only_q}
    edges = sorted(r for r in corners if 0.0 < r < math.inf)
    low, high = 0, len(edges)
    while low < high:
        middle = (low + high) // 2
        if height(edges[middle]) > 0:
            low = middle + 1
        else:
            high = middle
    left = edges[low - 1] if low > 0 else 0.0
    right = edges[low] if low < len(edges) else math.inf
    inside = (left + right) / 2 if right < math.inf else 2 * left + 1.0
    free_p, free_q = line(inside)
    root = free_p / free_q if free_q > 0 else left
    return min(max(root, left), right)
