"""Shared material: random pairs of distributions, their top-k lists, and the reference formulas they are checked with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from auditor.drift.topk import TopK

Array = NDArray[np.float64]


def top_list(x: Array, k: int, *, rounding: float = 1e-6) -> TopK:
    order = np.argsort(-x, kind="stable")[:k]
    return TopK.from_pairs([(int(i), float(np.log(x[i]))) for i in order], k=k, rounding=rounding)


def listed(*probabilities: float, **named: float) -> TopK:
    """A list of keys 0, 1, ... and named ones, from probabilities."""
    pairs: list[tuple[object, float | None]] = [(i, math.log(x)) for i, x in enumerate(probabilities)]
    return TopK.from_pairs(pairs + [(key, math.log(x)) for key, x in named.items()])


def synthetic_pair(vocabulary: int, shift: float, *, seed: int, spread: float = 4.0) -> tuple[Array, Array]:
    """Zipf-like logits of a language model and a disturbed copy."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, spread, vocabulary)
    moved = logits + rng.normal(0.0, shift, vocabulary)
    return softmax(logits), softmax(moved)


def softmax(logits: Array) -> Array:
    e = np.exp(logits - logits.max())
    return np.asarray(e / e.sum(), dtype=np.float64)


def kl(p: Sequence[float] | Array, q: Sequence[float] | Array) -> float:
    from scipy.special import rel_entr

    return float(np.sum(rel_entr(np.asarray(p), np.asarray(q))))


def jsd(p: Array, q: Array) -> float:
    """In nats. Not scipy's jensenshannon: it takes the root of a difference that rounding can make negative."""
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


def tv(p: Array, q: Array) -> float:
    return float(np.abs(p - q).sum() / 2)


def one_sided(p: TopK, q: TopK) -> float:
    """E2 with caps on Q alone, in the textbook form, without any guard for rounding: an independent second opinion."""
    a = {key: math.exp(v) for key, v in p.logprobs.items()}
    b = {key: math.exp(v) for key, v in q.logprobs.items()}
    both, only, cap = a.keys() & b.keys(), a.keys() - b.keys(), min(b.values())
    total = sum(a[i] * math.log(a[i] / b[i]) for i in both)
    room, tail = 1 - sum(b[i] for i in both), max(1 - sum(a.values()), 0.0)
    weight = tail + sum(a[i] for i in only)
    pairs = []
    todo = sorted(only, key=lambda i: -a[i])
    while todo and a[todo[0]] * room / weight > cap:
        i = todo.pop(0)
        pairs.append((a[i], cap))
        room -= cap
        weight -= a[i]
    if weight > 0:
        pairs += [(a[i], a[i] * room / weight) for i in todo] + [(tail, tail * room / weight)]
    return total + sum(x * math.log(x / y) for x, y in pairs if x > 0)


@st.composite
def distributions(draw: st.DrawFn, low: int = 2, high: int = 40) -> tuple[Array, Array]:
    """Two distributions on one vocabulary: near or far, with ties, tiny masses, and sometimes nearly disjoint."""
    size = draw(st.integers(low, high))
    level = st.floats(-30.0, 0.0) | st.sampled_from([0.0, -1.0, -2.0, -25.0])
    logits = np.array(draw(st.lists(level, min_size=size, max_size=size)))
    kind = draw(st.sampled_from(["near", "free", "apart"]))
    if kind == "near":
        other = logits + np.array(draw(st.lists(st.floats(-2.0, 2.0), min_size=size, max_size=size)))
    else:
        other = np.array(draw(st.lists(level, min_size=size, max_size=size)))
    if kind == "apart":
        half = size // 2
        logits[:half] -= 20.0
        other[half:] -= 20.0
    return softmax(logits), softmax(other)


@st.composite
def list_pairs(draw: st.DrawFn) -> tuple[Array, Array, TopK, TopK]:
    """Two distributions and a top-k list of each, k drawn on each side."""
    p, q = draw(distributions())
    j, k = draw(st.integers(1, len(p))), draw(st.integers(1, len(p)))
    return p, q, top_list(p, j), top_list(q, k)
