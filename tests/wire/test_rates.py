from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.wire.rates import Rate


def test_one_after_the_other() -> None:
    rate = Rate(60)
    assert rate.wait(100) == 0
    rate.take(1, 100)
    assert rate.wait(100) == 1
    assert rate.wait(100.25) == 0.75
    rate.take(1, 101)
    assert rate.wait(101) == 1


def test_a_burst_may_come_at_once_and_what_was_too_much_comes_back() -> None:
    rate = Rate(600, burst=100)
    rate.take(100, 0)
    assert rate.wait(0) == pytest.approx(0.1)
    rate.take(-50, 0)
    assert rate.wait(0) == 0
    rate.take(350, 0)
    assert rate.wait(0) == pytest.approx(30.1)


def test_a_rate_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Rate(0)


@given(
    per_minute=st.floats(1, 10_000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_no_window_holds_more_than_the_rate_and_one_burst(per_minute: float, burst: int, pauses: list[float]) -> None:
    rate = Rate(per_minute, burst=burst)
    now, starts = 0.0, []
    for pause in pauses:
        now += pause
        now += rate.wait(now)
        rate.take(1, now)
        starts.append(now)
    for first in range(len(starts)):
        for last in range(first, len(starts)):
            window = starts[last] - starts[first]
            assert last - first + 1 <= window * per_minute / 60 + burst + 1e-6
