import importlib
import itertools
import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from auditor.stats.intervals import Interval, mcnemar_exact, newcombe, tango, wilson

levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@st.composite
def paired_counts(draw: st.DrawFn, most: int = 300) -> tuple[int, int, int]:
    n = draw(st.integers(1, most))
    better = draw(st.integers(0, n))
    worse = draw(st.integers(0, n - better))
    return better, worse, n


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), levels)
def test_wilson_agrees_with_statsmodels(counts: tuple[int, int], level: float) -> None:
    k, n = counts
    lo, hi = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert wilson(k, n, level)[:2] == pytest.approx((max(0, lo), min(1, hi)), abs=1e-12)


@given(st.integers(0, 1500), st.integers(0, 1500))
def test_mcnemar_agrees_with_scipy_on_both_sides_of_the_exact_limit(better: int, worse: int) -> None:
    expected = binomtest(min(better, worse), better + worse).pvalue if better + worse else 1.0
    assert mcnemar_exact(better, worse) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_agrees_with_statsmodels() -> None:
    assert mcnemar_exact(3, 10) == pytest.approx(mcnemar([[20, 3], [10, 30]], exact=True).pvalue, rel=1e-12)


def score_by_likelihood(better: int, worse: int, n: int, delta: float) -> float:
    """Tango's statistic with the nuisance parameter found by maximising the likelihood numerically."""
    ties = n - better - worse

    def slope(p_worse: float) -> float:
        return worse / p_worse + better / (p_worse + delta) - 2 * ties / (1 - 2 * p_worse - delta)

    low, high = max(0.0, -delta), (1 - delta) / 2
    inside = (low + 1e-13, high - 1e-13)
    p_worse = low if slope(inside[0]) <= 0 else high if slope(inside[1]) >= 0 else brentq(slope, *inside, xtol=1e-15)
    return (better - worse - n * delta) / math.sqrt(n * (2 * p_worse + delta - delta * delta))


@pytest.mark.parametrize(
    ("better", "worse", "n"), [(0, 0, 44), (1, 0, 20), (0, 5, 60), (12, 2, 50), (3, 17, 100), (40, 38, 90)]
)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_tango_solves_the_score_equation(better: int, worse: int, n: int, level: float) -> None:
    z = norm.ppf((1 + level) / 2)
    delta = (better - worse) / n
    found = tango(better, worse, n, level)
    lo = brentq(lambda d: score_by_likelihood(better, worse, n, d) - z, -0.999, delta - 1e-6)
    hi = brentq(lambda d: score_by_likelihood(better, worse, n, d) + z, delta + 1e-6, 0.999)
    assert found[:2] == pytest.approx((lo, hi), abs=1e-5)


def test_published_examples() -> None:
    # Newcombe 1998, Table II method 10, and the contact-lens data of Tango 1998.
    assert newcombe(36, 12, 2, 0)[:2] == pytest.approx((0.0569, 0.3404), abs=5e-5)
    assert tango(0, 0, 44)[:2] == pytest.approx((-0.0803, 0.0803), abs=5e-5)


@given(paired_counts(), levels)
def test_tango_is_ordered_antisymmetric_and_holds_its_estimate(counts: tuple[int, int, int], level: float) -> None:
    better, worse, n = counts
    found, mirrored = tango(better, worse, n, level), tango(worse, better, n, level)
    assert -1 <= found.lo <= (better - worse) / n + 1e-12
    assert (better - worse) / n - 1e-12 <= found.hi <= 1
    assert (found.lo, found.hi) == (-mirrored.hi, -mirrored.lo)


@given(paired_counts(), st.floats(0, 1))
def test_newcombe_is_ordered_and_antisymmetric(counts: tuple[int, int, int], share: float) -> None:
    better, worse, n = counts
    both = int(share * (n - better - worse))
    neither = n - better - worse - both
    found, mirrored = newcombe(both, better, worse, neither), newcombe(both, worse, better, neither)
    assert -1 <= found.lo <= (better - worse) / n + 1e-12
    assert (better - worse) / n - 1e-12 <= found.hi <= 1
    assert (found.lo, found.hi) == pytest.approx((-mirrored.hi, -mirrored.lo), abs=1e-12)


