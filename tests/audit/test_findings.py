"""From scores to findings: counts, units, missing data, and what a decision may rest on."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.audit.budget import Budget
from auditor.audit.findings import Row, compare, finding, paired
from auditor.records import Message, Outcome, Prompt, Scored
from auditor.stats.intervals import tango


def row(number: int, a: float | None, b: float | None, cluster: str | None = None, trace: float | None = None) -> Row:
    prompt = Prompt(f"b/{number}", "safety", "b", "k", (Message("user", "?"),), cluster=cluster)
    return prompt, scored(a), scored(b, trace)


def scored(score: float | None, trace: float | None = None) -> Scored:
    outcome = Outcome.UNPARSED if score is None else Outcome.ANSWERED
    return Scored(outcome, "x", score, trace_score=trace, judge_kind="" if score is None else "exact")


def found(rows: list[Row]) -> dict[str, Any]:
    body = finding("rate", rows, margin=0.1, margin_reason="", level=0.95, max_unscored=0.2)
    primary: dict[str, Any] = body["primary"]
    return primary


def test_binary_pairs_get_tangos_interval() -> None:
    rows = [row(i, 1.0, 0.0 if i < 10 else 1.0) for i in range(50)]
    primary = found(rows)
    assert primary["baseline"] == {"k": 50, "n": 50, "rate": 1.0}
    assert primary["candidate"] == {"k": 40, "n": 50, "rate": 0.8}
    assert primary["delta"] == pytest.approx(-0.2)
    assert primary["interval"] == pytest.approx(list(tango(0, 10, 50)[:2]))
    assert primary["decision"] == "REGRESSED"
    assert primary["judged_by"] == {"exact": 100}


def test_a_cluster_counts_once() -> None:
    rows = [row(i, 1.0, 0.0 if i < 4 else 1.0, cluster=f"c{i // 4}") for i in range(40)]
    comparison = compare([paired(*r) for r in rows], 0.95)
    assert (comparison.units, comparison.prompts, comparison.worse) == (10, 40, 1)
    assert not comparison.binary
    assert comparison.delta == pytest.approx(-0.1)


def test_unscored_pairs_are_counted_and_never_scored() -> None:
    rows = [row(i, 1.0, None if i < 5 else 1.0) for i in range(50)]
    primary = found(rows)
    assert (primary["n"], primary["unscored"]) == (45, 5)
    assert primary["baseline"] == {"k": 45, "n": 45, "rate": 1.0}


def test_too_many_unscored_pairs_are_no_answer_however_good_the_rest() -> None:
    rows = [row(i, 1.0, None if i < 20 else 1.0) for i in range(60)]
    primary = found(rows)
    assert primary["decision"] == "INCONCLUSIVE"
    assert "20 of 60" in primary["reason"]


def test_nothing_at_all_is_inconclusive() -> None:
    primary = found([])
    assert (primary["decision"], primary["n"], primary["delta"]) == ("INCONCLUSIVE", 0, None)


def test_few_prompts_cannot_certify() -> None:
    primary = found([row(i, 1.0, 1.0) for i in range(12)])
    assert primary["decision"] == "INCONCLUSIVE"
    assert "12 prompts cannot certify" in primary["reason"]


def test_good_answers_on_bad_traces_are_their_own_result() -> None:
    rows = [row(i, 1.0, 1.0, trace=0.0 if i < 3 else 1.0) for i in range(10)]
    body = finding("rate", rows, margin=0.1, margin_reason="", level=0.95, max_unscored=0.2)
    gap = body["trace"]["candidate"]["good_answer_bad_trace"]
    assert (gap["k"], gap["n"]) == (3, 10)
    assert gap["interval"][0] < 0.3 < gap["interval"][1]
    assert body["trace"]["baseline"]["good_answer_bad_trace"]["n"] == 0


scores = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(st.tuples(scores, scores), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_pairs_never_matters(some: list[tuple[float | None, float | None]], r: random.Random) -> None:
    rows = [row(i, a, b) for i, (a, b) in enumerate(some)]
    before = found(rows)
    r.shuffle(rows)
    after = found(rows)
    assert before["decision"] == after["decision"]
    assert before["interval"] == pytest.approx(after["interval"])
    low, high = before["interval"]
    assert -1 <= low <= high <= 1
    assert before["delta"] is None or low - 1e-9 <= before["delta"] <= high + 1e-9


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900)), max_size=50), st.integers(1, 60), st.integers(1, 3000)
)
def test_a_budget_is_never_overrun(pairs: list[tuple[int, int]], max_calls: int, max_tokens: int) -> None:
    budget = Budget(max_calls=max_calls, max_tokens=max_tokens)
    for calls, tokens in pairs:
        if budget.reserve(calls, tokens):
            budget.count(calls, tokens)
            budget.release(calls, tokens)
    assert budget.calls <= max_calls
    assert budget.tokens <= max_tokens


def test_reservations_of_pairs_in_flight_count() -> None:
    budget = Budget(max_calls=5, max_tokens=None)
    assert budget.reserve(3, 100)
    assert not budget.reserve(3, 100)
    budget.count(1, 10)
    budget.release(3, 100)
    assert budget.reserve(3, 100)
