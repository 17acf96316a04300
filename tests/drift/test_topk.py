"""What a list says: caps, ranks, censoring, duplicates, and the keys that do not depend on the sampled token."""

from __future__ import annotations

import itertools
import math
import pickle

import pytest

from auditor.drift.topk import TopK


def logs(**probabilities: float) -> list[tuple[str, float | None]]:
    return [(key, math.log(x)) for key, x in probabilities.items()]


def test_plain_list() -> None:
    a = TopK.from_pairs(logs(b=0.2, a=0.7))
    assert a.cap == pytest.approx(0.2)
    assert a.mass == pytest.approx(0.9)
    assert a.tail == pytest.approx(0.1)
    assert a.ranked
    assert a.stable == {"a", "b"}
    assert a.top == {"a"}
    assert a.k == 2
    assert pickle.loads(pickle.dumps(a)) == a  # noqa: S301


def test_sampled_token_that_may_have_displaced_the_kth() -> None:
    a = TopK.from_pairs(logs(x=0.001, a=0.5, b=0.3, c=0.1), k=4, sampled="x")
    assert not a.ranked
    assert a.cap == pytest.approx(0.1)
    assert a.sampled_logprob == pytest.approx(math.log(0.001))
    assert a.mass == pytest.approx(0.901)


def test_sampled_token_above_the_smallest_displaced_nothing() -> None:
    a = TopK.from_pairs(logs(a=0.5, b=0.3, c=0.1), k=3, sampled="b")
    assert a.ranked
    assert a.cap == pytest.approx(0.1)


def test_sampled_token_beside_the_list_keeps_its_probability_out_of_the_cap() -> None:
    a = TopK.from_pairs(logs(a=0.5, b=0.3), k=2, sampled="x", sampled_logprob=math.log(0.01), displaces=False)
    assert a.ranked
    assert a.cap == pytest.approx(0.3)
    assert a.logprobs["x"] == pytest.approx(math.log(0.01))
    assert a.stable == {"a", "b"}


def test_k_plus_one_entries_are_top_k_plus_the_sampled_token() -> None:
    a = TopK.from_pairs(logs(x=0.01, a=0.5, b=0.3), k=2, sampled="x", displaces=False)
    assert a.ranked
    assert a.cap == pytest.approx(0.3)
    assert a.stable == {"a", "b"}
    inside = TopK.from_pairs(logs(a=0.5, b=0.3), k=2, sampled="b", displaces=False)
    assert inside.cap == pytest.approx(0.3)
    assert inside.stable == {"a", "b"}


def test_a_lone_sampled_token_caps_nothing_and_leads_only_with_a_majority() -> None:
    a = TopK.from_pairs(logs(x=0.3), k=1, sampled="x")
    assert a.cap == 1.0
    assert a.top == frozenset()
    assert TopK.from_pairs(logs(x=0.6), k=1, sampled="x").top == {"x"}


@pytest.mark.parametrize(
    "probabilities",
    [(0.4, 0.25, 0.15, 0.12, 0.08), (0.4, 0.2, 0.2, 0.1, 0.1), (0.3, 0.3, 0.2, 0.1, 0.1), (0.2, 0.2, 0.2, 0.2, 0.2)],
)
@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("displaces", [True, False])
def test_stable_keys_are_the_same_whatever_was_sampled(
    probabilities: tuple[float, ...], k: int, displaces: bool
) -> None:
    logprobs = {i: math.log(x) for i, x in enumerate(probabilities)}
    seen = set()
    for sampled in logprobs:
        shown = list(range(k))
        if sampled not in shown:
            shown = [*shown[: k - 1], sampled] if displaces else [*shown, sampled]
        a = TopK.from_pairs([(i, logprobs[i]) for i in shown], k=k, sampled=sampled, displaces=displaces)
        seen.add(a.stable)
        assert all(logprobs[i] <= math.log(a.cap) + 1e-12 for i in logprobs if i not in a.logprobs)
    assert len(seen) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_order_changes_nothing(order: tuple[int, ...]) -> None:
    pairs = logs(a=0.4, b=0.3, c=0.2, x=0.01)
    assert TopK.from_pairs([pairs[i] for i in order], k=4, sampled="x") == TopK.from_pairs(pairs, k=4, sampled="x")


@pytest.mark.parametrize("sentinel", [None, math.nan, -math.inf, -9999.0, -3.4028235e38])
def test_sentinels_are_censored_and_not_probability_zero(sentinel: float | None) -> None:
    a = TopK.from_pairs([*logs(a=0.5), ("b", sentinel)])
    assert a.censored == {"b"}
    assert a.limit("b") == math.inf
    assert a.limit("c") == pytest.approx(0.5)
    assert "b" not in a.logprobs


def test_duplicates_are_counted_and_conflicting_ones_not_believed() -> None:
    repeated = TopK.from_pairs([*logs(x=0.2, a=0.5), *logs(x=0.2)], sampled="x")
    assert repeated.duplicates == 1
    assert repeated.mass == pytest.approx(0.7)
    conflict = TopK.from_pairs([*logs(a=0.5, b=0.2), *logs(a=0.1)])
    assert conflict.duplicates == 1
    assert conflict.censored == {"a"}
    assert conflict.mass == pytest.approx(0.2)


def test_tiny_excess_is_clipped_and_noted_a_large_one_refused() -> None:
    a = TopK.from_pairs(logs(a=0.6, b=0.4005))
    assert a.tail == 0.0
    assert a.excess == pytest.approx(0.0005)
    assert a.tail_slack == pytest.approx(0.0005)
    with pytest.raises(ValueError, match="sum to"):
        TopK.from_pairs(logs(a=0.6, b=0.5))


def test_what_is_not_a_logprob_is_refused() -> None:
    with pytest.raises(ValueError, match="not the logarithm"):
        TopK.from_pairs([("a", 0.5)])
    assert TopK.from_pairs([("a", 1e-7)]).mass == 1.0
    with pytest.raises(ValueError, match="k must be"):
        TopK.from_pairs([], k=0)


def test_underflow_stays_above_zero() -> None:
    a = TopK.from_pairs([("a", 0.0), ("b", -5000.0)])
    assert a.cap > 0.0
    assert a.censored == frozenset()


def test_ties_lead_together() -> None:
    assert TopK.from_pairs(logs(a=0.4, b=0.4)).top == {"a", "b"}
    assert TopK.from_pairs([]).top == frozenset()
