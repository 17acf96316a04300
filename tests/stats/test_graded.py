import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from auditor.stats.graded import mean_interval, sign_flip

diffs = st.lists(st.floats(-1, 1), min_size=1, max_size=25)
graded = st.lists(st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.0, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40)


@pytest.mark.parametrize(("losses", "n"), [(0, 30), (1, 30), (5, 12), (12, 12), (40, 400)])
def test_two_valued_data_give_clopper_pearson(losses: int, n: int) -> None:
    found = mean_interval([-1.0] * losses + [0.0] * (n - losses), 0.9)
    assert found.lo == pytest.approx(-beta.ppf(0.95, losses + 1, n - losses) if losses < n else -1.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_inversion_agrees_with_drawing_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([-1.0, -0.4, 0.0, 0.1, 0.9], size=5 + 12 * seed, p=[0.1, 0.2, 0.4, 0.2, 0.1])
    weights = rng.dirichlet(np.ones(len(values) + 1), 100_000)
    lo = np.quantile(weights @ np.append(values, -1.0), 0.05)
    hi = np.quantile(weights @ np.append(values, 1.0), 0.95)
    assert mean_interval(list(values), 0.9)[:2] == pytest.approx((lo, hi), abs=0.004)


@given(diffs)
@settings(max_examples=30, deadline=None)
def test_interval_holds_the_mean_and_mirrors(values: list[float]) -> None:
    found = mean_interval(values)
    mirrored = mean_interval([-value for value in values])
    assert -1 <= found.lo <= math.fsum(values) / len(values) + 1e-9
    assert math.fsum(values) / len(values) - 1e-9 <= found.hi <= 1
    assert (found.lo, found.hi) == pytest.approx((-mirrored.hi, -mirrored.lo), abs=1e-9)


@given(graded, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_order_changes_nothing(values: list[float], rng: random.Random) -> None:
    shuffled = rng.sample(values, len(values))
    assert mean_interval(values) == mean_interval(shuffled)
    assert sign_flip(values, 7) == sign_flip(shuffled, 7)


@given(graded, st.sampled_from([0.0, 0.25, 1.0]))
@settings(max_examples=25, deadline=None)
def test_a_better_prompt_never_lowers_a_bound(values: list[float], gain: float) -> None:
    raised = [min(1.0, values[0] + gain), *values[1:]]
    assert mean_interval(raised).lo >= mean_interval(values).lo - 1e-9


def test_many_distinct_values_stay_close_to_the_normal_interval() -> None:
    rng = random.Random(5)
    values = [rng.uniform(-1, 1) for _ in range(1500)]
    mean, half = np.mean(values), 1.96 * np.std(values) / math.sqrt(len(values))
    found = mean_interval(values)
    assert found[:2] == pytest.approx((mean - half, mean + half), abs=0.003)
    assert found.lo <= mean - half


def test_exact_coverage_of_a_rare_total_loss() -> None:
    # Two values make the coverage enumerable: P(lower bound > -p) must not exceed 5 %.
    for p, n in itertools.product([0.02, 0.1, 0.3], [10, 40]):
        missed = sum(
            math.comb(n, k) * p**k * (1 - p) ** (n - k)
            for k in range(n + 1)
            if mean_interval([-1.0] * k + [0.0] * (n - k), 0.9).lo > -p
        )
        assert missed <= 0.05


def test_sign_flip_agrees_with_enumeration() -> None:
    values = np.array([0.3, -0.1, 0.5, 0.2, 0.0, -0.4, 0.7])
    signs = np.array(list(itertools.product([-1, 1], repeat=len(values))))
    expected = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-12)
    assert sign_flip(list(values), 0) == pytest.approx(expected)


def test_sampled_flips_are_close_to_exact_and_replayable() -> None:
    values = [0.5] * 14 + [-0.5] * 6
    exact = 2 * sum(math.comb(20, k) for k in range(7)) / 2**20
    assert sign_flip(values, 1) == pytest.approx(exact, abs=0.01)
    assert sign_flip(values, 1) == sign_flip(values, 1)
    assert sign_flip([1.0] * 60, 1) == 1 / 10_000


def test_nothing_seen() -> None:
    assert mean_interval([])[:2] == (-1.0, 1.0)
    assert sign_flip([], 0) == 1.0
    assert sign_flip([0.0, 0.0], 0) == 1.0


@pytest.mark.parametrize("values", [[1.5], [float("nan")], [0.0, -2.0]])
def test_bad_input_says_what_to_pass(values: list[float]) -> None:
    with pytest.raises(ValueError, match="pass candidate minus baseline"):
        mean_interval(values)
