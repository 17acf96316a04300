from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from auditor.stats.multiplicity import Adjusted, benjamini_hochberg, holm, intersection_union

Rule = Callable[[Mapping[str, float], float], dict[str, Adjusted]]
p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(p_lists)
@settings(max_examples=40, deadline=None)
def test_agreement_with_statsmodels(p_values: list[float]) -> None:
    named = {f"metric {rank}": p for rank, p in enumerate(p_values)}
    for rule, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        found = rule(named)
        expected = multipletests(p_values, alpha=0.05, method=method)
        assert list(found) == list(named)
        assert [one.p for one in found.values()] == pytest.approx(expected[1], abs=1e-12)
        assert all(one.rejected == (one.p <= 0.05) for one in found.values())


def test_nothing_to_adjust() -> None:
    assert holm({}) == {}
    assert benjamini_hochberg({}) == {}
    assert holm({"only": 0.05}) == {"only": Adjusted(0.05, True)}


def test_all_preserved_needs_every_one() -> None:
    assert intersection_union({"safety": True, "bias": True}) == (True, ())
    assert intersection_union({"safety": True, "bias": False, "ethics": False}) == (False, ("bias", "ethics"))
    with pytest.raises(ValueError, match="pass at least one"):
        intersection_union({})


@pytest.mark.parametrize("rule", [holm, benjamini_hochberg])
@pytest.mark.parametrize(("p_values", "alpha"), [({"a": 1.2}, 0.05), ({"a": float("nan")}, 0.05), ({"a": 0.1}, 5)])
def test_bad_input_says_what_to_pass(rule: Rule, p_values: dict[str, float], alpha: float) -> None:
    with pytest.raises(ValueError, match="pass"):
        rule(p_values, alpha)
