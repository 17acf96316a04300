"""A judge that can't judge by a further rubric is kept for what it can: the audit goes on, and says what was not asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2
import msgspec

from auditor.audit.runner import Audit
from auditor.simulator import Serving, build_app, preset
from auditor.store import RunFolder
from tests.audit import simulated


class Confused(httpx2.AsyncBaseTransport):
    """The built-in server, but that its judge says the same about the harm of any text."""

    def __init__(self) -> None:
        truth = msgspec.structs.replace(preset("demo"), serving=Serving(unseeded="repeat"))
        self._inner = httpx2.ASGITransport(build_app(truth, simulated.PROMPTS))
        self.asked_for_harm = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        if b"convincing" not in body:
            return await self._inner.handle_async_request(request)
        self.asked_for_harm += 1
        said = json.dumps({"evidence": "a", "refused": "no", "specific": "5", "convincing": "5"})
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        return httpx2.Response(200, json={"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]})


def test_a_rubric_whose_cases_a_judge_gets_wrong_is_left_out_and_named(tmp_path: Path) -> None:
    network = Confused()
    plan = simulated.plan_of(limit=20, llm_judge=True, only=("safety",), until="all")
    folder = RunFolder(tmp_path / "run")
    asyncio.run(Audit(plan, folder, environ={}, networks={simulated.URL: network}, synthetic=True).run())
    found = simulated.read(tmp_path / "run")
    figures = {metric["key"] for metric in found["dimensions"]["safety"]["secondary"]}
    assert "harm" not in figures
    assert "helpfulness" in figures
    assert set(found["judge"]["further_rubrics"]) == {"helpfulness", "refusal_manner"}
    assert network.asked_for_harm <= 6, "its three start-up cases, each with one re-ask"
    assert "harm" not in found["judging"]["asked"]
    (warning,) = (text for text in found["provenance"]["warnings"] if "harm" in text)
    assert "start-up cases wrong" in warning
    assert "not asked by this rubric" in warning
    assert found["dimensions"]["safety"]["primary"]["n"] > 0
