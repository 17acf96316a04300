"""E4 is unbiased and never negative: proved by enumerating every sample, not by averaging a few."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.drift.hybrid import Position, SequenceDrift, hybrid, k1, k3
from auditor.drift.topk import TopK
from tests.drift.support import Array, distributions, jsd, kl, softmax, synthetic_pair, top_list


def shown(x: Array, k: int, sampled: int, *, displaces: bool) -> TopK:
    """What a server lists around its sampled token: in place of the k-th best, or beside the k best."""
    order = [int(i) for i in np.argsort(-x, kind="stable")[:k]]
    if sampled not in order:
        order = [*order[: k - 1], sampled] if displaces else [*order, sampled]
    return TopK.from_pairs([(i, float(np.log(x[i]))) for i in order], k=k, sampled=sampled, displaces=displaces)


@given(distributions(high=12), st.integers(1, 12), st.integers(1, 12), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_expectation_over_every_sample_is_the_exact_kl(
    pair: tuple[Array, Array], j: int, k: int, first: bool, second: bool
) -> None:
    p, q = pair
    total = plain = 0.0
    for y in range(len(p)):
        position = Position(
            y,
            math.log(p[y]),
            math.log(q[y]),
            shown(p, min(j, len(p)), y, displaces=first),
            shown(q, min(k, len(q)), y, displaces=second),
        )
        assert position.kl >= 0.0
        total += p[y] * position.kl
        plain += p[y] * position.kl_plain
    assert total == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)
    assert plain == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)


@given(distributions(high=8), st.integers(1, 8), st.floats(-1.0, 2.0))
@settings(max_examples=60, deadline=None)
def test_any_weight_of_the_control_variate_is_unbiased(pair: tuple[Array, Array], k: int, control: float) -> None:
    p, q = pair
    a, b = top_list(p, min(k, len(p))), top_list(q, min(k, len(q)))
    total = math.fsum(
        p[y] * hybrid(a.logprobs, b.logprobs, y, math.log(p[y]), math.log(q[y]), control=control) for y in range(len(p))
    )
    assert total == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)


@given(distributions(high=12), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_targeted_keys_keep_it_unbiased(pair: tuple[Array, Array], k: int) -> None:
    p, q = pair
    total = 0.0
    for y in range(len(p)):
        listing = shown(p, min(k, len(p)), y, displaces=True)
        other = top_list(q, 1)
        asked = {key: math.log(q[key]) for key in listing.stable if isinstance(key, int)}
        known = other.with_known(asked, by_context=True)
        total += p[y] * Position(y, math.log(p[y]), math.log(q[y]), listing, known).kl
    assert total == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)


def test_a_set_that_depends_on_the_sample_would_be_biased() -> None:
    """Why `TopK.stable` exists: with half-precision ties, taking the list as it stands misses the exact value."""
    p, q = np.array([0.4, 0.2, 0.2, 0.2]), np.array([0.1, 0.6, 0.2, 0.1])

    def mean(kept: str) -> float:
        total = 0.0
        for y in range(4):
            a, b = shown(p, 2, y, displaces=True), top_list(q, 4)
            known = dict(a.logprobs) if kept == "all" else {key: v for key, v in a.logprobs.items() if key in a.stable}
            total += p[y] * hybrid(known, b.logprobs, y, math.log(p[y]), math.log(q[y]))
        return total

    assert abs(mean("all") - kl(p, q)) > 0.05
    assert mean("stable") == pytest.approx(kl(p, q))


@given(distributions())
@settings(max_examples=80, deadline=None)
def test_when_everything_is_known_the_sample_does_not_matter(pair: tuple[Array, Array]) -> None:
    p, q = pair
    a, b = top_list(p, len(p)), top_list(q, len(q))
    for y in {0, len(p) - 1}:
        assert Position(y, math.log(p[y]), math.log(q[y]), a, b).kl == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)


@given(st.floats(-50, 0), st.floats(-50, 0))
@settings(deadline=None)
def test_k3_is_never_negative_and_k1_is_antisymmetric(a: float, b: float) -> None:
    assert k3(a, b) >= 0.0
    assert k3(a, a) == 0.0
    assert k1(a, b) == -k1(b, a)
    assert Position("y", a, b).kl == k3(a, b)
    assert Position("y", a, b).kl_plain == k1(a, b)


@given(distributions(high=8))
@settings(max_examples=60, deadline=None)
def test_k1_and_k3_are_unbiased(pair: tuple[Array, Array]) -> None:
    p, q = pair
    for estimator in (k1, k3):
        mean = math.fsum(p[y] * estimator(math.log(p[y]), math.log(q[y])) for y in range(len(p)))
        assert mean == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)


def test_sequence_sums_are_unbiased_for_the_sequence_level_kl() -> None:
    """A Markov pair over three tokens, every one of the 27 sequences: chain rule and E4 together."""
    rng = np.random.default_rng(2)
    p = {state: softmax(rng.normal(0, 1, 3)) for state in (None, 0, 1, 2)}
    q = {state: softmax(rng.normal(0, 1, 3)) for state in (None, 0, 1, 2)}
    expected = exact = lower = jsd_low = jsd_high = jsd_exact = 0.0
    for y in itertools.product(range(3), repeat=3):
        contexts = list(zip([None, *y[:-1]], y, strict=True))
        weight = math.prod(float(p[state][token]) for state, token in contexts)
        other = math.prod(float(q[state][token]) for state, token in contexts)
        exact += weight * math.log(weight / other)
        drift = SequenceDrift.of(
            Position(
                token,
                math.log(p[state][token]),
                math.log(q[state][token]),
                shown(p[state], 2, token, displaces=False),
                shown(q[state], 2, token, displaces=False),
            )
            for state, token in contexts
        )
        assert drift.lower is not None
        assert drift.jsd_lower is not None
        assert drift.jsd_upper is not None
        assert drift.kl_per_token == pytest.approx(drift.kl / 3)
        expected += weight * drift.kl
        lower += weight * drift.lower
        jsd_low += weight * drift.jsd_lower
        jsd_high += weight * drift.jsd_upper
        jsd_exact += weight * sum(jsd(p[state], q[state]) for state, _ in contexts)
    assert expected == pytest.approx(exact, abs=1e-12)
    assert lower <= exact + 1e-9
    assert jsd_low - 1e-9 <= jsd_exact <= jsd_high + 1e-9


def test_subsampled_positions_stay_unbiased() -> None:
    """Every subset of two positions out of four, each equally likely."""
    logprobs = [(-0.1, -0.4), (-2.0, -1.0), (-0.5, -3.0), (-1.0, -1.0)]
    full = SequenceDrift.of(Position(i, *pair) for i, pair in enumerate(logprobs))
    means = [
        SequenceDrift.of((Position(i, *logprobs[i], inclusion=0.5) for i in chosen), length=4)
        for chosen in itertools.combinations(range(4), 2)
    ]
    assert np.mean([drift.kl for drift in means]) == pytest.approx(full.kl)
    assert np.mean([drift.k1 for drift in means]) == pytest.approx(full.k1)
    assert np.mean([drift.kl_per_token for drift in means]) == pytest.approx(full.kl_per_token)
    assert means[0].scored == 2
    assert means[0].lower is None
    assert means[0].jsd_upper is None


def test_spread_is_far_below_k1_and_k3_on_a_large_vocabulary() -> None:
    p, q = synthetic_pair(50_000, 0.3, seed=1)
    a, b = top_list(p, 20), top_list(q, 20)
    rng = np.random.default_rng(0)
    drawn = [int(y) for y in rng.choice(len(p), size=4000, p=p)]
    values = np.array(
        [
            (Position(y, x, w, a, b).kl, k1(x, w), k3(x, w))
            for y, x, w in ((y, math.log(p[y]), math.log(q[y])) for y in drawn)
        ]
    )
    spread = values.std(axis=0)
    assert spread[0] < spread[2] < spread[1]
    assert abs(values[:, 0].mean() - kl(p, q)) < 4 * spread[0] / math.sqrt(len(drawn))


def test_far_apart_the_control_variate_costs_more_than_it_saves() -> None:
    """Exact spreads, no luck: why the plain hybrid is kept beside E4, and what `largest` warns of."""
    rng = np.random.default_rng(3)
    p, q = softmax(rng.normal(0, 4, 2000)), softmax(rng.normal(0, 4, 2000))
    a, b = top_list(p, 20), top_list(q, 20)
    scored = [Position(y, math.log(p[y]), math.log(q[y]), a, b) for y in range(len(p))]
    exact = kl(p, q)

    def spread(values: list[float]) -> float:
        return math.sqrt(math.fsum(w * (v - exact) ** 2 for w, v in zip(p, values, strict=True)))

    e4, plain = spread([x.kl for x in scored]), spread([x.kl_plain for x in scored])
    assert plain < 10 < e4
    rare = max(range(len(p)), key=lambda y: q[y] / p[y])
    drift = SequenceDrift.of([scored[rare], *(scored[y] for y in range(20))])
    assert drift.largest > 0.9
    assert SequenceDrift.of([Position("y", -1.0, -1.0)]).largest == 0.0
    assert SequenceDrift.of([Position("y", -2000.0, 0.0)]).largest == 1.0


def test_extreme_ratios_are_infinite_not_an_exception() -> None:
    assert k3(-2000.0, 0.0) == math.inf
    assert k3(0.0, -2000.0) == pytest.approx(1999.0)


def test_what_is_not_a_logprob_or_a_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="not logarithms"):
        k1(0.5, -1.0)
    with pytest.raises(ValueError, match="not logarithms"):
        k3(-1.0, -math.inf)
    with pytest.raises(ValueError, match="scored positions"):
        SequenceDrift.of([])
    with pytest.raises(ValueError, match="scored positions"):
        SequenceDrift.of([Position("a", -1.0, -1.0, inclusion=0.0)])
