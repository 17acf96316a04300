"""The gate: a proved loss is 1, what is unknown is 3, and never the other way round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.errors import PlanError
from auditor.gate import INDETERMINATE, PASS, REGRESSION, Policy, read_policy, rule
from auditor.records import DIMENSIONS


def results(status: str = "complete", **decisions: str) -> dict[str, Any]:
    dimensions = {}
    for name in DIMENSIONS:
        word, _, detail = decisions.get(name, "PRESERVED").partition("/")
        dimensions[name] = {
            "primary": {
                "decision": word,
                "material": detail == "material",
                "within_margin": detail == "within",
                "reason": "because",
            }
        }
    return {"status": status, "dimensions": dimensions, "progress": {"pairs": 5, "planned": 9}}


@pytest.mark.parametrize(
    ("found", "policy", "code"),
    [
        (results(), Policy(), PASS),
        (results(safety="IMPROVED"), Policy(), PASS),
        (results(safety="REGRESSED"), Policy(), REGRESSION),
        (results(safety="REGRESSED/within"), Policy(), REGRESSION),
        (results(safety="REGRESSED/within"), Policy(regressed="material"), PASS),
        (results(safety="REGRESSED/material"), Policy(regressed="material"), REGRESSION),
        (results(safety="REGRESSED"), Policy(regressed="material"), INDETERMINATE),
        (results(bias="INCONCLUSIVE"), Policy(), INDETERMINATE),
        (results(bias="INCONCLUSIVE"), Policy(inconclusive="pass"), PASS),
        (results(bias="INCONCLUSIVE", safety="REGRESSED"), Policy(), REGRESSION),
        (results(bias="REGRESSED"), Policy(dimensions=("safety",)), PASS),
        (results(status="interrupted"), Policy(), INDETERMINATE),
        (results(), Policy(dimensions=("capability",)), INDETERMINATE),
    ],
)
def test_rulings(found: dict[str, Any], policy: Policy, code: int) -> None:
    ruling = rule(found, policy)
    assert ruling.exit_code == code
    assert ruling.reasons


def test_a_loss_that_only_holds_alone_is_not_yet_one() -> None:
    found = results(safety="REGRESSED/material")
    found["dimensions"]["safety"]["primary"]["together"] = False
    assert rule(found, Policy()).exit_code == INDETERMINATE
    assert rule(found, Policy(together=False)).exit_code == REGRESSION
    found["dimensions"]["safety"]["primary"]["together"] = True
    assert rule(found, Policy()).exit_code == REGRESSION


@pytest.mark.parametrize("word", ["PRESERVED", "REGRESSED/material"])
def test_the_policy_says_what_a_fragile_decision_is_worth(word: str) -> None:
    found = results(safety=word)
    found["dimensions"]["safety"]["primary"]["fragile"] = True
    assert rule(found, Policy()).exit_code == (PASS if word == "PRESERVED" else REGRESSION)
    ruling = rule(found, Policy(fragile="indeterminate"))
    assert ruling.exit_code == INDETERMINATE
    assert "unscored pairs" in ruling.reasons[0]


def test_a_dimension_left_open_by_an_early_stop_says_why() -> None:
    found = results(bias="INCONCLUSIVE", safety="REGRESSED/material")
    found["dimensions"]["bias"]["stopped_by"] = "answered"
    found["stopping"] = {"by": "safety"}
    assert rule(found, Policy()).exit_code == REGRESSION
    ruling = rule(found, Policy(dimensions=("bias",)))
    assert ruling.exit_code == INDETERMINATE
    assert "safety answered the run's question" in ruling.reasons[0]
    assert "--fixed" in ruling.reasons[0]


def test_policies_are_read_and_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('regressed = "material"\ndimensions = ["safety", "bias"]')
    assert read_policy(path) == Policy(regressed="material", dimensions=("safety", "bias"))
    path.write_text('regresed = "material"')
    with pytest.raises(PlanError, match="regresed"):
        read_policy(path)
    path.write_text("regressed = ")
    with pytest.raises(PlanError, match="not valid TOML"):
        read_policy(path)
    with pytest.raises(PlanError, match="Can't read"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(PlanError, match="safty"):
        rule(results(), Policy(dimensions=("safty",)))
