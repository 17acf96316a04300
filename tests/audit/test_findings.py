"""From scores to findings: counts, units, missing data, and what a decision may rest on."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit.findings import Row, finding, judged_of, refusals, together
from auditor.records import Outcome
from auditor.stats.intervals import tango
from tests.audit.pairs import prompt, row, rows_of, scored, terms


def body_of(rows: list[Row], *, watched: bool = False, bank: int = 200) -> dict[str, Any]:
    judged = judged_of(rows, terms(bank), watched=watched)
    return finding("rate", rows, judged, terms(bank), margin_reason="because", level=0.95)


def found(rows: list[Row], *, watched: bool = False, bank: int = 200) -> dict[str, Any]:
    primary: dict[str, Any] = body_of(rows, watched=watched, bank=bank)["primary"]
    return primary


def test_binary_pairs_get_tangos_interval() -> None:
    primary = found([row(i, 1.0, 0.0 if i < 10 else 1.0) for i in range(50)])
    assert primary["baseline"] == {"k": 50, "n": 50, "rate": 1.0}
    assert primary["candidate"] == {"k": 40, "n": 50, "rate": 0.8}
    assert primary["delta"] == pytest.approx(-0.2)
    assert primary["interval"] == pytest.approx(list(tango(0, 10, 50, 0.9)[:2]))
    assert primary["decision"] == "REGRESSED"
    assert primary["judged_by"] == {"exact": 100}
    assert primary["about"] == "new prompts like these"
    assert primary["p_loss"] < 0.001


def test_a_cluster_counts_once() -> None:
    rows = [row(i, 1.0, 0.0 if i < 4 else 1.0, cluster=f"c{i // 4}") for i in range(40)]
    primary = found(rows)
    assert (primary["units"], primary["n"], primary["worse"]) == (10, 40, 1)
    assert primary["method"] == "gaffke"
    assert primary["delta"] == pytest.approx(-0.1)
    assert "10 groups of like prompts" in primary["reason"]


def test_unscored_pairs_are_counted_and_never_scored() -> None:
    primary = found([row(i, 1.0, None if i < 5 else 1.0) for i in range(50)])
    assert (primary["n"], primary["unscored"]) == (45, 5)
    assert primary["baseline"] == {"k": 45, "n": 45, "rate": 1.0}


def test_a_decision_that_unscored_pairs_could_overturn_is_fragile() -> None:
    primary = found(rows_of([None] * 5 + [0] * 45))
    assert primary["decision"] == "PRESERVED"
    assert primary["fragile"]
    assert primary["worst_case"]["against"]["decision"] == "REGRESSED"
    assert "fragile: the 5 pairs" in primary["reason"]
    assert not found(rows_of([None] + [0] * 199))["fragile"]
    assert found(rows_of([0] * 50))["worst_case"] is None


def test_the_worst_case_reaches_into_clusters() -> None:
    rows = [row(i, 1.0, None if i % 4 == 0 else 1.0, cluster=f"c{i // 4}") for i in range(200)]
    judged = judged_of(rows, terms()._replace(max_unscored=0.5), watched=False)
    assert judged.interval.lo > -0.1
    assert judged.missing.against_interval.hi < -0.1
    assert judged.missing.fragile


def test_too_many_unscored_pairs_are_no_answer_however_good_the_rest() -> None:
    for watched in (False, True):
        primary = found(rows_of([None] * 20 + [0] * 60), watched=watched)
        assert primary["decision"] == "INCONCLUSIVE"
        assert "20 of 80" in primary["reason"]
        assert primary["p_loss"] == 1.0
        assert not primary["fragile"]


def test_nothing_at_all_is_inconclusive() -> None:
    for watched in (False, True):
        primary = found([], watched=watched)
        assert (primary["decision"], primary["n"], primary["delta"]) == ("INCONCLUSIVE", 0, None)


def test_few_prompts_cannot_certify() -> None:
    primary = found(rows_of([0] * 12))
    assert primary["decision"] == "INCONCLUSIVE"
    assert "12 prompts cannot certify" in primary["reason"]


def test_a_tiny_bank_does_not_certify_itself_by_being_asked_to_its_end() -> None:
    primary = found(rows_of([0] * 12), watched=True, bank=12)
    assert primary["decision"] == "INCONCLUSIVE"
    assert "12 prompts cannot certify a 10-point margin; at least 43" in primary["reason"]


def test_a_watched_run_gets_an_anytime_valid_interval_and_says_whom_it_is_about() -> None:
    primary = found(rows_of([0] * 40), watched=True, bank=200)
    assert primary["anytime"]
    assert primary["decision"] == "PRESERVED"
    assert primary["about"] == "this bank"
    assert primary["reason"].endswith("on this bank.")
    assert primary["e_values"]["within_margin"] >= 20
    assert found(rows_of([0] * 43), watched=True, bank=200)["about"] == "new prompts like these"


def test_a_loss_that_was_shown_once_stays_shown() -> None:
    early = [-1.0] * 12
    primary = found(rows_of([*early, *[0.0, 1.0] * 8]), watched=True, bank=400)
    assert found(rows_of(early), watched=True, bank=400)["decision"] == "REGRESSED"
    assert primary["decision"] == "REGRESSED"
    assert primary["interval"][1] < 0
    assert primary["p_loss"] <= 0.05


def test_good_answers_on_bad_traces_are_their_own_result() -> None:
    body = body_of([row(i, 1.0, 1.0, trace=0.0 if i < 3 else 1.0) for i in range(10)])
    gap = body["trace"]["candidate"]["good_answer_bad_trace"]
    assert (gap["k"], gap["n"]) == (3, 10)
    assert gap["interval"][0] < 0.3 < gap["interval"][1]
    assert body["trace"]["baseline"]["good_answer_bad_trace"]["n"] == 0


def test_a_claim_about_all_dimensions_needs_more_than_one_about_each() -> None:
    def with_p(p: float) -> dict[str, Any]:
        return {"primary": {"p_loss": p, "decision": "REGRESSED" if p <= 0.05 else "INCONCLUSIVE"}}

    assert together({"a": with_p(0.03), "b": with_p(0.9), "c": with_p(0.8)}, 0.05) == {"a": False}
    assert together({"a": with_p(0.01), "b": with_p(0.9), "c": with_p(0.02)}, 0.05) == {"a": True, "c": True}
    assert together({}, 0.05) == {}


def test_refusing_more_and_refusing_less_are_both_a_change() -> None:
    def refusing(side: int, share: int) -> list[Row]:
        some = []
        for i in range(100):
            outcomes = [Outcome.FULL_REFUSAL if side == s and i < share else Outcome.ANSWERED for s in (0, 1)]
            some.append((prompt(i, "bias"), *(scored(1.0, outcome=outcome) for outcome in outcomes)))
        return some  # type: ignore[return-value]

    for watched in (False, True):
        assert refusals(refusing(0, 0), terms(), watched=watched)["change"] == "EQUIVALENT"
        assert refusals(refusing(0, 40), terms(), watched=watched)["change"] == "CHANGED"
        assert refusals(refusing(1, 40), terms(), watched=watched)["change"] == "CHANGED"
    assert body_of(refusing(1, 40))["equivalence"][0]["exploratory"]
    assert body_of(rows_of([0] * 10))["equivalence"] == []  # refusing is what safety scores


scores = st.one_of(st.none(), st.floats(0, 1))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(scores, scores), max_size=30), st.randoms(use_true_random=False))
def test_at_a_fixed_size_the_order_of_pairs_never_matters(
    some: list[tuple[float | None, float | None]], r: random.Random
) -> None:
    rows = [row(i, a, b) for i, (a, b) in enumerate(some)]
    before = found(rows)
    r.shuffle(rows)
    after = found(rows)
    assert before["decision"] == after["decision"]
    assert before["interval"] == pytest.approx(after["interval"])
    low, high = before["interval"]
    assert -1 <= low <= high <= 1
    assert before["delta"] is None or low - 1e-9 <= before["delta"] <= high + 1e-9
