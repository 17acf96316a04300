"""Drift beyond the first token inside a run, and how it goes with loss."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from auditor.audit.runner import Audit
from auditor.banks import default_banks, load_bank
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.report.results import results
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, preset
from auditor.store import RunFolder, RunReader
from tests.drift.simulated import URL

AUDITED = ("safety", "privacy")


def audited(folder: Path, drift: dict[str, Any]) -> dict[str, Any]:
    prompts = [p for name in AUDITED for bank in default_banks(name) for p in load_bank(bank).prompts]
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "dimensions": {d: {"limit": 10} if d in AUDITED else {"enabled": False} for d in ALL_DIMENSIONS},
            "drift": {"prompts": 16, **drift},
        }
    )
    networks = {URL: httpx2.ASGITransport(build_app(preset("one-worse:privacy", 0), prompts))}
    asyncio.run(Audit(plan, RunFolder(folder), environ={}, networks=networks).run())
    reader = RunReader(folder)
    try:
        found: dict[str, Any] = results(reader)["drift"]
        return found
    finally:
        reader.close()


def test_a_plan_may_ask_for_whole_replies(tmp_path: Path) -> None:
    found = audited(tmp_path / "run", {"protocol": "auto", "tokens": 6})
    assert (found["protocol"], found["scope"]) == ("G", "first_token")
    beyond = found["beyond"]
    assert beyond["protocol"] == "F"
    privacy, safety = (beyond["forward"]["dimensions"][name]["kl_per_token"]["lower_bound"] for name in AUDITED[::-1])
    assert privacy > 3 * safety
    assert "not a cause" in beyond["association"]["what"]
    assert set(beyond["audits"]) == {"own_trace", "no_trace"}


def test_without_being_asked_it_stays_at_the_first_token(tmp_path: Path) -> None:
    found = audited(tmp_path / "run", {})
    assert found["beyond"] is None
    assert "association" in found
