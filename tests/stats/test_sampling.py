from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from auditor.stats.sampling import drawn

ITEMS = [("item", str(number)) for number in range(12)]


@given(st.sets(st.tuples(st.text(max_size=5))), st.integers(0, 5))
def test_everything_is_drawn_once_in_an_order_that_does_not_hang_on_theirs(items: set[tuple[str]], seed: int) -> None:
    found = drawn(sorted(items), seed)
    assert sorted(found) == sorted(items)
    assert found == drawn(sorted(items, reverse=True), seed)


def test_more_items_leave_the_order_of_the_others_as_it_was() -> None:
    assert [item for item in drawn([*ITEMS, ("new",)], 3) if item != ("new",)] == drawn(ITEMS, 3)


def test_every_item_is_as_likely_to_be_among_the_first() -> None:
    # 3,000 draws of 3 out of 12: 750 each expected, standard deviation 24.
    first = Counter(item for seed in range(3000) for item in drawn(ITEMS, seed)[:3])
    assert all(630 < first[item] < 870 for item in ITEMS)
    assert drawn(ITEMS, 1, "one") != drawn(ITEMS, 1, "other")
