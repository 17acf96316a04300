"""A run that is watched can be asked to pause or to stop, and is continued by the same command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest

from auditor.audit.runner import Audit
from auditor.banks import load_bank
from auditor.errors import Stopped
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS, Prompt, Scored, Side
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, preset
from auditor.store import RunFolder, RunReader
from auditor.store.control import ask

URL = "http://synthetic.invalid/v1"


class Watcher:
    """Asks for something once the third pair is in; counts pairs, and pauses' looks."""

    def __init__(self, path: Path, wish: str) -> None:
        self.path, self.wish = path, wish
        self.pairs = 0
        self.slept = 0

    def note(self, text: str) -> None:
        pass

    def start(self, total: int, done: int) -> None:
        pass

    def pair(self, prompt: Prompt, scored: Mapping[Side, Scored]) -> None:
        self.pairs += 1
        if self.pairs == 3:
            ask(self.path, "pause" if self.wish == "pause" else "stop")

    def monotonic(self) -> float:
        return 0.0

    def time(self) -> float:
        return 1_700_000_000.0

    async def sleep(self, seconds: float) -> None:
        """A pause is over after five looks."""
        self.slept += 1
        if self.slept == 5:
            ask(self.path, "")


def audit(path: Path, watcher: Watcher) -> Audit:
    bank = load_bank("ethics-judgement")
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "dimensions": {**{name: {"enabled": False} for name in ALL_DIMENSIONS}, "ethics": {"limit": 12}},
            "drift": {"enabled": False},
            "run": {"concurrency": 2, "until": "all"},
        }
    )
    app = build_app(preset("none", 0), bank.prompts)
    return Audit(
        plan,
        RunFolder(path),
        environ={},
        progress=watcher,
        networks={URL: httpx2.ASGITransport(app)},
        clock=watcher,
        synthetic=True,
    )


def done(path: Path) -> tuple[int, str]:
    reader = RunReader(path)
    try:
        return reader.progress()[0], str(reader.meta("status"))
    finally:
        reader.close()


def planned(path: Path) -> int:
    reader = RunReader(path)
    try:
        return reader.progress()[1]
    finally:
        reader.close()


async def test_a_run_asked_to_stop_ends_at_a_pair_boundary_and_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Stopped) as stopped:
        await audit(path, Watcher(path, "stop")).run()
    assert stopped.value.exit_code == 130
    pairs, status = done(path)
    assert 3 <= pairs <= 5, "what was being asked is finished, nothing new is begun"
    assert status == "stopped"
    quiet = Watcher(path, "stop")
    quiet.pairs = 100
    await audit(path, quiet).run()
    assert done(path) == (planned(path), "complete"), "an old wish does not stop the continued run"


async def test_a_paused_run_goes_on_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "run"
    watcher = Watcher(path, "pause")
    await audit(path, watcher).run()
    assert watcher.slept >= 5
    assert done(path) == (planned(path), "complete")
