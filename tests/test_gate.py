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
