"""A run that is killed at any moment is continued by the same command: nothing lost, nothing paid twice but what was in
flight, and the same results as if nothing had happened.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from auditor.banks import bank_names, load_bank
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, Serving, build_app, demo
from tests.serve import served

CONCURRENCY = 4
FREE = 4
"""Questions of a probe about what this server does not have: a refusal costs nothing and is no answer to be kept."""
INTERRUPTED = 130


class Saboteur:
    """Counts the requests of a server and, at a chosen one, signals the process that asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests = 0
        self.fatal: int | None = None
        self.signal = signal.SIGKILL
        self.victim: subprocess.Popen[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.requests += 1
            if self.requests == self.fatal and self.victim is not None:
                os.kill(self.victim.pid, self.signal)
        await self.app(scope, receive, send)


def audit(saboteur: Saboteur, url: str, out: Path, *, after: int | None = None) -> tuple[int, str]:
    """Run the command; with ``after`` the process is signalled at that many further requests."""
    command = [sys.executable, "-m", "auditor", "run", "--out", str(out), "--limit", "5"]
    command += ["--baseline", f"{url}#{BASELINE_MODEL}", "--candidate", f"{url}#{CANDIDATE_MODEL}"]
    command += ["--judge", f"{url}#{JUDGE_MODEL}", "--concurrency", str(CONCURRENCY)]
    saboteur.fatal = None if after is None else saboteur.requests + after
    saboteur.victim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output, _ = saboteur.victim.communicate(timeout=120)
    return saboteur.victim.returncode, output


def results(run: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "auditor", "results", str(run), "--json"]
    found: dict[str, Any] = msgspec.json.decode(subprocess.run(command, capture_output=True, check=True).stdout)
    del found["cost"]["ledger"]  # tells the history of this run, which does differ
    for probed in found["provenance"]["probes"].values():
        probed.pop("latency_s", None)  # so does what a clock measured
    return found


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Saboteur, str]]:
    prompts = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
    # A request that is asked again after a kill must get the same reply: what differs is then our fault alone.
    truth = msgspec.structs.replace(demo(), serving=Serving(unseeded="repeat"))
    saboteur = Saboteur(build_app(truth, prompts))
    with served(saboteur) as url:
        yield saboteur, url


@pytest.fixture(scope="module")
def undisturbed(pair: tuple[Saboteur, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    saboteur, url = pair
    before = saboteur.requests
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    code, output = audit(saboteur, url, out)
    assert code == 0, output
    return results(out), saboteur.requests - before


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_points(
    pair: tuple[Saboteur, str], undisturbed: tuple[dict[str, Any], int], tmp_path: Path, seed: int
) -> None:
    saboteur, url = pair
    expected, calls = undisturbed
    rng = random.Random(seed)
    before, kills = saboteur.requests, 0
    out = tmp_path / "run"
    while True:
        code, output = audit(saboteur, url, out, after=rng.randint(1, calls // 5))
        if code == 0:
            break
        assert code == -signal.SIGKILL, output
        kills += 1
    assert kills >= 3
    assert results(out) == expected
    assert saboteur.requests - before <= calls + kills * (CONCURRENCY + FREE)


def test_ctrl_c_leaves_a_run_that_can_be_continued(
    pair: tuple[Saboteur, str], undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    saboteur, url = pair
    saboteur.signal = signal.SIGINT
    out = tmp_path / "run"
    try:
        code, output = audit(saboteur, url, out, after=undisturbed[1] // 2)
    finally:
        saboteur.signal = signal.SIGKILL
    assert code == INTERRUPTED, output
    assert "run the same command to continue" in output
    assert results(out)["status"] == "interrupted"
    assert 0 < results(out)["progress"]["pairs"] < results(out)["progress"]["planned"]
    code, output = audit(saboteur, url, out)
    assert code == 0, output
    assert results(out) == undisturbed[0]
