import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.stats.decide import Decision, decide
from auditor.stats.eprocess import e_value
from auditor.stats.intervals import Interval, tango
from auditor.stats.sequences import (
    confidence_sequence,
    confidence_sequence_counts,
    needed_n,
    smallest_certifiable_n,
    spot_check,
)

binary = st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0]), max_size=50)
graded = st.lists(st.floats(-1, 1), max_size=40)


def test_the_cost_of_a_claim() -> None:
    margins = (0.05, 0.10, 0.15, 0.20)
    assert [smallest_certifiable_n(margin) for margin in margins] == [88, 43, 28, 20]
    assert [smallest_certifiable_n(margin, bank=50) for margin in margins] == [41, 29, 21, 17]
    assert [smallest_certifiable_n(margin, bank=30) for margin in margins] == [29, 23, 18, 15]


@given(binary)
@settings(max_examples=50, deadline=None)
def test_counts_and_sequences_agree(diffs: list[float]) -> None:
    counts = confidence_sequence_counts(diffs.count(1.0), diffs.count(-1.0), len(diffs))
    assert confidence_sequence(diffs)[:2] == pytest.approx(counts[:2], abs=1e-9)


@given(graded, st.one_of(st.none(), st.integers(0, 40)))
@settings(max_examples=60, deadline=None)
def test_bounds_are_ordered_hold_the_mean_and_mirror(diffs: list[float], spare: int | None) -> None:
    bank = None if spare is None else max(1, len(diffs) + spare)
    found = confidence_sequence(diffs, bank=bank)
    mirrored = confidence_sequence([-diff for diff in diffs], bank=bank)
    assert -1 <= found.lo <= found.hi <= 1
    assert (found.lo, found.hi) == pytest.approx((-mirrored.hi, -mirrored.lo), abs=1e-9)
    if diffs and bank is None:
        assert found.lo <= math.fsum(diffs) / len(diffs) <= found.hi


@given(graded, st.floats(0.02, 0.5))
@settings(max_examples=40, deadline=None)
def test_a_bound_says_what_the_test_says(diffs: list[float], margin: float) -> None:
    found = confidence_sequence(diffs)
    assert (found.lo > -margin) == (e_value(diffs, -margin) >= 20) or abs(found.lo + margin) < 1e-9


