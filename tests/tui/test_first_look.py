"""What a new user does: find the worst privacy regression, read both answers and the trace, find the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

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
