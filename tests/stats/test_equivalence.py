import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.stats.equivalence import Change, equivalence, tost
from auditor.stats.intervals import Interval, tango


@pytest.mark.parametrize(
    ("lo", "hi", "change", "material"),
    [
        (-0.04, 0.04, Change.EQUIVALENT, False),
        (0.01, 0.04, Change.EQUIVALENT, False),
        (0.01, 0.30, Change.CHANGED, False),
        (-0.30, -0.06, Change.CHANGED, True),
        (-0.30, 0.02, Change.INCONCLUSIVE, False),
        (-0.05, 0.02, Change.INCONCLUSIVE, False),
    ],
)
def test_the_rule(lo: float, hi: float, change: Change, material: bool) -> None:
    found = equivalence(Interval(lo, hi, 0.9, "any"), 0.05)
    assert (found.change, found.material) == (change, material)
    assert found.reason.endswith(".")


@given(st.integers(0, 200), st.integers(0, 40), st.integers(0, 40), st.floats(0.02, 0.4))
def test_the_p_value_says_what_the_interval_says(ties: int, better: int, worse: int, margin: float) -> None:
    n = ties + better + worse
    p = tost(better, worse, n, margin)
    inside = equivalence(tango(better, worse, n, 0.9), margin).change is Change.EQUIVALENT
    assert 0 <= p <= 1
    assert (p < 0.05) == inside or p == pytest.approx(0.05, abs=1e-6)


def test_bad_input_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match="pass"):
        tost(3, 3, 5, 0.1)
    with pytest.raises(ValueError, match="pass"):
        equivalence(Interval(-0.1, 0.1, 0.9, "any"), 0.0)
