import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.stats.intervals import mcnemar_exact, tango
from auditor.stats.planning import minimum_detectable_effect, needed_n, smallest_certifiable_n


def test_the_published_table() -> None:
    assert [smallest_certifiable_n(margin, 0.90) for margin in (0.05, 0.10, 0.15, 0.20)] == [52, 25, 16, 11]


@given(st.floats(0.005, 0.95), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_it_is_the_first_size_that_certifies(margin: float, level: float) -> None:
    n = smallest_certifiable_n(margin, level)
    assert tango(0, 0, n, level).lo > -margin
    assert n == 1 or tango(0, 0, n - 1, level).lo <= -margin


@given(st.integers(1, 80), st.integers(0, 80), st.integers(0, 80), st.floats(0.02, 0.5))
def test_needed_n_decides_at_the_rates_seen(ties: int, better: int, worse: int, margin: float) -> None:
    n = ties + better + worse
    needed = needed_n(better, worse, n, margin, 0.9)
    assert needed is None or needed >= n
    if needed is not None:
        # Whole counts at a multiple of n stand for the same rates; from the needed size on, they decide.
        times = math.ceil(needed / n)
        found = tango(better * times, worse * times, n * times, 0.9)
        assert found.lo > -margin or found.hi < 0
    if needed != n:
        found = tango(better, worse, n, 0.9)
        assert found.lo <= -margin
        assert found.hi >= 0


def test_needed_n_before_anything_was_seen() -> None:
    assert needed_n(0, 0, 0, 0.1, 0.9) == 25
    assert needed_n(0, 0, 12, 0.1, 0.9) == 25


def test_minimum_detectable_effect_has_its_power() -> None:
    n, discordance = 200, 0.2
    effect = minimum_detectable_effect(n, discordance, 0.95, 0.8)
    rng = random.Random(11)
    p_worse = (discordance + effect) / 2
    found = 0
    for _ in range(3000):
        draws = [rng.random() for _ in range(n)]
        worse = sum(draw < p_worse for draw in draws)
        better = sum(p_worse <= draw < discordance for draw in draws)
        found += worse > better and tango(better, worse, n, 0.95).hi < 0
    assert found / 3000 == pytest.approx(0.8, abs=0.04)
    assert mcnemar_exact(0, 6) < 0.05


@given(st.integers(4, 500), st.floats(0, 1))
def test_more_prompts_see_smaller_changes(n: int, discordance: float) -> None:
    assert minimum_detectable_effect(2 * n, discordance) <= minimum_detectable_effect(n, discordance)


def test_too_few_prompts_see_nothing() -> None:
    assert minimum_detectable_effect(2, 0.1) == math.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: smallest_certifiable_n(0.0),
        lambda: smallest_certifiable_n(5),
        lambda: smallest_certifiable_n(0.1, 90),
        lambda: needed_n(3, 3, 5, 0.1),
        lambda: minimum_detectable_effect(0, 0.1),
        lambda: minimum_detectable_effect(9, 1.1),
        lambda: minimum_detectable_effect(9, 0.1, power=1.0),
    ],
)
def test_bad_input_says_what_to_pass(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="pass"):
        call()
