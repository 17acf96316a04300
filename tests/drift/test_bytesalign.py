"""Different tokenizers: chunks, bits per byte, and bounds on the next byte."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, minimize

from auditor.drift.bounds import LN2
from auditor.drift.bytesalign import ScoredToken, align_chunks, bits_per_byte, first_byte
from auditor.drift.topk import TopK
from tests.drift.support import Array, jsd, kl, softmax, tv


@st.composite
def tokenisations(draw: st.DrawFn) -> tuple[list[ScoredToken], list[ScoredToken]]:
    text = draw(st.binary(min_size=1, max_size=40))

    def cut() -> list[ScoredToken]:
        places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)) | {0, len(text)})
        logprobs = st.floats(-20, 0)
        return [(text[a:b], draw(logprobs)) for a, b in itertools.pairwise(places)]

    return cut(), cut()


@given(tokenisations())
@settings(deadline=None)
def test_chunks_lose_no_byte_and_no_nat(case: tuple[list[ScoredToken], list[ScoredToken]]) -> None:
    p, q = case
    chunks = align_chunks(p, q)
    assert b"".join(chunk.text for chunk in chunks) == b"".join(text for text, _ in p)
    assert sum(chunk.p_tokens for chunk in chunks) == len(p)
    assert sum(chunk.q_tokens for chunk in chunks) == len(q)
    assert [chunk.start for chunk in chunks] == [
        sum(len(earlier.text) for earlier in chunks[:i]) for i in range(len(chunks))
    ]
    assert math.fsum(chunk.p_logprob or 0.0 for chunk in chunks) == pytest.approx(math.fsum(v or 0.0 for _, v in p))
    assert math.fsum(chunk.q_logprob or 0.0 for chunk in chunks) == pytest.approx(math.fsum(v or 0.0 for _, v in q))
    mirrored = align_chunks(q, p)
    assert bits_per_byte(mirrored).delta_bits == pytest.approx(-bits_per_byte(chunks).delta_bits)


@given(tokenisations())
@settings(deadline=None)
def test_chunks_are_the_shortest_possible(case: tuple[list[ScoredToken], list[ScoredToken]]) -> None:
    def ends(tokens: list[ScoredToken]) -> set[int]:
        return set(np.cumsum([len(text) for text, _ in tokens]).tolist())

    assert {chunk.start + len(chunk.text) for chunk in align_chunks(*case)} == ends(case[0]) & ends(case[1])


def test_hand_made_chunks() -> None:
    p: list[ScoredToken] = [(b"un", -1.0), (b"happy", -2.0), (b" man", -3.0)]
    q: list[ScoredToken] = [(b"unh", -1.5), (b"appy", -0.5), (b" m", None), (b"an", -1.0)]
    first, second = align_chunks(p, q)
    assert (first.text, first.p_logprob, first.q_logprob, first.p_tokens, first.q_tokens) == (
        b"unhappy",
        -3.0,
        -2.0,
        2,
        2,
    )
    assert second.q_logprob is None
    assert not second.scored
    rate = bits_per_byte((first, second))
    assert (rate.bytes, rate.unscored) == (7, 4)
    assert rate.p_bits == pytest.approx(3.0 / 7 / LN2)
    assert rate.delta_bits == pytest.approx(-1.0 / 7 / LN2)


def test_tokens_without_bytes_join_a_chunk() -> None:
    p: list[ScoredToken] = [(b"", -0.1), (b"a", -1.0), (b"b", -1.0), (b"", -0.5)]
    q: list[ScoredToken] = [(b"a", -1.0), (b"b", -2.0)]
    chunks = align_chunks(p, q)
    assert [chunk.p_tokens for chunk in chunks] == [2, 2]
    assert chunks[1].p_logprob == pytest.approx(-1.5)
    assert align_chunks([(b"", -1.0)], [(b"", -2.0)])[0].text == b""
    assert align_chunks([], []) == ()


def test_different_texts_and_unscored_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="same bytes"):
        align_chunks([(b"a", -1.0)], [(b"b", -1.0)])
    with pytest.raises(ValueError, match="no byte"):
        bits_per_byte(align_chunks([(b"a", None)], [(b"a", -1.0)]))


def byte_marginal(x: Array, tokens: list[bytes], size: int) -> Array:
    marginal = np.zeros(size)
    for mass, token in zip(x, tokens, strict=True):
        marginal[token[0] if token else size - 1] += mass
    return marginal


def byte_list(x: Array, tokens: list[bytes], k: int, rounding: float = 1e-6) -> TopK:
    order = np.argsort(-x)[:k]
    return TopK.from_pairs([(tokens[int(i)], float(np.log(x[i]))) for i in order], k=k, rounding=rounding)


def vocabulary(rng: np.random.Generator, size: int, letters: int) -> list[bytes]:
    words = {b""}
    while len(words) < size:
        words.add(bytes(rng.integers(0, letters, rng.integers(1, 4)).tolist()))
    return sorted(words)


@pytest.mark.parametrize("seed", range(40))
def test_first_byte_bounds_hold_for_different_vocabularies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    letters = int(rng.integers(4, 12))
    p_tokens, q_tokens = vocabulary(rng, 40, letters), vocabulary(rng, 50, letters)
    p, q = softmax(rng.normal(0, 3, 40)), softmax(rng.normal(0, 3, 50))
    a, b = byte_marginal(p, p_tokens, letters + 1), byte_marginal(q, q_tokens, letters + 1)
    found = first_byte(
        byte_list(p, p_tokens, int(rng.integers(1, 40))), byte_list(q, q_tokens, int(rng.integers(1, 40)))
    )
    assert 0.0 <= found.kl_lower <= kl(a, b) + 1e-9
    assert found.jsd.lower - 1e-9 <= jsd(a, b) <= found.jsd.upper + 1e-9
    assert found.tv.lower - 1e-9 <= tv(a, b) <= found.tv.upper + 1e-9
    full = first_byte(byte_list(p, p_tokens, 40, 1e-13), byte_list(q, q_tokens, 50, 1e-13))
    if np.isfinite(kl(a, b)):
        assert full.kl_lower == pytest.approx(kl(a, b), abs=1e-7)
    assert full.jsd.lower == pytest.approx(jsd(a, b), abs=1e-9)
    assert full.jsd.width == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_first_byte_bound_is_the_minimum_a_convex_optimiser_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = rng.dirichlet(np.ones(4)) * 0.8, rng.dirichlet(np.ones(4)) * 0.7
    p = TopK.from_pairs([(bytes([i]), float(np.log(x))) for i, x in enumerate(m)], rounding=0.0)
    q = TopK.from_pairs([(bytes([i]), float(np.log(x))) for i, x in enumerate(n)], rounding=0.0)

    def value(x: Array) -> float:
        return float(np.sum(x[:4] * np.log(x[:4] / x[4:]) - x[:4] + x[4:]))

    sums = np.zeros((2, 8))
    sums[0, :4] = sums[1, 4:] = 1.0
    best = minimize(
        value,
        np.concatenate([m + 0.05, n + 0.075]),
        method="COBYQA",
        bounds=Box(np.concatenate([m, n]), np.ones(8)),
        constraints=LinearConstraint(sums, np.ones(2), np.ones(2)),
    )
    assert first_byte(p, q).kl_lower == pytest.approx(max(float(best.fun), 0.0), abs=2e-6)


def test_lists_that_may_be_equal_prove_nothing() -> None:
    p = TopK.from_pairs([(b"a", math.log(0.5))])
    q = TopK.from_pairs([(b"b", math.log(0.5))])
    found = first_byte(p, q)
    assert (found.kl_lower, found.jsd.lower, found.tv.lower) == (0.0, 0.0, 0.0)
    assert found.tv.upper == 1.0


def test_keys_must_be_bytes() -> None:
    with pytest.raises(ValueError, match="keyed by bytes"):
        first_byte(TopK.from_pairs([("a", -0.1)]), TopK.from_pairs([(b"a", -0.1)]))
