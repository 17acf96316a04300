"""Every bound holds, in order, for lists of any shape; and the water-filling is the true minimum."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, minimize

from auditor.drift.bounds import (
    LN2,
    coverage,
    jsd_bounds,
    kl_lower_capped,
    kl_lower_lumped,
    kl_lower_targeted,
    kl_upper_with_floor,
    to_bits,
    tv_bounds,
)
from auditor.drift.completion import Completion
from auditor.drift.topk import TopK
from tests.drift.support import Array, jsd, kl, list_pairs, listed, one_sided, softmax, synthetic_pair, top_list, tv

EXACT = 1e-9
"""What double precision leaves of an identity between sums of probabilities."""
ROUNDED = 2e-5
"""What a tail slack of 1e-6 can cost: about slack * ln(1 / slack)."""


@given(list_pairs())
@settings(max_examples=250, deadline=None)
def test_lumped_below_capped_below_exact(case: tuple[Array, Array, TopK, TopK]) -> None:
    p, q, a, b = case
    e1, e2 = kl_lower_lumped(a, b), kl_lower_capped(a, b)
    assert 0.0 <= e1 <= e2 + EXACT
    assert e2 <= kl(p, q) + EXACT


@given(list_pairs())
@settings(max_examples=100, deadline=None)
def test_caps_on_both_sides_beat_caps_on_one(case: tuple[Array, Array, TopK, TopK]) -> None:
    p, q, a, b = case
    a, b = top_list(p, a.k, rounding=0.0), top_list(q, b.k, rounding=0.0)
    # With less room than this the reference divides by its own rounding errors.
    assume(Completion.closest(a, b).rest[1] > 1e-9)
    assert one_sided(a, b) <= kl_lower_capped(a, b) + 1e-6


@given(list_pairs())
@settings(max_examples=150, deadline=None)
def test_tv_and_jsd_intervals_contain_the_exact_value(case: tuple[Array, Array, TopK, TopK]) -> None:
    p, q, a, b = case
    assert tv_bounds(a, b).lower - EXACT <= tv(p, q) <= tv_bounds(a, b).upper + EXACT
    assert jsd_bounds(a, b).lower - EXACT <= jsd(p, q) <= jsd_bounds(a, b).upper + EXACT
    assert 0.0 <= jsd_bounds(a, b).lower <= jsd_bounds(a, b).upper <= LN2
    assert 0.0 <= tv_bounds(a, b).lower <= tv_bounds(a, b).upper <= 1.0


@given(list_pairs())
@settings(max_examples=100, deadline=None)
def test_targeted_below_exact_and_above_lumped(case: tuple[Array, Array, TopK, TopK]) -> None:
    p, q, a, b = case
    asked = {key: float(np.log(q[key])) for key in a.logprobs if isinstance(key, int)}
    alone, joined = kl_lower_targeted(a, asked), kl_lower_targeted(a, asked, b)
    assert 0.0 <= alone <= kl(p, q) + EXACT
    assert 0.0 <= joined <= kl(p, q) + EXACT
    assert kl_lower_capped(a, b) <= joined + ROUNDED
    assert alone <= joined + ROUNDED


@given(list_pairs(), st.floats(0.01, 1.0))
@settings(max_examples=100, deadline=None)
def test_upper_value_holds_under_its_floor(case: tuple[Array, Array, TopK, TopK], share: float) -> None:
    p, q, a, b = case
    floor = float(q.min()) * share
    assert kl(p, q) <= kl_upper_with_floor(a, b, floor) + EXACT
    assert kl_upper_with_floor(a, b, floor) <= kl_upper_with_floor(a, b, floor / 10) + EXACT


@given(list_pairs())
@settings(max_examples=80, deadline=None)
def test_symmetric_divergences_do_not_care_which_side_is_which(case: tuple[Array, Array, TopK, TopK]) -> None:
    _, _, a, b = case
    for bounds in (jsd_bounds, tv_bounds):
        assert bounds(a, b).lower == pytest.approx(bounds(b, a).lower, abs=EXACT)
        assert bounds(a, b).upper == pytest.approx(bounds(b, a).upper, abs=EXACT)


@given(list_pairs(), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_order_of_entries_and_names_of_keys_change_nothing(
    case: tuple[Array, Array, TopK, TopK], chance: random.Random
) -> None:
    _, _, a, b = case

    def renamed(side: TopK) -> TopK:
        pairs = [(f"token {key}", v) for key, v in side.logprobs.items()]
        chance.shuffle(pairs)
        return TopK.from_pairs(pairs, k=side.k)

    x, y = renamed(a), renamed(b)
    assert kl_lower_capped(x, y) == pytest.approx(kl_lower_capped(a, b), abs=1e-12, rel=1e-12)
    assert kl_lower_lumped(x, y) == pytest.approx(kl_lower_lumped(a, b), abs=1e-12, rel=1e-12)
    assert jsd_bounds(x, y).lower == pytest.approx(jsd_bounds(a, b).lower, abs=1e-12)
    assert tv_bounds(x, y).upper == pytest.approx(tv_bounds(a, b).upper, abs=1e-12)


@given(list_pairs())
@settings(max_examples=80, deadline=None)
def test_longer_lists_never_weaken_a_bound(case: tuple[Array, Array, TopK, TopK]) -> None:
    p, q, a, b = case
    longer = top_list(p, min(len(a.logprobs) + 3, len(p))), top_list(q, min(len(b.logprobs) + 3, len(q)))
    assert kl_lower_capped(a, b) <= kl_lower_capped(*longer) + EXACT
    assert jsd_bounds(a, b).lower <= jsd_bounds(*longer).lower + EXACT
    assert jsd_bounds(a, b).upper >= jsd_bounds(*longer).upper - EXACT
    assert tv_bounds(a, b).lower <= tv_bounds(*longer).lower + EXACT
    assert tv_bounds(a, b).upper >= tv_bounds(*longer).upper - EXACT


@given(list_pairs())
@settings(max_examples=60, deadline=None)
def test_a_list_against_itself_shows_no_lower_bound(case: tuple[Array, Array, TopK, TopK]) -> None:
    _, _, a, _ = case
    assert kl_lower_capped(a, a) == pytest.approx(0.0, abs=EXACT)
    assert jsd_bounds(a, a).lower == pytest.approx(0.0, abs=EXACT)
    assert tv_bounds(a, a).lower == pytest.approx(0.0, abs=EXACT)
    assert tv_bounds(a, a).upper == pytest.approx(a.tail, abs=EXACT)


@given(list_pairs())
@settings(max_examples=60, deadline=None)
def test_full_lists_give_the_exact_values(case: tuple[Array, Array, TopK, TopK]) -> None:
    p, q, _, _ = case
    a, b = top_list(p, len(p)), top_list(q, len(q))
    assert kl_lower_capped(a, b) == pytest.approx(kl(p, q), abs=1e-9, rel=1e-9)
    assert kl_lower_targeted(a, dict(b.logprobs)) == pytest.approx(kl(p, q), abs=ROUNDED, rel=1e-6)
    assert jsd_bounds(a, b).lower == pytest.approx(jsd(p, q), abs=1e-9)
    assert jsd_bounds(a, b).upper == pytest.approx(jsd(p, q), abs=1e-9)
    assert tv_bounds(a, b).lower == pytest.approx(tv(p, q), abs=1e-9)


@pytest.mark.parametrize("shift", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("k", [1, 2, 5, 20])
def test_bounds_hold_on_a_vocabulary_of_50_000(shift: float, k: int) -> None:
    p, q = synthetic_pair(50_000, shift, seed=k)
    a, b = top_list(p, k), top_list(q, k)
    asked = {key: float(np.log(q[key])) for key in a.logprobs if isinstance(key, int)}
    exact = kl(p, q)
    e1, e2 = kl_lower_lumped(a, b), kl_lower_capped(a, b)
    assert 0.0 <= e1 <= e2 + EXACT <= exact + 2 * EXACT
    assert e1 - ROUNDED <= kl_lower_targeted(a, asked) <= exact + EXACT
    assert jsd_bounds(a, b).lower <= jsd(p, q) <= jsd_bounds(a, b).upper
    assert tv_bounds(a, b).lower <= tv(p, q) <= tv_bounds(a, b).upper
    assert exact <= kl_upper_with_floor(a, b, float(q.min()))


def _numeric_minimum(a: TopK, b: TopK, objective: str) -> float:
    """The same programme given to a general convex optimiser: unknowns q_i, p_j and nothing known of the solution."""
    both = [(math.exp(v), math.exp(b.logprobs[key])) for key, v in a.logprobs.items() if key in b.logprobs]
    only_p = np.array([math.exp(v) for key, v in a.logprobs.items() if key not in b.logprobs])
    only_q = np.array([math.exp(v) for key, v in b.logprobs.items() if key not in a.logprobs])
    tiny = 1e-9

    def value(x: Array) -> float:
        q_i, p_j = x[: len(only_p)], x[len(only_p) :]
        rest_p, rest_q = max(a.tail - p_j.sum(), tiny), max(b.tail - q_i.sum(), tiny)
        u = np.array([*(m for m, _ in both), *only_p, *p_j, rest_p])
        w = np.array([*(m for _, m in both), *q_i, *only_q, rest_q])
        if objective == "kl":
            return float(np.sum(u * np.log(u / w) - u + w))
        if objective == "jsd":
            m = (u + w) / 2
            return float(np.sum(u * np.log(u / m) + w * np.log(w / m)) / 2)
        return float(np.sum((np.sqrt(u) - np.sqrt(w)) ** 2))

    tops: Array = np.array([b.cap] * len(only_p) + [a.cap] * len(only_q))
    rooms: Array = np.array([b.tail / (len(only_p) + 1)] * len(only_p) + [a.tail / (len(only_q) + 1)] * len(only_q))
    if len(tops) == 0:
        return value(tops)
    sums = np.zeros((2, len(tops)))
    sums[0, : len(only_p)], sums[1, len(only_p) :] = 1.0, 1.0
    best = minimize(
        value,
        np.minimum(tops, rooms) / 2,
        method="COBYQA",
        bounds=Box(tiny, tops),
        constraints=LinearConstraint(sums, -np.inf, np.array([b.tail, a.tail])),
    )
    return float(best.fun)


@pytest.mark.parametrize("seed", range(12))
def test_water_filling_is_the_minimum_a_convex_optimiser_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = softmax(rng.normal(0, 1.2, 12)), softmax(rng.normal(0, 1.2, 12))
    a, b = top_list(p, int(rng.integers(1, 6)), rounding=0.0), top_list(q, int(rng.integers(1, 6)), rounding=0.0)
    closest = Completion.closest(a, b).buckets
    u, w = np.array([x for x, _ in closest]), np.array([x for _, x in closest])
    assert kl_lower_capped(a, b) == pytest.approx(_numeric_minimum(a, b, "kl"), abs=2e-6)
    assert jsd_bounds(a, b).lower == pytest.approx(_numeric_minimum(a, b, "jsd"), abs=2e-6)
    # The same completion, not a new one, minimises another f-divergence, too (squared Hellinger).
    assert float(((np.sqrt(u) - np.sqrt(w)) ** 2).sum()) == pytest.approx(_numeric_minimum(a, b, "hellinger"), abs=2e-6)


@given(list_pairs())
@settings(max_examples=100, deadline=None)
def test_completion_is_a_pair_of_distributions_within_the_caps(case: tuple[Array, Array, TopK, TopK]) -> None:
    _, _, a, b = case
    closest = Completion.closest(a, b)
    for side in (0, 1):
        column = [bucket[side] for bucket in closest.buckets]
        assert min(column) >= 0.0
        assert math.fsum(column) == pytest.approx(1.0, abs=1e-9)
    assert all(y <= b.cap * (1 + EXACT) for _, y in closest.only_p)
    assert all(x <= a.cap * (1 + EXACT) for x, _ in closest.only_q)


def test_disjoint_lists_show_what_lumping_hides() -> None:
    p, q = listed(a=0.5, b=0.3), listed(c=0.6, d=0.35)
    assert kl_lower_lumped(p, q) == pytest.approx(0.0, abs=EXACT)
    # Q has 0.05 left for P's 0.8, and P 0.2 for Q's 0.95.
    assert kl_lower_capped(p, q) > 1.0
    assert tv_bounds(p, q).lower == pytest.approx(1 - 0.05 - 0.2, abs=EXACT)
    assert tv_bounds(p, q).upper == 1.0


def test_hand_computed_values() -> None:
    p, q = listed(0.6, 0.2), listed(0.5, 0.3)
    expected = 0.6 * math.log(0.6 / 0.5) + 0.2 * math.log(0.2 / 0.3) + 0.2 * math.log(0.2 / 0.2)
    assert kl_lower_lumped(p, q) == pytest.approx(expected, abs=ROUNDED)
    assert kl_lower_capped(p, q) == pytest.approx(expected, abs=ROUNDED)
    assert tv_bounds(p, q).lower == pytest.approx(0.1)
    assert tv_bounds(p, q).upper == pytest.approx(0.1 + 0.2)
    assert coverage(p, q).shared == 2
    assert coverage(p, q).least == pytest.approx(0.8)
    assert to_bits(LN2) == 1.0


def test_a_censored_key_is_not_capped() -> None:
    q = TopK.from_pairs([("a", math.log(0.5)), ("b", math.log(0.01)), ("c", None)])
    p = listed(a=0.5, c=0.5)
    # c may carry all of Q's other half: nothing is proved. A capped c could have 0.01 at most.
    assert kl_lower_capped(p, q) < 0.02
    assert kl_lower_capped(p, replace(q, censored=frozenset())) > 1.0


def test_no_data_proves_nothing() -> None:
    nothing, something = TopK.from_pairs([("a", None)]), listed(0.9, 0.05)
    assert kl_lower_capped(something, nothing) == pytest.approx(0.0, abs=EXACT)
    assert kl_lower_capped(nothing, something) == pytest.approx(0.0, abs=EXACT)
    assert jsd_bounds(something, nothing).lower == pytest.approx(0.0, abs=EXACT)
    assert jsd_bounds(something, nothing).upper == pytest.approx(LN2)
    assert coverage(something, nothing).q_mass == 0.0


def test_a_tail_lost_to_rounding_is_not_an_infinite_divergence() -> None:
    q = TopK.from_pairs([("a", math.log(0.7)), ("b", math.log(0.3 + 4e-7))])
    assert q.excess > 0
    p = listed(a=0.69, b=0.3)
    assert kl_lower_capped(p, q) < 0.15
    assert kl_lower_capped(p, replace(q, rounding=0.0, excess=0.0)) == math.inf


@pytest.mark.parametrize("floor", [0.0, -1.0, 0.2])
def test_a_floor_that_contradicts_the_list_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match="floor must lie in"):
        kl_upper_with_floor(listed(0.6, 0.2), listed(0.5, 0.1), floor)