def test_tango_keeps_its_digits_at_a_million_pairs() -> None:
    wald = 1.959963984540054 * math.sqrt(0.49 / 1e6)
    assert tango(250_000, 240_000, 10**6)[:2] == pytest.approx((0.01 - wald, 0.01 + wald), abs=3e-7)
    assert tango(0, 0, 10**6).lo == pytest.approx(-3.841459e-6, rel=1e-4)


def test_nothing_seen_excludes_nothing() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0, 0.95, "wilson")
    assert tango(0, 0, 0) == Interval(-1.0, 1.0, 0.95, "tango")
    assert newcombe(0, 0, 0, 0)[:2] == (-1.0, 1.0)
    assert mcnemar_exact(0, 0) == 1.0


def test_all_pairs_one_way() -> None:
    assert tango(10, 0, 10).hi == 1.0
    assert tango(0, 10, 10).lo == -1.0
    assert tango(10, 0, 10).lo > 0.4


@pytest.mark.parametrize(
    "call",
    [
        lambda: wilson(3, 2),
        lambda: wilson(-1, 2),
        lambda: wilson(1, 2, 1.0),
        lambda: tango(2, 2, 3),
        lambda: tango(0, -1, 3),
        lambda: tango(0, 0, 3, 95),
        lambda: newcombe(1, 1, -1, 1),
        lambda: mcnemar_exact(-1, 0),
    ],
)
def test_bad_input_says_what_to_pass(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"pass|negative|count"):
        call()


def false_preserved(
    p_better: float, p_worse: float, n: int, margin: float, interval: Callable[[int, int, int], Interval]
) -> float:
    """The exact chance of a lower bound above -margin, by enumerating every pair of counts."""
    total = 0.0
    for better, worse in itertools.product(range(n + 1), repeat=2):
        ties = n - better - worse
        if ties < 0 or (better and not p_better) or (worse and not p_worse):
            continue
        orders = math.comb(n, better) * math.comb(n - better, worse)
        chance = orders * p_better**better * p_worse**worse * (1 - p_better - p_worse) ** ties
        if chance > 1e-12 and interval(better, worse, n).lo > -margin:
            total += chance
    return total


@pytest.mark.parametrize("n", [20, 40, 60])
@pytest.mark.parametrize(("p_better", "p_worse"), [(0, 0.05), (0, 0.1), (0.05, 0.15), (0.1, 0.3), (0.1, 0.15)])
def test_enumerated_false_preserved_at_the_margin(p_better: float, p_worse: float, n: int) -> None:
    margin = p_worse - p_better
    assert false_preserved(p_better, p_worse, n, margin, tango) <= 0.028


def test_the_enumeration_reproduces_the_known_failure_of_wald() -> None:
    def wald(better: int, worse: int, n: int) -> Interval:
        delta = (better - worse) / n
        half = 1.96 * math.sqrt(max(0.0, (better + worse) / n - delta**2) / n)
        return Interval(delta - half, delta + half, 0.95, "wald")

    assert false_preserved(0, 0.05, 20, 0.05, wald) == pytest.approx(0.358, abs=1e-3)


@pytest.fixture(scope="module")
def evalstats_resampling() -> ModuleType:
    return importlib.import_module("evalstats.core.resampling")


@given(paired_counts(120), st.sampled_from([0.9, 0.95]))
@settings(max_examples=60, deadline=None)
def test_agreement_with_evalstats(evalstats_resampling: ModuleType, counts: tuple[int, int, int], level: float) -> None:
    better, worse, n = counts
    candidate = np.repeat([1, 0, 1, 0], [better, worse, (n - better - worse) // 2, (n - better - worse + 1) // 2])
    baseline = np.repeat([0, 1, 1, 0], [better, worse, (n - better - worse) // 2, (n - better - worse + 1) // 2])
    expected = evalstats_resampling.newcombe_mover_paired_ci(candidate, baseline, 1 - level)
    both, neither = (n - better - worse) // 2, (n - better - worse + 1) // 2
    assert newcombe(both, better, worse, neither, level)[:2] == pytest.approx(expected, abs=1e-9)
    if better + worse < n:
        # With c=0 the closed form is Tango's own; where every pair differs evalstats falls back to another method.
        expected = evalstats_resampling.tango_scc_paired_ci(candidate, baseline, 1 - level, c=0.0)
        assert tango(better, worse, n, level)[:2] == pytest.approx(expected, abs=1e-5)
