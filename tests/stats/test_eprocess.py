import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.stats.eprocess import BETS, anytime_p, e_value, e_value_counts, e_values

binary = st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0]), max_size=60)
graded = st.lists(st.floats(-1, 1), max_size=60)
deltas = st.floats(-0.9, 0.9)


@given(binary, deltas)
def test_counts_sequences_and_paths_agree(diffs: list[float], delta0: float) -> None:
    counts = e_value_counts(diffs.count(1.0), diffs.count(-1.0), diffs.count(0.0), delta0)
    assert e_value(diffs, delta0) == pytest.approx(counts, rel=1e-9)
    assert [*e_values(diffs, delta0), e_value([], delta0)][len(diffs) - 1 if diffs else 0] == pytest.approx(
        counts, rel=1e-9
    )


@given(graded, deltas, st.integers(0, 40))
def test_a_bank_gives_the_same_at_once_as_step_by_step(diffs: list[float], delta0: float, spare: int) -> None:
    bank = len(diffs) + spare
    for seen, value in enumerate(e_values(diffs, delta0, bank=bank), start=1):
        if seen % 7 == 0 or seen == len(diffs):
            assert e_value(diffs[:seen], delta0, bank=bank) == pytest.approx(value, rel=1e-6)


@given(graded, deltas, st.one_of(st.none(), st.just(60)), st.integers(0, 60))
def test_interrupting_changes_nothing(diffs: list[float], delta0: float, bank: int | None, at: int) -> None:
    assert list(e_values(diffs[:at], delta0, bank=bank)) == list(
        itertools.islice(e_values(diffs, delta0, bank=bank), at)
    )


@given(graded, deltas, st.randoms(use_true_random=False))
def test_the_order_of_new_prompts_changes_nothing(diffs: list[float], delta0: float, rng: random.Random) -> None:
    assert e_value(diffs, delta0) == pytest.approx(e_value(rng.sample(diffs, len(diffs)), delta0), rel=1e-9)


@given(graded, st.tuples(deltas, deltas).map(sorted), st.one_of(st.none(), st.just(80)))
def test_a_harder_hypothesis_never_has_less_evidence_against_it(
    diffs: list[float], pair: list[float], bank: int | None
) -> None:
    low, high = pair
    assert e_value(diffs, low, bank=bank) >= e_value(diffs, high, bank=bank) * (1 - 1e-9)


@pytest.mark.parametrize("delta0", [-0.2, -0.05, 0.0, 0.3])
@pytest.mark.parametrize("p_better", [0.0, 0.1, 0.35])
def test_the_mean_e_value_is_one_exactly_at_the_hypothesis(delta0: float, p_better: float) -> None:
    p_better = max(p_better, delta0)
    p_worse = p_better - delta0
    n = 12
    mean = 0.0
    for better, worse in itertools.product(range(n + 1), repeat=2):
        if (ties := n - better - worse) >= 0:
            chance = math.comb(n, better) * math.comb(n - better, worse) * p_better**better * p_worse**worse
            mean += chance * (1 - p_better - p_worse) ** ties * e_value_counts(better, worse, ties, delta0)
    assert mean == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    "bank",
    [[-1, 0, 0, 0, 0, 0], [-1, -1, 1, 0, 0], [-0.5, -0.5, 0.25, 0.75, 0.0], [-1, -1, -1, -1], [0.3, -0.1, -0.2, 0, 0]],
)
def test_every_order_of_a_bank_at_the_hypothesis(bank: list[float]) -> None:
    delta0 = max(-0.999999, math.fsum(bank) / len(bank))
    orders = list(itertools.permutations(bank))
    paths = [list(e_values(order, delta0, bank=len(bank))) for order in orders]
    for size in range(len(bank)):
        assert math.fsum(path[size] for path in paths) / len(paths) <= 1.0 + 1e-6
    for threshold in (2.0, 5.0, 20.0):
        assert sum(max(path) >= threshold for path in paths) / len(paths) <= 1.0 / threshold


@pytest.mark.parametrize(("losses", "gains", "size"), [(5, 0, 50), (10, 5, 50), (20, 10, 100), (3, 0, 30)])
@pytest.mark.parametrize("scale", [1.0, 1 / 3])
def test_a_bank_at_the_margin_is_rarely_certified(losses: int, gains: int, size: int, scale: float) -> None:
    bank = [-scale] * losses + [scale] * gains + [0.0] * (size - losses - gains)
    delta0 = math.fsum(bank) / size
    rng = random.Random(2)
    runs = 400
    false = sum(max(e_values(rng.sample(bank, size), delta0, bank=size)) >= 20 for _ in range(runs))
    # 5 % plus three standard errors; the wrong sign in the rounding tolerance gives 6 to 17 %, and here all of it.
    assert false / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_a_bank_seen_to_the_end_leaves_no_doubt() -> None:
    assert e_value([0.0] * 10, -0.01, bank=10) == math.inf
    assert e_value([0.0] * 10, 0.0, bank=10) == 1.0
    assert e_value([1.0] * 6, -0.1, bank=10) == math.inf


def test_anytime_p_is_the_inverse_of_the_peak() -> None:
    diffs = [1.0] * 6 + [-1.0] * 6
    assert anytime_p(diffs, 0.0) == pytest.approx(1 / max(e_values(diffs, 0.0)))
    assert anytime_p(diffs, 0.0) < 1 / e_value(diffs, 0.0)
    assert anytime_p([], 0.0) == 1.0
    assert anytime_p([-1.0] * 9, 0.0) == 1.0


def test_long_runs_do_not_overflow() -> None:
    assert e_value_counts(10**6, 0, 0, -0.5) >= 1e300
    assert e_value([1.0] * 5000, -0.9) >= 1e300
    assert e_value_counts(0, 10**6, 0, 0.5) == 0.0
    assert len(BETS) == 25


@pytest.mark.parametrize(
    "call",
    [
        lambda: e_value([2.0], 0.0),
        lambda: e_value([0.0], -1.0),
        lambda: e_value([0.0, 0.0], 0.0, bank=1),
        lambda: list(e_values([0.0, 0.0], 0.0, bank=1)),
        lambda: e_value_counts(-1, 0, 0, 0.0),
    ],
)
def test_bad_input_says_what_to_pass(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"pass|negative"):
        call()
