"""Several pairs as one matrix, and when a difference is not the conversion's alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.audit.family import Family, family_of, is_model, matrix, read_family
from auditor.errors import PlanError
from auditor.records import EndpointSpec

HOST = "http://localhost:8000/v1"
SHARED: dict[str, Any] = {"baseline": {"endpoint": f"{HOST}#vendor/instruct"}, "run": {"until": "all"}}


def pair(
    name: str, conversion: str = "sft", parents: tuple[str, ...] = ("vendor/instruct",), **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "candidate": {"endpoint": f"{HOST}#vendor/{name}"},
        "conversion": conversion,
        "parents": list(parents),
        **more,
    }


def family(*pairs: dict[str, Any]) -> Family:
    return family_of("f", SHARED, pairs)


def confounds(found: Family, name: str) -> str:
    return " ".join(next(member.confounds for member in found.members if member.name == name))


def test_a_candidate_made_from_the_baseline_is_not_confounded() -> None:
    found = family(pair("s1"), pair("s2", parents=("instruct",)), pair("s3", parents=(f"{HOST}#vendor/instruct",)))
    assert not any(member.confounds for member in found.members)


def test_rl_on_top_of_a_distillation_is_confounded_and_the_clean_comparison_is_named() -> None:
    found = family(pair("distilled", "distillation"), pair("rl", "rl", parents=("vendor/distilled", "vendor/instruct")))
    said = confounds(found, "rl")
    assert "confounded" in said
    assert "rl ← vendor/distilled ← vendor/instruct" in said
    assert "'distilled'" in said
    assert not confounds(found, "distilled")


def test_a_baseline_outside_the_chain_is_confounded() -> None:
    assert "not among its parents" in confounds(family(pair("d", "distillation", parents=("vendor/math-base",))), "d")


def test_an_undeclared_lineage_is_said() -> None:
    assert "no parents declared" in confounds(family(pair("x", "unknown", parents=())), "x")


def test_pairs_that_are_not_asked_alike_are_said() -> None:
    found = family(
        pair("a"), pair("b", sampling={"temperature": 0.6}), pair("c", baseline={"endpoint": f"{HOST}#other"})
    )
    assert any("b differ from the first pair in sampling" in warning for warning in found.warnings)
    assert any("c differ from the first pair in baseline" in warning for warning in found.warnings)
    assert not family(pair("a"), pair("b")).warnings


def test_rows_stand_in_the_order_of_conversions() -> None:
    found = family(pair("x", "hybrid"), pair("y", "rl"), pair("z", "sft"))
    assert [member.name for member in found.members] == ["z", "y", "x"]


@pytest.mark.parametrize(
    ("name", "model", "same"),
    [
        ("vendor/instruct", "vendor/instruct", True),
        ("Instruct", "vendor/instruct", True),
        ("vendor/instruct", "instruct", True),
        ("other/instruct", "vendor/instruct", False),
        ("instruct-2", "vendor/instruct", False),
    ],
)
def test_names_of_models(name: str, model: str, same: bool) -> None:
    assert is_model(name, EndpointSpec(HOST, model)) is same


def primary(p_loss: float, decision: str) -> dict[str, Any]:
    rate = {"k": 1, "n": 2, "rate": 0.5}
    return {
        "primary": {
            "baseline": rate,
            "candidate": rate,
            "delta": -0.1,
            "interval": [-0.2, -0.01],
            "decision": decision,
            "unscored": 0,
            "p_loss": p_loss,
        }
    }


def result(p_loss: float, decision: str = "REGRESSED") -> dict[str, Any]:
    return {
        "status": "complete",
        "overall": decision,
        "dimensions": {"safety": primary(p_loss, decision), "ethics": primary(1.0, "PRESERVED")},
        "drift": None,
    }


def test_the_matrix_has_a_row_for_every_pair_and_says_which_losses_hold_together() -> None:
    pairs = [pair(f"p{at}") for at in range(6)]
    found = matrix(family(*pairs), {"p0": result(1e-6), **{f"p{at}": result(0.03) for at in range(1, 5)}})
    rows = {row["name"]: row for row in found["pairs"]}
    assert rows["p0"]["dimensions"]["safety"]["together"] is True
    assert rows["p1"]["dimensions"]["safety"]["together"] is False
    assert rows["p1"]["dimensions"]["ethics"]["together"] is None
    assert rows["p5"]["dimensions"] is None
    assert rows["p5"]["status"] == "not run"


GOOD = """\
name = "mine"
[plan.baseline]
endpoint = "http://localhost:8000/v1#instruct"
[[pair]]
name = "sft"
candidate = { endpoint = "http://localhost:8001/v1#tuned" }
conversion = "sft"
parents = ["instruct"]
"""


def test_a_family_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "family.toml"
    path.write_text(GOOD)
    found = read_family(path)
    assert (found.name, found.members[0].name, found.members[0].plan.conversion) == ("mine", "sft", "sft")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[plan]", "pair"),
        ("[[pair]", "not valid TOML"),
        (GOOD.replace('"sft"\ncandidate', '"../out"\ncandidate'), "pair.0.name"),
        (GOOD + GOOD[GOOD.index("[[pair]]") :], "two pairs"),
        (GOOD.replace("parents", "parent"), "did you mean"),
        (GOOD.replace("#tuned", ""), "names no model"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "family.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match=says):
        read_family(path)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="Can't read"):
        read_family(tmp_path / "none.toml")
