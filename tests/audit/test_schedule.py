"""The order of questions: seeded, interleaved, cut by whole clusters."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from auditor.audit.schedule import draw, drift_sample
from auditor.records import ALL_DIMENSIONS, Message, Prompt


def prompt(dimension: str, number: int, cluster: str | None = None) -> Prompt:
    return Prompt(f"{dimension}/{number}", dimension, "b", "k", (Message("user", "?"),), cluster=cluster)


banks = st.lists(
    st.builds(prompt, st.sampled_from(ALL_DIMENSIONS), st.integers(0, 500), st.sampled_from([None, "c1", "c2"])),
    max_size=60,
    unique_by=lambda p: p.id,
)


@given(banks, st.integers(), st.randoms(use_true_random=False))
def test_the_order_depends_on_the_seed_and_not_on_how_banks_are_listed(
    some: list[Prompt], seed: int, r: random.Random
) -> None:
    shuffled = list(some)
    r.shuffle(shuffled)
    assert draw(some, seed, {}) == draw(shuffled, seed, {})
    assert sorted(draw(some, seed, {}), key=lambda p: p.id) == sorted(some, key=lambda p: p.id)


@given(banks, st.integers(), st.integers(1, 10))
def test_a_limit_keeps_whole_clusters(some: list[Prompt], seed: int, limit: int) -> None:
    drawn = draw(some, seed, dict.fromkeys(ALL_DIMENSIONS, limit))
    for dimension in ALL_DIMENSIONS:
        kept = [p for p in drawn if p.dimension == dimension]
        assert len(kept) <= limit
        for unit in {p.unit for p in kept}:
            assert sum(p.unit == unit for p in kept) == sum(p.unit == unit and p.dimension == dimension for p in some)


def test_dimensions_are_interleaved_evenly() -> None:
    some = [prompt("safety", i) for i in range(40)] + [prompt("bias", i) for i in range(20)]
    first_half = draw(some, 3, {})[:30]
    assert sum(p.dimension == "safety" for p in first_half) == 20
    assert sum(p.dimension == "bias" for p in drift_sample(first_half, 6)) == 2


def test_seeds_give_different_orders() -> None:
    some = [prompt("safety", i) for i in range(40)]
    assert draw(some, 1, {}) != draw(some, 2, {})
