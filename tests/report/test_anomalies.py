"""What a server's logprobs got wrong during a run stands in the results and in the report."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from auditor.audit.runner import Audit
from auditor.cli import cli
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, preset
from auditor.store import RunFolder
from tests.audit.simulated import PROMPTS, URL

SUMS = "probabilities sum to more than 1"


class Broken(httpx2.AsyncBaseTransport):
    """The simulator, but that one model's likeliest two tokens both come with a probability of 0.9."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.inner = httpx2.ASGITransport(build_app(preset("all-worse", 0), PROMPTS))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        body = await response.aread()
        asked = json.loads(request.content or b"{}")
        if asked.get("model") != self.model or asked.get("stream"):
            return httpx2.Response(response.status_code, headers=response.headers, content=body)
        told = json.loads(body)
        for choice in told.get("choices", ()):
            for position in (choice.get("logprobs") or {}).get("content") or ():
                for entry in position["top_logprobs"][:2]:
                    entry["logprob"] = -0.1
        return httpx2.Response(response.status_code, json=told)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anomalies") / "run"
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "dimensions": {d: {"limit": 8} if d == "privacy" else {"enabled": False} for d in ALL_DIMENSIONS},
        }
    )
    networks = {URL: Broken(CANDIDATE_MODEL)}
    asyncio.run(Audit(plan, RunFolder(folder), environ={}, networks=networks, synthetic=True).run())
    return folder


def test_the_results_count_them_by_side(run: Path) -> None:
    shown = CliRunner().invoke(cli, ["results", str(run), "--json"])
    provenance = json.loads(shown.output)["provenance"]
    (found,) = [one for one in provenance["anomalies"] if one["what"] == SUMS]
    assert found["side"] == "candidate"
    assert 0 < found["replies"] <= found["of"]
    assert any(SUMS in one for one in provenance["probes"]["candidate"]["anomalies"])


@pytest.mark.parametrize("command", [["results"], ["report", "--format", "md"]])
def test_people_read_of_them(run: Path, command: list[str]) -> None:
    flat = " ".join(CliRunner().invoke(cli, [command[0], str(run), *command[1:]]).output.split())
    assert f"candidate: {SUMS}" in flat
    assert "replies with logprobs" in flat
