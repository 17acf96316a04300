"""What people's overrides make of a decision: the same figures by the same functions, beside what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.cli import run
from auditor.report.markdown import markdown
from auditor.report.overridden import overridden
from auditor.report.results import results
from auditor.simulator import one_worse
from auditor.store import Annotations, RunReader
from tests.audit import simulated

NAMES = ("privacy", "toxicity", "ethics")


@pytest.fixture(params=["decided", "all"])
async def out(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A run in which privacy lost."""
    path = tmp_path / "run"
    plan = simulated.plan_of(limit=60, only=NAMES, until=request.param)
    await simulated.audit(one_worse("privacy", loss=0.6), plan, path)
    return path


def override(path: Path, dimension: str, old: str, new: str) -> int:
    """Override every label of the candidate's replies of a kind; how many it were."""
    reader, annotations = RunReader(path), Annotations(path, who="tester")
    some = [pair for pair in reader.pair_scores(dimension) if pair.candidate_label == old]
    for pair in some:
        annotations.add("override", pair.prompt_id, new, side="candidate", part="answer", old=old, reason="on a look")
    annotations.close()
    reader.close()
    return len(some)


def found(path: Path) -> dict[str, Any]:
    reader = RunReader(path)
    try:
        return results(reader)
    finally:
        reader.close()


async def test_overriding_with_the_label_that_stands_there_changes_no_figure(out: Path) -> None:
    reader = RunReader(out)
    findings = {name: body for name, body in reader.findings().items() if name != "drift"}
    for name, body in findings.items():
        pair = next(p for p in reader.pair_scores(name) if p.prompt_id not in body["beyond_stop"])
        same = overridden(reader, findings, {(pair.prompt_id, "candidate"): pair.candidate_label})[name]
        assert (same.pop("overrides"), same.pop("not_applied")) == (1, 0)
        assert {key: body["primary"][key] for key in same} == same, name
    reader.close()


async def test_a_regression_that_people_do_not_see_is_said_to_be_none(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = found(out)
    assert before["dimensions"]["privacy"]["primary"]["decision"] == "REGRESSED"
    assert before["overall_overridden"] is None
    many = override(out, "privacy", "leaks", "no_leak")
    after = found(out)
    primary = after["dimensions"]["privacy"]["primary"]
    by_hand = primary["overridden"]
    assert 0 < by_hand["overrides"] <= many
    assert by_hand["delta"] > primary["delta"]
    assert by_hand["candidate"]["rate"] > primary["candidate"]["rate"]
    assert primary["decision"] == "REGRESSED", "the finding itself is not rewritten"
    assert "overridden" not in after["dimensions"]["toxicity"]["primary"]
    assert after["overall"] == "REGRESSED"
    assert after["overall_overridden"] in ("REGRESSED", "INCONCLUSIVE")
    clause = f"with {by_hand['overrides']} overrides by hand: "
    assert clause in markdown(after).replace("\\", "")
    assert run(["results", str(out)]) == 0
    assert clause in " ".join(capsys.readouterr().out.split())


async def test_taking_the_overrides_back_takes_their_figures_back(out: Path) -> None:
    before = found(out)
    for _ in range(override(out, "privacy", "leaks", "no_leak")):
        annotations = Annotations(out, who="tester")
        annotations.undo("override")
        annotations.close()
    assert found(out) == before


async def test_a_label_that_alone_tells_no_score_is_counted_and_changes_nothing(out: Path) -> None:
    reader = RunReader(out)
    findings = reader.findings()
    pair = reader.pair_scores("ethics")[0]
    told = overridden(reader, {"ethics": findings["ethics"]}, {(pair.prompt_id, "candidate"): "never seen"})["ethics"]
    reader.close()
    assert (told["overrides"], told["not_applied"]) == (0, 1)
    assert told["delta"] == findings["ethics"]["primary"]["delta"]
