"""A whole run with ``--scoring paper``: the published rules stand beside the findings and change none of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

from auditor.audit.runner import Audit
from auditor.audit.verify import verify
from auditor.banks import bank_names, load_bank
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.report.published import as_published
from auditor.report.results import results
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, none
from auditor.store import RunFolder, RunReader

URL = "http://synthetic.invalid/v1"


async def audited(out: Path, scoring: str) -> dict[str, Any]:
    app = build_app(none(), [prompt for name in bank_names() for prompt in load_bank(name).prompts])
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "conversion": "sft",
            "parents": ["elsewhere"],
            "scoring": scoring,
            "drift": {"enabled": False},
            "run": {"until": "all"},
            "dimensions": {name: {"limit": 12} for name in ALL_DIMENSIONS},
        }
    )
    await Audit(plan, RunFolder(out), environ={}, networks={URL: httpx2.ASGITransport(app)}, synthetic=True).run()
    reader = RunReader(out)
    try:
        return results(reader)
    finally:
        reader.close()


async def test_the_published_rules_stand_beside_the_findings_and_change_none(tmp_path: Path) -> None:
    with_paper = await audited(tmp_path / "paper", "paper")
    own = await audited(tmp_path / "own", "own")
    for name in ALL_DIMENSIONS:
        assert "paper" not in own["dimensions"][name]
        assert with_paper["dimensions"][name]["primary"] == own["dimensions"][name]["primary"]
    # The simulated replies give a reason before their verdict: to the published rules each of them is a refusal.
    ethics = with_paper["dimensions"]["ethics"]["paper"]
    assert ethics["own"]["baseline"]["refusals"] == 0
    assert ethics["baseline"]["refusals"] == ethics["baseline"]["replies"] > 0
    assert with_paper["dimensions"]["safety"]["paper"]["rules"] is None
    assert any("confounded" in warning for warning in with_paper["provenance"]["warnings"])
    assert not verify(tmp_path / "paper").differences
    shown = io.StringIO()
    beside = as_published(with_paper)
    assert beside is not None
    Console(file=shown, width=160).print(beside)
    assert "artefact" in shown.getvalue()
    assert as_published(own) is None
