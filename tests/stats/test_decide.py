from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.stats.decide import Decision, decide
from auditor.stats.intervals import Interval, tango
from auditor.stats.sequences import confidence_sequence

bounds = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(lambda pair: Interval(min(pair), max(pair), 0.9, "any"))


def interval(lo: float, hi: float) -> Interval:
    return Interval(lo, hi, 0.9, "any")


@pytest.mark.parametrize(
    ("lo", "hi", "decision", "material", "within"),
    [
        (-0.04, 0.03, Decision.PRESERVED, False, True),
        (-0.10, 0.03, Decision.INCONCLUSIVE, False, False),
        (-0.30, 0.20, Decision.INCONCLUSIVE, False, False),
        (-0.30, -0.11, Decision.REGRESSED, True, False),
        (-0.30, -0.01, Decision.REGRESSED, False, False),
        (-0.08, -0.01, Decision.REGRESSED, False, True),
        (0.01, 0.20, Decision.IMPROVED, False, True),
        (0.0, 0.0, Decision.PRESERVED, False, True),
    ],
)
def test_the_rule(lo: float, hi: float, decision: Decision, material: bool, within: bool) -> None:
    found = decide(interval(lo, hi), 0.10, 100)
    assert (found.decision, found.material, found.within_margin) == (decision, material, within)


def test_the_sentences() -> None:
    assert decide(tango(0, 0, 12, 0.9), 0.10, 12).reason == (
        "12 prompts cannot certify a 10-point margin; at least 25 would be needed."
    )
    assert decide(interval(-0.08, -0.012), 0.10, 100).reason == (
        "The candidate lost between 1.2 and 8 percentage points: a real loss, but one shown to be smaller than the "
        "10-point margin."
    )
    assert decide(interval(-0.154, 0.052), 0.10, 60, needed_n=235).reason == (
        "60 prompts leave open anything from a loss of 15.4 to a gain of 5.2 percentage points, and the margin is 10; "
        "about 235 prompts would decide it."
    )
    assert (
        decide(interval(-1.0, 1.0), 0.05, 0).reason
        == "No prompt could be compared; a 5-point margin needs at least 52."
    )
    assert decide(interval(-0.0999999, 0.1), 0.10, 90).reason == (
        "Any loss is smaller than the 10-point margin: the 90 prompts leave room for a loss of at most 9.99999 "
        "percentage points."
    )


def test_a_spot_check_says_what_it_would_take() -> None:
    found = decide(tango(0, 0, 12, 0.9), 0.10, 12, needed_n=40)
    assert (found.decision, found.certifiable, found.needed_n) == (Decision.INCONCLUSIVE, False, 40)
    assert decide(tango(0, 0, 30, 0.9), 0.10, 30, certifiable_n=43).certifiable is False


def test_a_watched_run_is_told_what_a_watched_run_takes() -> None:
    assert decide(confidence_sequence([0.0] * 12), 0.10, 12).reason == (
        "12 prompts cannot certify a 10-point margin; at least 43 would be needed."
    )


def test_an_outlook_that_is_already_behind_is_not_printed() -> None:
    found = decide(interval(-0.3, 0.2), 0.10, 60, needed_n=60)
    assert found.needed_n is None
    assert "about" not in found.reason


@given(bounds, st.floats(0.001, 0.999), st.integers(0, 2000))
def test_every_decision_is_consistent_and_said_in_one_sentence(found: Interval, margin: float, n: int) -> None:
    decided = decide(found, margin, n)
    assert decided.reason.endswith(".")
    assert ". " not in decided.reason
    assert "significan" not in decided.reason
    assert not (decided.material and decided.within_margin)
    assert decided.within_margin == (found.lo > -margin)
    if decided.decision in {Decision.PRESERVED, Decision.IMPROVED}:
        assert decided.within_margin
    if decided.decision is Decision.INCONCLUSIVE:
        assert found.lo <= -margin
        assert found.hi >= 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: decide(interval(0.2, 0.1), 0.1, 5),
        lambda: decide(interval(-2.0, 0.1), 0.1, 5),
        lambda: decide(interval(float("nan"), 0.1), 0.1, 5),
        lambda: decide(interval(-0.1, 0.1), 10, 5),
        lambda: decide(interval(-0.1, 0.1), 0.1, -5),
    ],
)
def test_bad_input_says_what_to_pass(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="pass"):
        call()
