"""Cluster bootstrap and position sampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auditor.drift.resample import (
    choose_positions,
    cluster_bootstrap,
    expanded_tail,
    horvitz_thompson,
    student_quantile,
)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 10, 29, 30, 101, 1000, 5000])
@pytest.mark.parametrize("probability", [0.5, 0.8, 0.95, 0.975, 0.9995])
def test_student_quantiles(df: int, probability: float) -> None:
    assert student_quantile(df, probability) == pytest.approx(stats.t.ppf(probability, df), rel=4e-3, abs=1e-9)


def test_few_clusters_widen_the_interval() -> None:
    assert expanded_tail(5, 0.95) < expanded_tail(50, 0.95) < 0.025
    assert expanded_tail(5, 0.95) == pytest.approx(stats.norm.cdf(-np.sqrt(5 / 4) * stats.t.ppf(0.975, 4)))


@pytest.mark.parametrize(("clusters", "least"), [(6, 0.90), (20, 0.92), (60, 0.92)])
def test_intervals_cover_the_mean(clusters: int, least: float) -> None:
    rng = np.random.default_rng(clusters)
    hits = 0
    for run in range(300):
        effect = np.repeat(rng.normal(0, 1, clusters), 3)
        values = (effect + rng.normal(0, 0.5, 3 * clusters)).tolist()
        (mean,) = cluster_bootstrap([values], np.repeat(np.arange(clusters), 3).tolist(), seed=run, resamples=400)
        assert mean.interval is not None
        hits += mean.interval[0] <= 0.0 <= mean.interval[1]
    assert hits / 300 >= least


def test_weights_make_a_ratio_of_sums() -> None:
    (mean,) = cluster_bootstrap([[1.0, 4.0]], ["a", "b"], seed=0, weights=[3.0, 1.0])
    assert mean.value == pytest.approx(7 / 4)
    (mean,) = cluster_bootstrap([[1.0, 4.0, 2.0]], ["a", "b", "c"], seed=0, weights=[0.0, 0.0, 1.0])
    assert mean.value == 2.0
    assert mean.interval == (2.0, 2.0)


def test_columns_share_their_resamples() -> None:
    values = [0.1, 0.5, 0.9, 0.2]
    low, high = cluster_bootstrap([values, [v + 1 for v in values]], "abcd", seed=7)
    assert low.interval is not None
    assert high.interval == pytest.approx((low.interval[0] + 1, low.interval[1] + 1))


def test_a_seed_is_a_result() -> None:
    state = np.random.get_state(legacy=False)
    values = list(range(10))
    assert cluster_bootstrap([values], values, seed=1) == cluster_bootstrap([values], values, seed=1)
    assert cluster_bootstrap([values], values, seed=1) != cluster_bootstrap([values], values, seed=2)
    assert str(np.random.get_state(legacy=False)) == str(state)


@pytest.mark.parametrize(
    ("columns", "clusters", "options"),
    [
        ([[]], [], {}),
        ([[1.0]], ["a", "b"], {}),
        ([[1.0]], ["a"], {"weights": [0.0]}),
        ([[1.0]], ["a"], {"weights": [-1.0]}),
        ([[1.0]], ["a"], {"level": 1.0}),
        ([[1.0]], ["a"], {"resamples": 0}),
    ],
)
def test_unusable_input_is_refused(columns: list[list[float]], clusters: list[str], options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        cluster_bootstrap(columns, clusters, seed=0, **options)  # type: ignore[arg-type]


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 10), st.integers(0, 5))
@settings(deadline=None)
def test_chosen_positions(length: int, budget: int, always: int, seed: int) -> None:
    if budget < length and budget <= always:
        with pytest.raises(ValueError, match="budget"):
            choose_positions(length, budget, seed=seed, always=always)
        return
    chosen = choose_positions(length, budget, seed=seed, always=always)
    places = [place for place, _ in chosen]
    assert places == sorted(set(places))
    assert len(places) == min(budget, length)
    assert set(range(min(always, length))) <= set(places)
    assert sum(1 / share for _, share in chosen) == pytest.approx(length)


def test_horvitz_thompson_is_unbiased_over_every_draw() -> None:
    values = [1.0, 5.0, 2.0, 7.0, 0.0]
    share = 2 / 4
    totals = [
        horvitz_thompson([values[0], *(values[i] for i in drawn)], [1.0, share, share])
        for drawn in itertools.combinations(range(1, 5), 2)
    ]
    assert np.mean(totals) == pytest.approx(sum(values))
    with pytest.raises(ValueError, match="inclusion"):
        horvitz_thompson([1.0], [0.0])


def test_each_position_is_equally_likely() -> None:
    counts = np.zeros(10)
    for seed in range(2000):
        for place, _ in choose_positions(10, 4, seed=seed, always=1):
            counts[place] += 1
    assert counts[0] == 2000
    assert stats.chisquare(counts[1:]).pvalue > 1e-3
