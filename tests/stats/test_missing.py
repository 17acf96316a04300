from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.stats.decide import Decision
from auditor.stats.graded import mean_interval
from auditor.stats.intervals import tango
from auditor.stats.missing import bound_counts, bound_diffs

tango90 = partial(tango, level=0.9)


def test_few_missing_pairs_do_not_shake_a_clear_decision() -> None:
    found = bound_counts(2, 2, 200, 2, 0.10, tango90)
    assert found.decided.decision is Decision.PRESERVED
    assert not found.fragile
    assert found.share == pytest.approx(2 / 202)


def test_a_decision_that_the_missing_pairs_could_turn_is_fragile() -> None:
    found = bound_counts(1, 1, 60, 6, 0.10, tango90)
    assert found.decided.decision is Decision.PRESERVED
    assert found.fragile
    assert not found.against.within_margin
    assert found.against_interval.lo < found.in_favour_interval.lo


def test_a_loss_that_the_missing_pairs_could_excuse_is_fragile() -> None:
    found = bound_counts(1, 8, 70, 7, 0.10, tango90)
    assert found.decided.decision is Decision.REGRESSED
    assert found.fragile
    assert not bound_counts(0, 30, 70, 7, 0.10, tango90).fragile


def test_too_many_missing_pairs_decide_nothing() -> None:
    found = bound_counts(0, 0, 60, 7, 0.10, tango90)
    assert found.over_limit
    assert found.decided.decision is Decision.INCONCLUSIVE
    assert found.decided.reason == (
        "7 of 67 pairs could not be scored, more than the 10 % allowed, so the rest cannot speak for all of them."
    )
    assert not bound_counts(0, 0, 60, 7, 0.10, tango90, share_limit=0.2).over_limit


def test_nothing_missing_changes_nothing() -> None:
    found = bound_counts(3, 4, 90, 0, 0.10, tango90)
    assert found.against == found.in_favour == found.decided
    assert (found.fragile, found.share, found.over_limit) == (False, 0.0, False)
    assert bound_counts(0, 0, 0, 0, 0.10, tango90).decided.decision is Decision.INCONCLUSIVE


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0]), max_size=30), st.integers(0, 8))
@settings(max_examples=20, deadline=None)
def test_the_bounds_hold_whatever_the_missing_pairs_were(diffs: list[float], unscored: int) -> None:
    found = bound_diffs(diffs, unscored, 0.2, mean_interval)
    for value in (-1.0, -0.3, 0.0, 1.0):
        actual = mean_interval([*diffs, *[value] * unscored])
        assert found.against_interval.lo <= actual.lo + 1e-9
        assert actual.hi <= found.in_favour_interval.hi + 1e-9


def test_bad_input_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match="negative"):
        bound_counts(0, 0, 5, -1, 0.1, tango90)
    with pytest.raises(ValueError, match="pass a share"):
        bound_diffs([0.0], 1, 0.1, mean_interval, share_limit=10)
