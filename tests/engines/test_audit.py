"""The main job on real engines: `auditor run` against two servers of a tiny pair, held against the exact weights.

The tiny models know nothing, so nothing is expected of their wisdom: only of protocol, counts, channels and drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.cli import run
from auditor.records import DIMENSIONS, Outcome
from auditor.report.results import results
from auditor.store import RunReader

from .lane import EnginePair, EngineServer, TinyModels, exact_logprobs

pytestmark = pytest.mark.engines

LIMIT = 4
PROMPTS = LIMIT * (len(DIMENSIONS) + 1)
DIALECT = {"vllm": "vllm", "llama-server": "llama-cpp"}
ROUNDING = {"vllm": 2e-3, "llama-server": 2e-2}
"""Nats by which a bound may exceed the exact KL: what the engines' logprobs differ by from torch in fp32."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {}


@pytest.fixture
def audited(
    engine_pair: EnginePair, runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[EnginePair, RunReader, dict[str, Any]]]:
    """One run per engine, shared by the tests."""
    engine = engine_pair.baseline.engine
    if engine not in runs:
        out = tmp_path_factory.mktemp("audit") / engine
        plan = out.with_suffix(".toml")
        plan.write_text("".join(_section(side, server) for side, server in _sides(engine_pair)))
        command = ["run", str(plan), "--judge=rules", f"--limit={LIMIT}", "--max-reply-tokens=96", f"--out={out}"]
        assert run(command) == 0
        runs[engine] = out
    reader = RunReader(runs[engine])
    yield engine_pair, reader, results(reader)
    reader.close()


def test_every_prompt_is_answered_by_both_and_accounted_for(
    audited: tuple[EnginePair, RunReader, dict[str, Any]],
) -> None:
    _, _, found = audited
    assert found["status"] == "complete"
    assert found["progress"]["pairs"] == found["progress"]["planned"]
    assert PROMPTS - 3 * len(DIMENSIONS) <= found["progress"]["pairs"] <= PROMPTS
    for name in DIMENSIONS:
        body = found["dimensions"][name]
        for side in ("baseline", "candidate"):
            counted = body["outcomes"][side]
            assert sum(counted.values()) == body["planned"]
            assert Outcome.ERROR not in counted
        assert body["primary"]["n"] + body["primary"]["unscored"] == body["planned"]
        # So few prompts certify nothing, and the audit has to say so.
        assert body["primary"]["decision"] != "PRESERVED"
        assert "llm" not in body["primary"]["judged_by"]
    for side in ("baseline", "candidate"):
        tokens = found["cost"]["tokens"][side]
        assert tokens["calls"] == 2 * found["progress"]["pairs"]
        assert tokens["calls_without_usage"] == 0
        assert tokens["completion"] >= tokens["calls"]


def test_the_probe_tells_the_truth_about_the_engine(audited: tuple[EnginePair, RunReader, dict[str, Any]]) -> None:
    pair, _, found = audited
    for side, server in _sides(pair):
        probe = found["provenance"]["probes"][side]
        assert probe["dialect"] == DIALECT[server.engine]
        assert probe["served_model"] == server.model
        assert probe["logprobs_temperature"] == "raw"
        assert probe["seed"] == "repeats"
        assert probe["structured_output"] == "json_schema"
        if server.engine == "vllm":
            assert probe["top_logprobs_max"] == 20
            assert probe["top_logprobs_limited"] is True
        else:
            assert probe["top_logprobs_max"] >= 20


def test_traces_are_split_from_answers(audited: tuple[EnginePair, RunReader, dict[str, Any]]) -> None:
    _, reader, _ = audited
    replies = [reply for _, side, reply in reader.replies() if side == "candidate"]
    assert any(reply.trace for reply in replies)
    for reply in replies:
        # Later on the tiny models write such marks as they write anything; at the start they would be a trace.
        assert not reply.answer.lstrip().startswith(("<think>", "</think>"))
        if reply.finish_reason == "length":
            assert reply.outcome in (Outcome.TRUNCATED, Outcome.EMPTY)


def test_every_bound_lies_below_the_exact_kl(
    audited: tuple[EnginePair, RunReader, dict[str, Any]], tiny_models: TinyModels
) -> None:
    pair, reader, found = audited
    drift = found["drift"]
    assert drift["protocol"] == "G"
    bounds = {row.prompt_id: row.kl for row in reader.all_pairs() if row.kl is not None}
    assert len(bounds) == drift["forward"]["kl_per_token"]["n"] == found["progress"]["pairs"]
    chats = {
        prompt.id: [{"role": message.role, "content": message.content} for message in prompt.messages]
        for prompt in reader.prompts()
    }
    exact = exact_logprobs(
        tiny_models,
        [chats[prompt_id] for prompt_id in bounds],
        names=[pair.baseline.model, pair.candidate.model],
        enable_thinking=True,
    )
    truth = [
        float(np.sum(np.exp(p) * (p - q)))
        for p, q in zip(exact.logprobs[pair.baseline.model], exact.logprobs[pair.candidate.model], strict=True)
    ]
    slack = ROUNDING[pair.baseline.engine]
    for bound, kl in zip(bounds.values(), truth, strict=True):
        assert -1e-9 <= bound <= kl + slack
    # The pair was trained apart: the bounds must show most of it, not only stay below.
    assert np.mean(truth) > 1e-3
    assert np.mean(list(bounds.values())) > 0.3 * np.mean(truth)


def _section(side: str, server: EngineServer) -> str:
    # llama-server renders the template with thinking switched off unless it is told otherwise.
    return f'[{side}]\nbase_url = "{server.base_url}"\nmodel = "{server.model}"\nreasoning = {{ enabled = true }}\n'


def _sides(pair: EnginePair) -> list[tuple[str, EngineServer]]:
    return [("baseline", pair.baseline), ("candidate", pair.candidate)]
