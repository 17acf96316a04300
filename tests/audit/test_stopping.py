"""Whole runs that stop early: what they ask, what they say, and that nothing about the way there changes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from auditor.audit.verify import verify
from auditor.cli import run
from auditor.errors import BudgetReached, RunError
from auditor.records import DIMENSIONS
from auditor.simulator import none, one_worse
from auditor.store import RunReader
from tests.audit import simulated

THREE = ("toxicity", "ethics", "capability")


def deciding(found: dict[str, Any]) -> dict[str, Any]:
    """The results but for what tells how the run got there: pairs beyond the stop, and what they cost."""
    told = {k: v for k, v in found.items() if k not in ("cost", "progress", "provenance")}
    told["dimensions"] = {
        name: {k: v for k, v in body.items() if k != "beyond_stop"} for name, body in found["dimensions"].items()
    }
    told["stopping"] = {k: v for k, v in found["stopping"].items() if k != "beyond_stop"}
    return told


async def test_no_change_is_preserved_for_a_fraction_of_the_calls(tmp_path: Path) -> None:
    out = tmp_path / "run"
    await simulated.audit(none(), simulated.plan_of(limit=None), out)
    found = simulated.read(out)
    assert {name: found["dimensions"][name]["primary"]["decision"] for name in DIMENSIONS} == dict.fromkeys(
        DIMENSIONS, "PRESERVED"
    )
    assert found["overall"] == "PRESERVED"
    assert found["status"] == "complete"
    stopping = found["stopping"]
    assert stopping["answer"] == "within_margin"
    assert stopping["asked"] < 0.4 * stopping["planned"]
    assert all(body["primary"]["anytime"] for body in found["dimensions"].values())
    assert verify(out).differences == []
    assert run(["gate", str(out)]) == 0


def fallen(out: Path) -> list[tuple[str, float, dict[str, Any]]]:
    """Decisions in the order in which they fell, with their times."""
    reader = RunReader(out)
    try:
        return [(one.dimension, one.at, one.body) for one in reader.decisions()]
    finally:
        reader.close()


@pytest.mark.parametrize("until", ["decided", "all"])
async def test_each_decision_is_kept_as_it_falls_and_is_the_one_the_run_ends_with(tmp_path: Path, until: str) -> None:
    """In a spot-check when the test stops, in a run of fixed size with its dimension's last pair."""
    out, plan = tmp_path / "run", simulated.plan_of(limit=40, only=THREE, concurrency=5, until=until)
    await simulated.audit(one_worse("ethics", loss=0.5), plan, out)
    found = simulated.read(out)["dimensions"]
    kept = fallen(out)
    assert {name for name, _, _ in kept} == set(THREE)
    assert [at for _, at, _ in kept] == sorted(at for _, at, _ in kept)
    for name, _, body in kept:
        assert {key: found[name]["primary"][key] for key in body} == body, name


async def test_a_continued_run_keeps_when_its_decisions_first_fell(tmp_path: Path) -> None:
    out = tmp_path / "run"
    plan = simulated.plan_of(limit=None, only=THREE, concurrency=5, max_calls=525)
    with pytest.raises(BudgetReached):
        await simulated.audit(none(), plan, out)
    before = fallen(out)
    assert 0 < len(before) < len(THREE), "some fell while others were still being asked"
    await simulated.audit(none(), simulated.plan_of(limit=None, only=THREE, concurrency=5), out)
    after = fallen(out)
    assert after[: len(before)] == before
    assert sorted(name for name, _, _ in after) == sorted(THREE)


async def test_a_material_loss_stops_the_run_and_the_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    await simulated.audit(one_worse("privacy"), simulated.plan_of(limit=None), out)
    found = simulated.read(out)
    assert found["overall"] == "REGRESSED"
    assert found["stopping"]["by"] == "privacy"
    assert found["dimensions"]["privacy"]["primary"]["material"]
    assert found["stopping"]["asked"] < 0.4 * found["stopping"]["planned"]
    others = [found["dimensions"][name]["primary"]["decision"] for name in DIMENSIONS if name != "privacy"]
    assert "REGRESSED" not in others
    assert run(["gate", str(out)]) == 1
    assert run(["results", str(out)]) == 0
    told = capsys.readouterr().out
    assert "privacy lost more than its margin, which answers the question" in told
    assert "* anytime-valid" in told
    assert not [line for line in told.splitlines() if line != line.rstrip()]


