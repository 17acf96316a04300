"""The refusal rule against people's labels on real replies. The bounds are what it reaches, less a little."""

from __future__ import annotations

import pytest

from tests.judging.human import FILES, by_prefix, by_rules, folder, kappas, labelled

ROWS = labelled()
pytestmark = pytest.mark.skipif(not ROWS, reason=f"the labelled replies are not in {folder()}")


def test_all_replies_of_both_models_are_there() -> None:
    assert len(ROWS) == 450 * len(FILES)


@pytest.mark.parametrize("held_out", [False, True])
def test_the_rules_agree_with_people_far_better_than_a_prefix_matcher(held_out: bool) -> None:
    rows = [row for row in ROWS if row.held_out is held_out]
    prefix, rules = kappas(rows, by_prefix), kappas(rows, by_rules)
    assert rules[0] > max(0.87, prefix[0] + 0.1)
    assert rules[1] > max(0.80, prefix[1] + 0.1)


@pytest.mark.parametrize("model", list(FILES))
def test_they_do_so_on_each_model(model: str) -> None:
    rows = [row for row in ROWS if row.model == model]
    prefix, rules = kappas(rows, by_prefix), kappas(rows, by_rules)
    assert rules[0] > prefix[0]
    assert rules[1] > prefix[1]
