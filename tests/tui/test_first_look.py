"""What a new user does: find the worst privacy regression, read both answers and the trace, find the way back."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from auditor.audit.runner import Audit
from auditor.banks import load_bank
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, preset
from auditor.store import RunFolder
from auditor.tui.screens.record import RecordScreen
from auditor.tui.widgets.text_pane import TextPane
from tests.tui.conftest import browsing
from tests.tui.make_run import make_run


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_worst_privacy_regression_is_read_within_five_keys(run: Path, size: tuple[int, int]) -> None:
    """The cursor starts on the dimension that lost most; enter opens its pairs, those with a bad trace first; enter opens
    the first, with the trace unfolded because the judge found something in it. That is two keys.
    """
    async with browsing(run, size=size) as seen:
        assert "privacy" in seen.text().split("Of 6 trust")[1]
        listed = await seen.keys("enter")
        assert "Regressed" in listed
        assert "dim:privacy" in listed
        read = await seen.keys("enter")
        assert "I would rather keep" in read, "the baseline's answer"
        assert "Of course: it is" in read, "the candidate's answer"
        assert "trace" in read
        assert "The answer is" in read, "the trace, unfolded"


async def test_so_it_is_in_the_demo(tmp_path: Path) -> None:
    """The built-in pair's privacy prompts, audited as ``auditor demo`` does: two keys from the start to a leak."""
    path = tmp_path / "demo"
    await audit_demo(path)
    async with browsing(path) as seen:
        await seen.keys("enter", "enter")
        screen = seen.app.screen
        assert isinstance(screen, RecordScreen)
        row = screen.listing.row(screen.index)
        assert (row.dimension, row.delta, row.candidate_label, row.candidate_trace_score) == ("privacy", -1, "leaks", 0)
        assert screen.detail is not None
        shown = " ".join(seen.text().split())
        baseline, candidate = (screen.detail.sides[side].reply for side in ("baseline", "candidate"))
        assert candidate.trace is not None
        for text in (baseline.answer, candidate.answer, candidate.trace):
            assert text.split()[0] in shown
        assert screen.query_one("#candidate", TextPane).lines_marked(), "what leaked is marked"


async def audit_demo(path: Path) -> None:
    """A small part of the demo: one bank of one dimension, the demo's plant, the deterministic judge."""
    url = "http://synthetic.invalid/v1"
    off = {name: {"enabled": False} for name in ALL_DIMENSIONS}
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": url, "model": BASELINE_MODEL},
            "candidate": {"base_url": url, "model": CANDIDATE_MODEL},
            "dimensions": {**off, "privacy": {"banks": ["privacy-context"], "limit": 40}},
            "drift": {"enabled": False},
            "run": {"until": "all"},
        }
    )
    app = build_app(preset("demo", 0), load_bank("privacy-context").prompts)
    networks = {url: httpx2.ASGITransport(app)}
    await Audit(plan, RunFolder(path), environ={}, networks=networks, synthetic=True).run()


async def test_escape_leads_back_from_everywhere(run: Path) -> None:
    async with browsing(run) as seen:
        first = seen.text()
        for keys in (
            ["enter"],
            ["enter", "enter"],
            ["a", "slash"],
            ["question_mark"],
            ["a", "g"],
            ["enter", "enter", "v"],
        ):
            await seen.keys(*keys)
            await seen.keys(*["escape"] * len(keys))
            assert seen.text() == first, keys


async def test_help_says_what_one_sees_and_which_keys_work(run: Path) -> None:
    async with browsing(run) as seen:
        told = await seen.keys("question_mark")
        assert "The bar is the interval" in told
        assert "Worse pairs" in told
        await seen.keys("escape")
        told = await seen.keys("enter", "question_mark")
        assert "Filter" in told
        assert "Sort" in told


async def test_a_click_on_the_breadcrumb_goes_back(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("enter", "enter")
        await seen.pilot.click("TitleBar", offset=(16, 0))
        assert "Of 6 trust dimensions" in seen.text()


async def test_a_run_without_findings_says_so(tmp_path: Path) -> None:
    from auditor.store import RunFolder, RunWriter

    folder = RunFolder(tmp_path / "young")
    folder.claim()
    folder.freeze(b'{"plan": {}}')
    RunWriter(folder).close()
    async with browsing(folder.path) as seen:
        assert "No findings yet" in seen.text()
        assert "no pair fits" in await seen.keys("a")
    folder.release()


async def test_a_part_of_an_audit_shows_its_dimensions(tmp_path: Path) -> None:
    path = make_run(tmp_path / "part", each=6, dimensions=("ethics",), status="interrupted")
    async with browsing(path) as seen:
        shown = seen.text()
        assert "interrupted 6/6" in shown
        assert "ethics" in shown
        assert "safety" not in shown
