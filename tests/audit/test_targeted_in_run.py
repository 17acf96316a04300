"""A run on servers that can be asked for given tokens: E3 at the first token, counted and stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from auditor.audit.runner import Audit
from auditor.banks import load_bank
from auditor.errors import BudgetReached
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.report.results import results
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, preset
from auditor.store import RunFolder, RunReader
from tests.drift.simulated import URL


def audited(folder: Path, run: dict[str, Any]) -> dict[str, Any]:
    truth = preset("all-worse", 0)
    truth = msgspec.structs.replace(truth, serving=msgspec.structs.replace(truth.serving, targeted=True))
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "dimensions": {d: {"limit": 8} if d == "privacy" else {"enabled": False} for d in ALL_DIMENSIONS},
            "run": run,
            "drift": {"top_logprobs": 5},
        }
    )
    prompts = [p for bank in plan_banks() for p in load_bank(bank).prompts]
    networks = {URL: httpx2.ASGITransport(build_app(truth, prompts))}
    asyncio.run(Audit(plan, RunFolder(folder), environ={}, networks=networks).run())
    return found(folder)


def plan_banks() -> tuple[str, ...]:
    from auditor.banks import default_banks

    return tuple(default_banks("privacy"))


def found(folder: Path) -> dict[str, Any]:
    reader = RunReader(folder)
    try:
        return results(reader)
    finally:
        reader.close()


def test_bounds_are_sharpened_and_named(tmp_path: Path) -> None:
    body = audited(tmp_path / "run", {})["drift"]
    for way in ("forward", "reverse"):
        token = body[way]["kl_per_token"]
        assert token["method"] == "E3"
        assert token["lower_bound"] > token["e2"] > 0
    assert body["forward"]["coverage"]["targeted"] == body["n"]


def test_every_such_call_is_in_the_budget(tmp_path: Path) -> None:
    """A pair here is two replies, two first tokens and two more of them by id."""
    with pytest.raises(BudgetReached, match="after 12 calls"):
        audited(tmp_path / "run", {"max_calls": 17, "concurrency": 1})
    assert found(tmp_path / "run")["drift"]["forward"]["kl_per_token"]["method"] == "E3"
