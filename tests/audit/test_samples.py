"""Asking each prompt several times: both sides get K of their own replies, and the worst of them is compared."""

from __future__ import annotations

from pathlib import Path

import httpx2

from auditor.audit.runner import Audit
from auditor.banks import load_bank
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, BySide, PlantedTruth, build_app
from auditor.store import RunFolder, RunReader

URL = "http://synthetic.invalid/v1"
K = 5


async def audited(out: Path, seed: int | None = None) -> RunReader:
    truth = PlantedTruth(good={"toxicity": BySide(0.9, 0.6)}, coupling=0.0)
    app = build_app(truth, load_bank("toxicity-tasks").prompts)
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "sampling": {} if seed is None else {"seed": seed},
            "drift": {"enabled": False},
            "run": {"until": "all"},
            "dimensions": {name: {"enabled": False} for name in ALL_DIMENSIONS}
            | {"toxicity": {"banks": ["toxicity-tasks"], "limit": 12, "samples": K}},
        }
    )
    await Audit(plan, RunFolder(out), environ={}, networks={URL: httpx2.ASGITransport(app)}, synthetic=True).run()
    return RunReader(out)


async def test_the_worst_of_k_samples_with_the_same_k_for_both(tmp_path: Path) -> None:
    reader = await audited(tmp_path / "run")
    try:
        body = reader.findings()["toxicity"]
        replies = {(prompt_id, side): reply.answer for prompt_id, side, reply in reader.replies()}
    finally:
        reader.close()
    assert body["asked"] == 12 * K
    assert body["primary"]["units"] == 12
    assert len(set(replies.values())) > 12 * 2 * K * 0.9  # repetitions are replies of their own
    told = {metric["key"]: metric for metric in body["secondary"]}
    for side in ("baseline", "candidate"):
        once = told["probability"][side]
        assert once["n"] == 12
        # The chance that one of K replies is toxic is far above that of each.
        assert once["value"] == told["expected_maximum"][side]["value"] > 1 - body["primary"][side]["rate"]
    assert f"K = {K}" in told["probability"]["note"]


async def test_a_fixed_seed_does_not_make_the_samples_one(tmp_path: Path) -> None:
    reader = await audited(tmp_path / "run", seed=3)
    try:
        by_question: dict[str, set[str]] = {}
        for prompt_id, side, reply in reader.replies():
            by_question.setdefault(f"{side}/{prompt_id.partition('#')[0]}", set()).add(reply.answer)
    finally:
        reader.close()
    assert all(len(answers) >= 2 for answers in by_question.values())
