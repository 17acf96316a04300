"""What two truncated next-token lists prove about KL, JSD and TV: bounds, and the coverage that makes them tight.

Pure functions of `TopK` lists at *one* context. Values are in nats (`to_bits` converts); TV is a probability. Proofs
are in docs/drift.md. No function here renormalises: renormalised top-k "KL" is neither a bound nor consistent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from auditor.drift.completion import Completion, Mass
from auditor.drift.topk import TopK

LN2: Final = math.log(2.0)
"""The largest Jensen-Shannon divergence, in nats."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval that contains the exact value, whatever the unlisted probabilities are."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """How much the lists leave open."""
        return self.upper - self.lower


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of both distributions the lists account for.

    Attributes:
        p_mass: probability listed for P, in [0, 1].
        q_mass: probability listed for Q, in [0, 1].
        shared: number of keys that both lists know.
        k: alternatives asked for (the smaller of the two).
    """

    p_mass: float
    q_mass: float
    shared: int
    k: int

    @property
    def least(self) -> float:
        """The smaller of the two masses: what a verdict can rest on."""
        return min(self.p_mass, self.q_mass)


def to_bits(nats: float) -> float:
    """The one conversion: nats to bits."""
    return nats / LN2


def coverage(p: TopK, q: TopK) -> Coverage:
    """Mass captured on both sides and the overlap of the lists."""
    shared = sum(1 for key in p.logprobs if key in q.logprobs)
    return Coverage(p_mass=p.mass, q_mass=q.mass, shared=shared, k=min(p.k, q.k))


def kl_lower_lumped(p: TopK, q: TopK) -> float:
    """E1, a lower bound on KL(P||Q) in nats: shared keys one by one, everything else as one bucket.

    Data-processing inequality for the partition {each shared key, the rest}: sum over shared of p log(p/q), plus
    p_R log(p_R/q_R). Needs no assumption; kept as the floor beneath `kl_lower_capped`.

    Returns:
        A number >= 0; infinite only if ``q.rounding`` is 0 and Q's list leaves nothing for P's tail.
    """
    return _kl(Completion.lumped(p, q, q_slack=True).buckets)


def kl_lower_capped(p: TopK, q: TopK) -> float:
    """E2, the best lower bound on KL(P||Q) in nats that two truncated lists allow (water-filling).

    An unlisted key has at most the probability of the smallest ranked entry. The bound is the minimum of KL over all
    completions of both lists under these caps, on Q's side (keys only P listed) *and* on P's (keys only Q listed).
    E1 <= E2 <= KL, and for an unbounded vocabulary no larger bound is valid.

    Returns:
        A number >= 0; infinite only if ``q.rounding`` is 0 and Q's list leaves nothing for P's tail.
    """
    return _kl(Completion.closest(p, q, q_slack=True).buckets)


def kl_lower_targeted(p: TopK, q_on_p_ids: Mapping[Any, float], q: TopK | None = None) -> float:
    """E3, a lower bound on KL(P||Q) in nats where Q was asked for the keys that P listed.

    Sum over those keys of p log(p/q) plus the lumped tail: the data-processing inequality with a partition that P's
    list chose, usually within a few percent of KL. Keys without an answer fall into the tail, where they are still
    valid. With Q's own list as well, its keys and caps sharpen the tail.

    Args:
        p: P's list.
        q_on_p_ids: logprob (nats) under Q of keys that P listed; others are used too.
        q: Q's own list at the same context, if there is one.

    Raises:
        ValueError: the answers, together with ``q``, sum to more than 1 + 1e-3.
    """
    if q is None:
        # Keys that somebody chose to ask for say nothing about the others: no cap.
        known = replace(TopK.from_pairs(dict(q_on_p_ids).items(), rounding=p.rounding), cap=1.0)
    else:
        known = q.with_known(q_on_p_ids)
    return kl_lower_capped(p, known)


def kl_upper_with_floor(p: TopK, q: TopK, floor: float) -> float:
    """An upper bound on KL(P||Q) in nats *if* Q gives every key at least ``floor``. Never shown without that floor.

    Top-k lists alone allow no finite upper bound: q_i may be as small as it likes for a key that Q did not list.
    Under the assumption: sum over shared of p log(p/q) + sum over keys only P listed of p log(p/floor)
    + p_rest log(min(cap_p, p_rest)/floor).

    Args:
        p: P's list.
        q: Q's list.
        floor: assumed smallest probability under Q of any single key; vary it and show how the value moves.

    Raises:
        ValueError: ``floor`` is not in (0, smallest listed probability of Q]: a larger one contradicts the list.
    """
    smallest = min(q.cap, math.exp(min(q.logprobs.values(), default=0.0)))
    if not 0.0 < floor <= smallest * math.exp(q.rounding):
        msg = f"the floor must lie in (0, {smallest:.3g}], the smallest listed probability of Q; got {floor:.3g}"
        raise ValueError(msg)
    terms = [math.exp(v) * (v - q.logprobs[key]) for key, v in p.logprobs.items() if key in q.logprobs]
    terms += [math.exp(v) * (v - math.log(floor)) for key, v in p.logprobs.items() if key not in q.logprobs]
    tail = p.tail + p.tail_slack
    if tail > 0:
        biggest = tail if p.censored else min(p.cap, tail)
        terms.append(tail * max(math.log(biggest / floor), 0.0))
    return max(math.fsum(terms), 0.0)


def tv_bounds(p: TopK, q: TopK) -> Bounds:
    """Total variation ½ sum|p - q|, in [0, 1], bounded on both sides without assumptions.

    Lower: the closest completion. Upper: nothing but the shared keys overlaps, 1 - sum over shared of min(p, q).
    """
    closest = Completion.closest(p, q)
    lower = math.fsum(abs(a - b) for a, b in closest.buckets) / 2
    rest = Completion.lumped(p, q).rest
    upper = (math.fsum(abs(a - b) for a, b in closest.shared) + math.fsum(rest)) / 2
    return _ordered(lower, upper, 1.0)


def jsd_bounds(p: TopK, q: TopK) -> Bounds:
    """Jensen-Shannon divergence in nats, in [0, ln 2], bounded on both sides without assumptions.

    Lower: the closest completion. Upper: outside the shared keys the two are disjoint, which adds
    ½ ln 2 (p_R + q_R).
    """
    closest = Completion.closest(p, q)
    lower = math.fsum(_jsd_term(a, b) for a, b in closest.buckets)
    rest = Completion.lumped(p, q).rest
    upper = math.fsum(_jsd_term(a, b) for a, b in closest.shared) + LN2 * math.fsum(rest) / 2
    return _ordered(lower, upper, LN2)


def _ordered(lower: float, upper: float, most: float) -> Bounds:
    upper = min(max(upper, 0.0), most)
    return Bounds(lower=min(max(lower, 0.0), upper), upper=upper)


def _kl(buckets: Iterable[Mass]) -> float:
    terms = []
    for a, b in buckets:
        if a <= 0:
            continue
        if b <= 0:
            return math.inf
        terms.append(a * math.log(a / b))
    return max(math.fsum(terms), 0.0)


def _jsd_term(a: float, b: float) -> float:
    middle = (a + b) / 2
    left = a * math.log(a / middle) if a > 0 else 0.0
    right = b * math.log(b / middle) if b > 0 else 0.0
    return (left + right) / 2
