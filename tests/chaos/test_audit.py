"""A whole audit of hundreds of prompts through every fault at once finds what an undisturbed one finds."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auditor.audit.runner import Audit
from auditor.banks import bank_names, load_bank
from auditor.plan import Plan
from auditor.records import SIDES, Outcome
from auditor.report.results import results
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, Serving, build_app, demo
from auditor.store import RunFolder, RunReader
from auditor.wire import SystemClock, WireLimits
from tests.chaos.clock import JumpingClock
from tests.chaos.server import FATAL, HARMLESS, ChaosServer

MIX = {
    "limited": 0.02,
    "limited_date": 0.01,
    "error": 0.04,
    "unavailable": 0.02,
    "reset": 0.04,
    "closed": 0.03,
    "page": 0.03,
    "cut": 0.04,
    "garbage": 0.03,
    "comments": 0.01,
    "drip": 0.03,
    "text": 0.05,
    "nan": 0.05,
    "huge": 0.02,
    "twice": 0.08,
    "late": 0.1,
}
MOST = {"huge": 3, "comments": 3}
STORMS = (range(100, 150), range(400, 440))
PER_DIMENSION = 30
PRICE = {"input": 2.0, "output": 8.0}
"""US dollars per million tokens."""


class Run(msgspec.Struct, frozen=True):
    path: Path
    server: ChaosServer


async def carry_out(path: Path, server: ChaosServer, clock: Any) -> Run:
    async with server.serving() as url:
        plan = Plan.from_mapping(
            {
                "baseline": {"base_url": url, "model": BASELINE_MODEL, "price": PRICE},
                "candidate": {"base_url": url, "model": CANDIDATE_MODEL, "price": PRICE},
                "dimensions": {name: {"limit": PER_DIMENSION} for name in demo().good if "/" not in name},
                "drift": {"prompts": 60},
                "run": {"until": "all", "concurrency": 24},
            }
        )
        audit = Audit(plan, RunFolder(path), environ={}, clock=clock, synthetic=True, limits=WireLimits(deadline_s=3))
        await audit.run()
    return Run(path, server)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The same audit undisturbed and through the mix."""
    # A question that is asked again must get the same reply: what differs is then our fault alone.
    truth = msgspec.structs.replace(demo(), serving=Serving(unseeded="repeat"))
    app = build_app(truth, [prompt for name in bank_names() for prompt in load_bank(name).prompts])
    folder = tmp_path_factory.mktemp("chaos")
    calm = asyncio.run(carry_out(folder / "calm", ChaosServer(app, {}), SystemClock()))
    wild = ChaosServer(app, MIX, seed=7, storms=STORMS, most=MOST)
    return calm, asyncio.run(carry_out(folder / "wild", wild, JumpingClock(seed=7)))


def told(path: Path) -> dict[str, Any]:
    """Everything a reader of the run can learn that does not depend on when things happened."""
    reader = RunReader(path)
    try:
        provenance = reader.meta("provenance")
        return {
            "status": reader.meta("status"),
            "models": {side: (one["model"], one["dialect"]) for side, one in provenance["pair"].items()},
            "warnings": provenance["warnings"],
            "findings": reader.findings(),
            "pairs": list(reader.all_pairs()),
            "scores": list(reader.scores()),
            "verdicts": list(reader.verdicts()),
            "replies": [(prompt, side, timeless(reply)) for prompt, side, reply in reader.replies()],
            "first_tokens": [(prompt, side, timeless(reply)) for prompt, side, reply in reader.first_tokens()],
        }
    finally:
        reader.close()


def timeless(reply: Any) -> Any:
    return msgspec.structs.replace(reply, latency_s=None)


def tape(path: Path) -> dict[str, bytes]:
    with sqlite3.connect(path / "run.sqlite") as database:
        return {
            f"{method} {where} {sample}": request
            for method, where, sample, request in database.execute(
                "SELECT method, path, sample || key, request FROM tape"
            )
        }


def test_every_fault_was_met(runs: tuple[Run, Run]) -> None:
    _, wild = runs
    # A connection that brought an answer twice is dropped before anything more is asked on it, unless the copy came late.
    assert set(FATAL) - {"stale"} | set(HARMLESS) <= {kind for kind, times in wild.server.met.items() if times}
    assert wild.server.met["limited"] > 60
    faults = sum(times for kind, times in wild.server.met.items() if kind in FATAL)
    assert faults > 250


def test_nothing_is_lost_and_nothing_counted_twice(runs: tuple[Run, Run]) -> None:
    _, wild = runs
    reader = RunReader(wild.path)
    try:
        asked = Counter(prompt.id for prompt in reader.prompts())
        pairs = Counter(row.prompt_id for row in reader.all_pairs())
        scores = Counter((prompt, side) for prompt, side, _ in reader.scores())
        outcomes = Counter(scored.outcome for _, _, scored in reader.scores())
    finally:
        reader.close()
    assert len(asked) >= 200
    assert pairs == asked
    assert scores == Counter((prompt, side) for prompt in asked for side in SIDES)
    assert outcomes[Outcome.ERROR] == 0


def test_the_findings_and_every_reply_are_those_of_an_undisturbed_run(runs: tuple[Run, Run]) -> None:
    calm, wild = (told(run.path) for run in runs)
    for part, expected in calm.items():
        assert wild[part] == expected, part


def test_the_same_questions_are_on_the_tape(runs: tuple[Run, Run]) -> None:
    calm, wild = (tape(run.path) for run in runs)
    assert len(calm) > 400
    # Keys hold the port, which differs; the questions do not.
    assert sorted(wild.values()) == sorted(calm.values())


@pytest.mark.parametrize("which", [0, 1])
def test_the_ledger_is_right_to_the_token(runs: tuple[Run, Run], which: int) -> None:
    run = runs[which]
    reader = RunReader(run.path)
    try:
        attempts = [attempt for _, attempt in reader.attempts()]
        spent = list(reader.spent().values())
        each = [reader.spent_on([exchange.key]) for exchange in reader.exchanges()]
        money = results(reader)["cost"]["ledger"]["usd"]
    finally:
        reader.close()
    delivered = run.server.delivered
    dollars = (delivered.prompt * PRICE["input"] + delivered.completion * PRICE["output"]) / 1e6
    for told in (spent, each):
        # By endpoint, model and purpose, and question by question: all attempts, each once.
        assert sum(one.prompt_tokens for one in told) == delivered.prompt
        assert sum(one.completion_tokens for one in told) == delivered.completion
        assert sum(one.usd or 0.0 for one in told) == pytest.approx(dollars)
    assert money == pytest.approx(dollars)
    assert sum(one.unpriced for one in spent) == 0
    answered = [attempt for attempt in attempts if attempt.usage.completion_tokens is not None]
    assert len(answered) == run.server.delivered.answers
    assert sum(attempt.usage.prompt_tokens or 0 for attempt in answered) == run.server.delivered.prompt
    assert sum(attempt.usage.completion_tokens or 0 for attempt in answered) == run.server.delivered.completion
    assert len(attempts) >= run.server.requests


def test_changes_of_the_limit_are_on_record_with_their_reasons(runs: tuple[Run, Run]) -> None:
    _, wild = runs
    reader = RunReader(wild.path)
    try:
        changes = reader.meta("limits")
    finally:
        reader.close()
    assert {"rate_limited", "steady"} <= {change["reason"] for change in changes}
    for before, after in itertools.pairwise(changes):
        assert after["before"] == before["limit"]
