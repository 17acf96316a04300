"""Auditing the built-in pair in this process, with the settings that a test needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import msgspec

from auditor.audit.runner import Audit
from auditor.banks import bank_names, load_bank
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.report.results import results
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, PlantedTruth, Serving, build_app
from auditor.store import RunFolder, RunReader

URL = "http://synthetic.invalid/v1"
PROMPTS = [prompt for name in bank_names() for prompt in load_bank(name).prompts]


def plan_of(*, limit: int | None, llm_judge: bool = False, only: tuple[str, ...] = (), **run: Any) -> Plan:
    dimensions = {name: {"limit": limit, "enabled": not only or name in only} for name in ALL_DIMENSIONS}
    judge = {"judge": {"base_url": URL, "model": JUDGE_MODEL}} if llm_judge else {}
    pair = {
        "baseline": {"base_url": URL, "model": BASELINE_MODEL},
        "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
    }
    return Plan.from_mapping({**pair, **judge, "dimensions": dimensions, "run": run})


async def audit(truth: PlantedTruth, plan: Plan, out: Path) -> None:
    """Carry the audit out; a question that is asked again gets the same reply."""
    app = build_app(msgspec.structs.replace(truth, serving=Serving(unseeded="repeat")), PROMPTS)
    network = {URL: httpx2.ASGITransport(app)}
    await Audit(plan, RunFolder(out), environ={}, networks=network, synthetic=True).run()


def read(out: Path) -> dict[str, Any]:
    reader = RunReader(out)
    try:
        return results(reader)
    finally:
        reader.close()