@given(graded, st.floats(0.02, 0.5), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_permuting_or_interrupting_a_run_never_changes_a_decision(
    diffs: list[float], margin: float, rng: random.Random
) -> None:
    """Replies arrive in any order and a run may be cut anywhere; the recorded order puts them back."""
    recorded = list(enumerate(diffs))
    arrived = rng.sample(recorded, len(recorded))
    cut = rng.randint(0, len(arrived))
    resumed = sorted(arrived[:cut]) + sorted(arrived[cut:])
    for bank in (None, 50):
        once = decide(confidence_sequence(diffs, bank=bank), margin, len(diffs))
        again = decide(confidence_sequence([diff for _, diff in sorted(resumed)], bank=bank), margin, len(diffs))
        assert once == again
    shuffled = decide(confidence_sequence([diff for _, diff in arrived]), margin, len(diffs))
    unshuffled = decide(confidence_sequence(diffs), margin, len(diffs))
    assert shuffled.decision is unshuffled.decision


def test_a_whole_bank_gives_its_mean() -> None:
    diffs = [0.0] * 8 + [-1.0, 0.5]
    found = confidence_sequence(diffs, bank=10)
    assert (found.lo, found.hi, found.method) == (-0.05, -0.05, "betting-bank")
    decided = decide(found, 0.1, 10)
    assert decided.decision is Decision.REGRESSED
    assert decided.reason == (
        "The candidate lost 5 percentage points on this bank: a real loss, but one shown to be smaller than the "
        "10-point margin."
    )
    assert decide(confidence_sequence([0.0] * 10, bank=10), 0.1, 10).reason == (
        "The 10 prompts of this bank show no change at all."
    )
    assert "uses up the whole" in decide(Interval(-0.1, -0.1, 0.9, "x"), 0.1, 10).reason


def test_an_order_that_contradicts_itself_leaves_only_what_is_certain() -> None:
    # 80 gains and then 110 losses would reject everything from both ends.
    found = confidence_sequence([1.0] * 80 + [-1.0] * 110, bank=200)
    assert (found.lo, found.hi) == (-40 / 200, -20 / 200)


def test_a_spot_check_takes_noise_for_noise() -> None:
    # The same model asked twice: one reply more went wrong than went right, on a bank that was asked to the end.
    diffs = [0.0] * 45 + [-1.0, 1.0, -1.0, 1.0, -1.0]
    assert decide(confidence_sequence(diffs, bank=50), 0.1, 50).decision is Decision.REGRESSED
    found = decide(spot_check(diffs, 50), 0.1, 50)
    assert found.decision is Decision.PRESERVED
    assert found.reason.endswith("the 50 prompts leave room for a loss of at most 2 percentage points.")


@given(graded, st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_spot_check_claims_a_change_only_where_new_prompts_would_show_it(diffs: list[float], spare: int) -> None:
    bank = max(1, len(diffs) + spare)
    found, anywhere = spot_check(diffs, bank), confidence_sequence(diffs)
    here = confidence_sequence(diffs, bank=bank)
    assert -1 <= found.lo <= found.hi <= 1
    assert found.lo > 0 or anywhere.lo <= 0
    assert found.lo <= 0 or anywhere.lo > 0
    assert found.hi >= 0 or anywhere.hi < 0
    assert found.lo <= max(here.lo, anywhere.lo)


def test_a_bank_needs_no_more_than_new_prompts_would() -> None:
    rng = random.Random(4)
    diffs = [rng.choice([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0]) for _ in range(80)]
    assert confidence_sequence(diffs, bank=100).lo > confidence_sequence(diffs).lo
    assert confidence_sequence(diffs, bank=100).hi < confidence_sequence(diffs).hi
    fixed = tango(diffs.count(1.0), diffs.count(-1.0), 80, 0.9)
    assert confidence_sequence(diffs).lo < fixed.lo
    assert confidence_sequence(diffs).hi > fixed.hi


def test_coverage_over_all_times() -> None:
    rng = random.Random(8)
    runs, missed = 80, 0
    for _ in range(runs):
        better = worse = 0
        for n in range(1, 121):
            draw = rng.random()
            better, worse = better + (draw < 0.1), worse + (draw > 0.8)
            if n % 8 == 0:
                found = confidence_sequence_counts(better, worse, n)
                if not found.lo <= -0.1 <= found.hi:
                    missed += 1
                    break
    assert missed / runs <= 0.10


def test_needed_n() -> None:
    assert needed_n(0, 0, 0, 0.1) == 43
    assert needed_n(0, 0, 12, 0.1) == 43
    assert needed_n(0, 0, 50, 0.1) == 50
    assert needed_n(5, 8, 60, 0.1, bank=100) == 100
    needed = needed_n(1, 8, 60, 0.1)
    assert needed is not None
    assert 60 < needed < 200


def test_nothing_seen() -> None:
    assert confidence_sequence([])[:2] == (-1.0, 1.0)
    assert confidence_sequence([], bank=10)[:2] == (-1.0, 1.0)
    assert confidence_sequence_counts(0, 0, 0)[:2] == (-1.0, 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: confidence_sequence([0.0], 1.5),
        lambda: confidence_sequence([0.0, 0.0], bank=1),
        lambda: confidence_sequence([3.0]),
        lambda: confidence_sequence_counts(2, 2, 3),
        lambda: smallest_certifiable_n(0.1, bank=0),
        lambda: needed_n(4, 4, 7, 0.1),
    ],
)
def test_bad_input_says_what_to_pass(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"pass|count"):
        call()
