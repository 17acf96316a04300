from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.drift.change import shift_test, standing

ROW = st.dictionaries(st.sampled_from("abcdef"), st.floats(-20, 0), min_size=1)


@given(ROW, st.lists(ROW, min_size=1, max_size=6))
def test_a_rank_is_a_rank(new: dict[str, float], earlier: list[dict[str, float]]) -> None:
    found = standing(new, earlier)
    assert 1 <= found.rank <= found.askings == len(earlier) + 1
    assert 0 <= found.graded <= 1
    assert found.strangest == (found.rank == 1)


def test_askings_that_are_equal_prove_nothing() -> None:
    same = {"a": -0.1, "b": -3.0}
    found = standing(same, [dict(same)] * 5)
    assert found.rank == found.askings
    assert found.graded == 0


def test_a_new_list_among_equal_ones_is_the_strangest() -> None:
    same = {"a": -0.1, "b": -3.0}
    assert standing({"a": -0.1, "b": -3.00001}, [dict(same)] * 9).rank == 1
    # And an old one that differs takes that place from a new one that does not.
    assert standing(same, [dict(same)] * 8 + [{"a": -0.2, "b": -3.0}]).rank > 1


def test_a_key_that_left_the_list_counts_as_the_smallest() -> None:
    same = {"a": -0.1, "b": -3.0, "c": -4.0}
    assert standing({"a": -0.1, "b": -3.0, "d": -3.5}, [dict(same)] * 4).rank == 1


def test_without_change_ranks_are_uniform() -> None:
    rng = np.random.default_rng(0)
    ranks = []
    for _ in range(2000):
        rows = [dict(enumerate(rng.normal(-3, 0.5, 6))) for _ in range(5)]
        ranks.append(standing(rows[0], rows[1:]).rank)
    shares = np.bincount(ranks, minlength=6)[1:] / len(ranks)
    assert shares == pytest.approx(np.full(5, 0.2), abs=0.04)


def test_nothing_to_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="earlier asking"):
        standing({"a": -1.0}, [])
    with pytest.raises(ValueError, match="empty"):
        standing({"a": -1.0}, [{}])


def askings(shift: float, count: int, rng: np.random.Generator) -> list[dict[str, float]]:
    return [dict(zip("abcdef", rng.normal(-3 + shift, 0.5, 6), strict=True)) for _ in range(count)]


def test_the_shift_test_keeps_its_level_and_sees_a_shift() -> None:
    rng = np.random.default_rng(1)
    null = [shift_test(askings(0, 3, rng), askings(0, 20, rng), permutations=99, seed=i) for i in range(200)]
    assert np.mean([p <= 0.1 for p in null]) < 0.16
    assert min(null) >= 0.01
    assert shift_test(askings(1.0, 5, rng), askings(0, 40, rng), permutations=999, seed=0) < 0.01


def test_equal_askings_have_p_one() -> None:
    same = [{"a": -1.0, "b": -2.0}]
    assert shift_test(same * 2, same * 9, permutations=99, seed=0) == 1.0
    with pytest.raises(ValueError, match="both sides"):
        shift_test([], same, permutations=9, seed=0)