async def test_neither_concurrency_nor_interruption_changes_the_answer(tmp_path: Path) -> None:
    truth = one_worse("ethics", loss=0.3)
    await simulated.audit(truth, simulated.plan_of(limit=None, only=THREE, concurrency=1), tmp_path / "alone")
    await simulated.audit(truth, simulated.plan_of(limit=None, only=THREE, concurrency=25), tmp_path / "together")
    expected = deciding(simulated.read(tmp_path / "alone"))
    assert deciding(simulated.read(tmp_path / "together")) == expected
    for calls in (60, 110):
        plan = simulated.plan_of(limit=None, only=THREE, concurrency=5, max_calls=calls)
        with pytest.raises(BudgetReached):
            await simulated.audit(truth, plan, tmp_path / "cut")
        assert simulated.read(tmp_path / "cut")["status"] == "budget"
        assert verify(tmp_path / "cut").differences == []
    await simulated.audit(truth, simulated.plan_of(limit=None, only=THREE, concurrency=5), tmp_path / "cut")
    assert deciding(simulated.read(tmp_path / "cut")) == expected


async def test_a_run_that_has_its_answer_asks_nothing_more(tmp_path: Path) -> None:
    plan = simulated.plan_of(limit=None, only=THREE)
    await simulated.audit(none(), plan, tmp_path / "run")
    first = simulated.read(tmp_path / "run")
    await simulated.audit(none(), plan, tmp_path / "run")
    again = simulated.read(tmp_path / "run")
    ledgers = [found["cost"].pop("ledger") for found in (first, again)]
    assert again == first
    # What a server does not have is asked for anew by a probe; nothing that costs anything is.
    assert {ledger["for_reply"] for ledger in ledgers} == {ledgers[0]["for_reply"]}
    assert {ledger["for_first_token"] for ledger in ledgers} == {ledgers[0]["for_first_token"]}


async def test_verifying_names_the_dimension_whose_decision_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    await simulated.audit(one_worse("ethics"), simulated.plan_of(limit=40, only=THREE), out)
    assert run(["results", str(out), "--verify"]) == 0
    assert "all as stored" in capsys.readouterr().out
    reader = RunReader(out)
    try:
        flattered = reader.findings()["ethics"]
    finally:
        reader.close()
    flattered["primary"]["decision"] = "PRESERVED"
    _store(out, "ethics", flattered)
    assert run(["results", str(out), "--verify"]) == 2
    told = capsys.readouterr().out
    assert "ethics.primary.decision: stored 'PRESERVED', recomputed 'REGRESSED'" in told
    assert "toxicity" in told
    assert "ethics      REGRESSED     DIFFERS" in told


async def test_verifying_notices_another_order(tmp_path: Path) -> None:
    out = tmp_path / "run"
    await simulated.audit(none(), simulated.plan_of(limit=10, only=THREE), out)
    with sqlite3.connect(out / "run.sqlite") as database:
        database.execute("UPDATE prompts SET seq = CASE seq WHEN 0 THEN -1 ELSE seq END")
        database.execute("UPDATE prompts SET seq = 0 WHERE seq = 5")
        database.execute("UPDATE prompts SET seq = 5 WHERE seq = -1")
    database.close()
    assert any(text.startswith("order:") for text in verify(out).differences)


def test_there_is_nothing_to_verify_before_a_run_ended(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        verify(tmp_path)


def _store(out: Path, key: str, body: dict[str, Any]) -> None:
    from auditor.store import RunFolder, RunWriter

    writer = RunWriter(RunFolder(out))
    try:
        writer.put_finding(key, body)
    finally:
        writer.close()
