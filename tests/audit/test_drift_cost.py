"""What drift costs is told beforehand and kept to: estimates against what a run then did, and hard budgets."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from auditor.audit.budget import Budget, Purse
from auditor.audit.drift_cost import beyond, likely_protocol, text_calls
from auditor.audit.estimate import estimate
from auditor.audit.preflight import chosen_banks, schedule
from auditor.audit.runner import Audit
from auditor.banks import default_banks, load_bank
from auditor.errors import BudgetReached
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS, EndpointSpec
from auditor.report.results import results
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, PlantedTruth, Serving, build_app
from auditor.store import RunFolder, RunReader
from tests.drift.simulated import URL

PROMPTS = [p for bank in default_banks("privacy") for p in load_bank(bank).prompts]


def plan_of(drift: dict[str, Any], **run: Any) -> Plan:
    return Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "dimensions": {d: {"limit": 10} if d == "privacy" else {"enabled": False} for d in ALL_DIMENSIONS},
            "run": {"until": "all", **run},
            "drift": {"tokens": 5, "prompts": 6, **drift},
        }
    )


def ran(plan: Plan, folder: Path, truth: PlantedTruth) -> None:
    networks = {URL: httpx2.ASGITransport(build_app(truth, PROMPTS))}
    asyncio.run(Audit(plan, RunFolder(folder), environ={}, networks=networks).run())


def asked(folder: Path) -> Counter[str]:
    """Requests of both sides by purpose, as they stand in the ledger."""
    reader = RunReader(folder)
    try:
        return Counter(attempt.purpose for _, attempt in reader.attempts())
    finally:
        reader.close()


def told(plan: Plan) -> dict[str, Any]:
    banks = chosen_banks(plan)
    return estimate(plan, banks, schedule(plan, banks))


def drift_of(folder: Path) -> dict[str, Any]:
    reader = RunReader(folder)
    try:
        found: dict[str, Any] = results(reader)["drift"]
        return found
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("drift", "truth"),
    [
        ({}, PlantedTruth(traces=())),
        ({}, PlantedTruth(serving=Serving(targeted=True))),
        ({"protocol": "F"}, PlantedTruth(traces=())),
        ({"protocol": "F"}, PlantedTruth(traces=(), serving=Serving(targeted=True))),
        ({"protocol": "F"}, PlantedTruth()),
        ({"protocol": "G"}, PlantedTruth()),
        ({"protocol": "T"}, PlantedTruth()),
        ({"protocol": "auto"}, PlantedTruth()),
    ],
)
def test_a_run_asks_what_its_estimate_says(tmp_path: Path, drift: dict[str, Any], truth: PlantedTruth) -> None:
    """The estimate's tolerance is the span from least to most: nobody knows beforehand what the endpoints permit."""
    plan = plan_of(drift)
    ran(plan, tmp_path / "run", truth)
    counted, said = asked(tmp_path / "run"), told(plan)
    sides = [said["sides"][side] for side in ("baseline", "candidate")]
    first = counted["first_token"]
    more = counted["score"] + counted["drift"]
    assert counted["reply"] == said["prompts"] * 2
    for what, number in (("first_token", first), ("beyond", more)):
        least = sum(side["drift_calls"][what]["least"] for side in sides)
        most = sum(side["drift_calls"][what]["most"] for side in sides)
        assert least <= number <= most, (what, least, number, most)
    assert sum(counted.values()) <= said["calls"]
    if truth.serving.targeted and not drift:
        # Two of each side's requests found out that it can be asked, and are the probe's.
        assert first == said["sides"]["baseline"]["drift_calls"]["first_token"]["most"] * 2 - 4
    elif not truth.serving.targeted:
        assert first == 12


def test_without_the_shared_parts_the_least_is_what_a_text_costs(tmp_path: Path) -> None:
    """Nobody thinks aloud and lists come by id: the least, but for what finding the scorers took."""
    plan = plan_of({"protocol": "F"})
    ran(plan, tmp_path / "run", PlantedTruth(traces=(), serving=Serving(targeted=True)))
    beyond_first = drift_of(tmp_path / "run")["beyond"]
    finding = beyond(plan, 0).least
    per_side = beyond(plan, 6).least - finding
    for side in ("baseline", "candidate"):
        assert per_side <= beyond_first["cost"][side]["calls"] <= per_side + beyond(plan, 0).most


def test_a_hard_budget_stops_between_texts_and_more_of_it_continues(tmp_path: Path) -> None:
    truth = PlantedTruth(traces=(), serving=Serving(targeted=True))
    whole = {"protocol": "F"}
    ran(plan_of(whole, concurrency=1), tmp_path / "whole", truth)
    pairs = 2 * 10 + 4 * 6
    worst = text_calls("F", 12, "as_served", noise=True)
    with pytest.raises(BudgetReached):
        ran(plan_of(whole, concurrency=1, max_calls=pairs + 4 * worst), tmp_path / "run", truth)
    cut = drift_of(tmp_path / "run")["beyond"]
    assert cut["over_budget"] > 0
    left = sum(cut["left_out"][way].get("the budget was reached", 0) for way in ("forward", "reverse"))
    assert left == cut["over_budget"]
    texts = sum(cut[way]["n"] if cut[way] else 0 for way in ("forward", "reverse"))
    assert texts >= 4
    complete = drift_of(tmp_path / "whole")["beyond"]
    assert complete["over_budget"] == 0
    ran(plan_of(whole, concurrency=1, max_calls=10_000), tmp_path / "more", truth)
    for way in ("forward", "reverse"):
        assert drift_of(tmp_path / "more")["beyond"][way] == complete[way]


async def test_once_a_text_did_not_fit_none_follows() -> None:
    spent = [0, 0]
    budget = Budget(max_calls=10, max_tokens=None)
    purse = Purse(budget, lambda: (spent[0], spent[1]))
    assert await purse.reserve(6, 0)
    spent[:] = [2, 50]
    purse.settle(6, 0)
    assert (budget.calls, budget.tokens) == (2, 50)
    assert not await purse.reserve(9, 0)
    assert not await purse.reserve(1, 0)
    assert purse.refused == 2
    assert await Purse(None, lambda: (0, 0)).reserve(10**9, 10**9)


def test_a_dialect_tells_what_it_permits_before_it_is_probed() -> None:
    def of(dialect: str) -> str:
        return likely_protocol(EndpointSpec(base_url="http://x/v1", model="m", dialect=dialect))

    assert [of(name) for name in ("vllm", "llama-cpp", "tgi", "openai", "anthropic", "")] == [
        "F",
        "P",
        "S",
        "G",
        "T",
        "",
    ]
