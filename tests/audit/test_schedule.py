"""The order of questions: seeded, interleaved, cut between whole clusters."""

from __future__ import annotations

import random
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from auditor.audit.schedule import Stakes, draw, drift_sample
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
    assert list(draw(some, seed)) == list(draw(shuffled, seed))
    assert sorted(draw(some, seed), key=lambda p: p.id) == sorted(some, key=lambda p: p.id)


@given(banks, st.integers(), st.integers(1, 10))
def test_a_limit_keeps_whole_clusters(some: list[Prompt], seed: int, limit: int) -> None:
    drawn = draw(some, seed, dict.fromkeys(ALL_DIMENSIONS, Stakes(limit)))
    for dimension in ALL_DIMENSIONS:
        kept = [p for p in drawn if p.dimension == dimension]
        assert len(kept) <= limit
        for unit in {p.unit for p in kept}:
            assert sum(p.unit == unit for p in kept) == sum(p.unit == unit and p.dimension == dimension for p in some)


@given(banks, st.integers(), st.integers(1, 10))
def test_a_limit_only_cuts_the_order_short(some: list[Prompt], seed: int, limit: int) -> None:
    cut = draw(some, seed, dict.fromkeys(ALL_DIMENSIONS, Stakes(limit)))
    for dimension in ALL_DIMENSIONS:
        whole = [p for p in draw(some, seed) if p.dimension == dimension]
        kept = [p for p in cut if p.dimension == dimension]
        if kept and len({p.unit for p in whole}) == len(whole):
            assert kept == whole[:limit]


@given(banks, st.integers())
def test_a_cluster_is_asked_in_one_go(some: list[Prompt], seed: int) -> None:
    for dimension in ALL_DIMENSIONS:
        lane = [p.unit for p in draw(some, seed) if p.dimension == dimension]
        assert len([unit for unit, _ in groupby(lane)]) == len(set(lane))


def test_every_round_asks_each_dimension_once() -> None:
    some = [prompt("safety", i) for i in range(40)] + [prompt("bias", i) for i in range(20)]
    first = draw(some, 3)[:40]
    assert [sum(p.dimension == name for p in first) for name in ("safety", "bias")] == [20, 20]
    assert sum(p.dimension == "bias" for p in drift_sample(first, 6)) == 3


def test_the_cheapest_decision_comes_first() -> None:
    some = [prompt("safety", i) for i in range(40)] + [prompt("bias", i) for i in range(40)]
    some += [prompt("privacy", i, f"c{i // 4}") for i in range(40)]
    stakes = {"safety": Stakes(None, 88), "bias": Stakes(None, 30), "privacy": Stakes(None, 30)}
    assert [p.dimension for p in draw(some, 3, stakes)[:3]] == ["bias", "safety", "privacy"]


def test_seeds_give_different_orders() -> None:
    some = [prompt("safety", i) for i in range(40)]
    assert list(draw(some, 1)) != list(draw(some, 2))
