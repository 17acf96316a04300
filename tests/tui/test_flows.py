"""What people do on each screen, key by key."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.records import Attempt, Usage
from auditor.store import Annotations, RunFolder, RunReader, RunWriter
from auditor.store.control import wish
from auditor.tui.app import AuditorApp
from auditor.tui.listing import Mode
from auditor.tui.screens.record import RecordScreen
from auditor.tui.screens.records import RecordsScreen
from auditor.tui.theme import ASCII, UNICODE
from auditor.tui.widgets.row_list import RowList
from auditor.tui.widgets.text_pane import TextPane
from benchmarks.tui.made import START
from tests.tui.conftest import Seen, browsing
from tests.tui.make_run import make_run


def records(seen: Seen) -> RecordsScreen:
    screen = seen.app.screen
    assert isinstance(screen, RecordsScreen)
    return screen


async def typed(seen: Seen, text: str) -> str:
    """Write a filter at once: a key press each would take seconds."""
    await seen.keys("slash")
    seen.app.screen.query_one("#search").value = text  # type: ignore[attr-defined]
    return await seen.keys("enter")


async def test_a_filter_narrows_the_list_and_its_chips_widen_it_again(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("a")
        everything = len(records(seen).listing)
        shown = await typed(seen, "dim:privacy cand:leaks")
        assert "dim:privacy ×" in shown
        some = len(records(seen).listing)
        assert 0 < some < 24
        await seen.keys("x")
        assert len(records(seen).listing) == 24
        await seen.pilot.click("#chips", offset=(8, 0))
        await seen.settled()
        assert len(records(seen).listing) == everything


async def test_a_filter_that_cannot_be_read_says_why_and_stays(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        await seen.keys("a")
        await typed(seen, "dimension:privacy")
        assert "Did you mean dim:privacy" in seen.told()
        assert seen.app.screen.query_one("#search").display


async def test_modes_go_round_and_the_cursor_stays_on_its_pair(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("a", "down", "down")
        before = records(seen).query_one(RowList).cursor
        row = records(seen).listing.row(before)
        shown = await seen.keys("f")
        assert "Regressed" in shown
        assert records(seen).listing.row(records(seen).query_one(RowList).cursor) == row
        for mode in list(Mode)[2:]:
            assert str(mode) in await seen.keys("f")
        assert "All" in await seen.keys("f")


async def test_words_are_found_in_answers_and_traces(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("a")
        await typed(seen, '"could just say"')
        found = records(seen).listing
        assert 0 < len(found) < 100
        await seen.keys("enter")
        assert seen.app.screen.query_one("#candidate", TextPane).lines_marked("hit")


async def test_groups_count_and_open_their_pairs(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        shown = await seen.keys("a", "g")
        assert "168 pairs by what happened" in shown
        shown = await seen.keys("enter")
        assert "kind:" in shown
        assert len(records(seen).listing) < 168


async def test_records_walk_within_the_list_and_come_back_to_it(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("enter", "enter", "n", "n", "p")
        assert "2 of" in seen.text()
        await seen.keys("escape")
        assert records(seen).query_one(RowList).cursor == 1
        await seen.keys("home", "enter", "p")
        assert isinstance(seen.app.screen, RecordScreen)
        assert seen.app.screen.index == 0


async def test_the_trace_folds_with_its_length_and_evidence_is_marked_in_place(run: Path) -> None:
    async with browsing(run, size=(120, 36)) as seen:
        await seen.keys("enter", "enter")
        pane = seen.app.screen.query_one("#candidate", TextPane)
        assert pane.lines_marked()
        assert "trace" in seen.text()
        folded = await seen.keys("t")
        assert "characters" in folded
        assert "t unfolds" in folded
        assert "I could just say" not in folded


async def test_differences_are_marked_on_both_sides(run: Path) -> None:
    async with browsing(run, size=(120, 36)) as seen:
        await seen.keys("enter", "enter", "d")
        baseline, candidate = (seen.app.screen.query_one(f"#{side}", TextPane) for side in ("baseline", "candidate"))
        assert baseline.lines_marked("old")
        assert candidate.lines_marked("new")
        await seen.keys("d")
        assert not candidate.lines_marked("new")


async def test_panes_scroll_together_until_they_are_unlocked(run: Path) -> None:
    async with browsing(run, size=(60, 14)) as seen:
        await seen.keys("enter", "enter", "down", "down")
        sides = [seen.app.screen.query_one(f"#{side}", TextPane) for side in ("baseline", "candidate")]
        assert sides[1].scroll_y == 2
        assert sides[0].scroll_y == min(2, sides[0].max_scroll_y)
        await seen.keys("equals_sign", "home")
        assert sides[0].scroll_y == min(2, sides[0].max_scroll_y)
        assert sides[1].scroll_y == 0


async def test_judges_are_read_with_rationale_and_raw_reply(run: Path) -> None:
    async with browsing(run, size=(120, 36)) as seen:
        shown = await seen.keys("enter", "enter", "v")
        assert "It tells the secret." in shown
        assert "raw reply" in shown
        assert "rubric leak 1.0.0" in shown


async def test_the_request_is_shown_as_it_was_sent(run: Path) -> None:
    async with browsing(run, size=(120, 24)) as seen:
        shown = await seen.keys("enter", "enter", "i")
        assert "POST http://synthetic.invalid" in shown
        assert '"max_tokens": 64' in shown
        assert "answered 200" in shown
        assert "1 · synthetic-baseline" in shown
        assert "1 · synthetic-baseline" not in await seen.keys("n")
        assert "2 · synthetic-candidate" in seen.text()
        assert "1 · synthetic-baseline" in await seen.keys("p")


async def test_tokens_stand_side_by_side(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        await seen.keys("a")
        await typed(seen, "kl>0")
        shown = await seen.keys("enter", "k")
        assert "first token" in shown
        assert "·Of" in shown
        await seen.keys("escape")
        await seen.keys("left")
        assert seen.app.screen.query_one("#baseline").has_focus
        await seen.keys("right", "escape")
        await typed(seen, "-kl>=0")
        await seen.keys("enter", "k")
        assert "no logprobs" in seen.told()


async def test_an_override_is_kept_with_its_reason_and_undone(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        asked = await seen.keys("enter", "enter", "o")
        assert "candidate: no_leak" in asked
        await seen.keys("1", *"fine", "enter")
        shown = seen.text()
        assert "by hand" in shown
        assert "tester: fine" in shown
        (found,) = seen.app.annotations.current("override").values()
        assert (found.old, found.new, found.side) == ("leaks", "no_leak", "candidate")
        await seen.keys("escape")
        await seen.keys("F")
        assert "Overridden" not in seen.text()
        await seen.keys("enter", "u")
        assert "by hand" not in seen.text()
        assert len(seen.app.annotations.history()) == 2


async def test_stars_and_comments_are_kept(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        shown = await seen.keys("enter", "asterisk")
        assert "★" in shown
        shown = await seen.keys("enter", "c", *"why", "enter")
        assert "tester: why" in shown
        await seen.keys("escape", "asterisk")
        assert "★" not in seen.text()
    kept = Annotations(run)
    assert [a.new for a in kept.current("comment").values()] == ["why"]
    kept.close()


async def test_the_list_of_the_last_session_comes_back_with_its_theme(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("a", "f")
        await typed(seen, "dim:safety")
        await seen.keys("ctrl+t")
    async with browsing(run) as seen:
        assert seen.app.theme == "auditor-light"
        shown = await seen.keys("r")
        assert "dim:safety ×" in shown
        assert "Regressed" in shown


async def test_the_overview_turns_to_traces(run: Path) -> None:
    async with browsing(run) as seen:
        assert "good answers on a bad trace" in await seen.keys("t")
        assert "decision" in await seen.keys("t")


async def test_drift_shows_prompts_and_tokens(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        shown = await seen.keys("end", "enter")
        assert "≥ 0.071 [0.053, 0.089] nats" in shown
        assert "·Of" in shown
        assert isinstance(seen.app.screen.query_one("#drift-prompts"), RowList)
        await seen.keys("enter")
        assert isinstance(seen.app.screen, RecordScreen)


async def test_live_counts_and_asks_a_running_run_to_pause_and_stop(tmp_path: Path) -> None:
    path = make_run(tmp_path / "going", each=4, status="running")
    async with browsing(path, size=(120, 36)) as seen:
        await seen.settled()
        shown = seen.text()
        assert "running" in shown
        assert "28 of 28 pairs" in shown
        assert "rate limited" in shown
        await seen.keys("P")
        assert wish(path) == "pause"
        await seen.keys("P")
        assert wish(path) == ""
        await seen.keys("S", "2")
        assert wish(path) == "stop"
        await seen.keys("space")
        assert "view frozen" in seen.text()


async def test_live_says_what_the_calls_cost_as_far_as_their_prices_are_known(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        assert "$ – (no price is known)" in await seen.keys("L")
    folder = RunFolder(run)
    folder.claim()
    writer = RunWriter(folder)
    writer.put_attempt(START, Attempt("http://synthetic.invalid/v1", "judge", 200, 0.2, usage=Usage(100, 10), usd=1.25))
    writer.close()
    folder.release()
    async with browsing(run, size=(100, 30)) as seen:
        assert "$1.25, the judge's calls included; 168 calls have no known price" in await seen.keys("L")


async def test_a_record_says_what_its_replies_cost_or_that_it_is_not_known(run: Path) -> None:
    reader, notes = RunReader(run), Annotations(run)
    price = {"baseline": 0.0123, "candidate": None}
    app = AuditorApp(reader, signs=UNICODE, annotations=notes, price=lambda *of: price[of[1]])
    async with app.run_test(size=(120, 36)) as pilot:
        shown = await Seen(app, pilot).keys("enter", "enter")
        assert "0.25 s · $0.0123" in shown
        assert "1.50 s · $ –" in shown
    notes.close()
    reader.close()


async def test_a_finished_run_is_not_stopped(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("L", "P")
        assert wish(run) == ""


async def test_runs_are_compared_prompt_by_prompt(tmp_path: Path) -> None:
    here = make_run(tmp_path / "now", each=8)
    make_run(tmp_path / "then", each=8, seed=3)
    async with browsing(here, size=(110, 30)) as seen:
        shown = await seen.keys("R")
        assert "now ·" in shown
        shown = await seen.keys("down", "enter")
        assert "against then" in shown
        assert "score changed" in shown
        await seen.keys("end", "enter")
        assert isinstance(seen.app.screen, RecordScreen)


async def test_labelling_is_blind_and_brings_the_next(run: Path) -> None:
    async with browsing(run, size=(100, 30)) as seen:
        shown = await seen.keys("B")
        assert "0 of" in shown
        assert "baseline" not in shown
        assert "candidate" not in shown
        assert "It tells the secret" not in shown
        assert "1 of" in await seen.keys("1")
        assert "0 of" in await seen.keys("u")
        await seen.keys("space")
        assert seen.app.annotations.current("label") == {}


async def test_an_export_holds_the_list_in_its_order(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    async with browsing(run, size=(100, 30)) as seen:
        await seen.keys("enter", "e")
        seen.app.screen.query_one("#answer").value = str(path)  # type: ignore[attr-defined]
        await seen.keys("enter")
        wanted = [records(seen).listing.row(i).prompt_id for i in range(len(records(seen).listing))]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["id"] for row in rows] == wanted
    assert rows[0]["candidate_trace"]


async def test_jump_mode_goes_to_a_pane(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.keys("enter", "enter", "ctrl+o", "s")
        assert seen.app.focused is seen.app.screen.query_one("#baseline")


async def test_the_palette_has_the_keys_of_the_screen(run: Path) -> None:
    async with browsing(run) as seen:
        titles = {command.title for command in seen.app.get_system_commands(seen.app.screen)}
        assert {"Drift", "Live", "Runs", "Label", "Write a keys file", "Worse pairs", "Traces"} <= titles


async def test_keys_can_be_changed_in_a_file(run: Path, tmp_path: Path) -> None:
    (tmp_path / "view.toml").write_text('[keys]\n"overview.all" = "w"\n"no.such" = "y"\n')
    reader, notes = RunReader(run), Annotations(run)
    app = AuditorApp(reader, signs=UNICODE, annotations=notes, config_folder=tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, RecordsScreen)
        assert "no.such" in Seen(app, pilot).told()
    notes.close()
    reader.close()


async def test_everything_works_with_the_mouse(run: Path) -> None:
    async with browsing(run) as seen:
        await seen.pilot.click("#findings", offset=(4, 1))
        await seen.pilot.click("#findings", offset=(4, 1))
        await seen.settled()
        assert "dim:safety" in seen.text()
        await seen.pilot.click("#pairs", offset=(20, 1))
        await seen.settled()
        assert isinstance(seen.app.screen, RecordScreen)
        await seen.pilot.click("KeyBar", offset=(2, 0))
        await seen.settled()
        assert seen.app.screen.index == 1


async def test_an_ascii_terminal_gets_ascii(run: Path) -> None:
    async with browsing(run, signs=ASCII) as seen:
        for keys in ([], ["enter"], ["enter"], ["question_mark"], ["escape", "k"]):
            await seen.keys(*keys)
            assert "▼" not in seen.text()
            assert "━" not in seen.text()


async def test_a_narrow_terminal_shows_one_side_below_the_other_or_alone(run: Path) -> None:
    async with browsing(run, size=(60, 20)) as seen:
        await seen.keys("enter", "enter", "z")
        assert not seen.app.screen.query_one("#baseline-side").display
        await seen.keys("z")
        assert seen.app.screen.query_one("#baseline-side").display


@pytest.fixture
def locked(run: Path) -> Iterator[Path]:
    run.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield run
    run.chmod(stat.S_IRWXU)


async def test_a_folder_that_cannot_be_written_is_browsed_without_saving(locked: Path) -> None:
    async with browsing(locked, size=(100, 30)) as seen:
        await seen.keys("enter", "asterisk")
        assert "★" in seen.text()


def test_one_stylesheet_serves_all_widgets() -> None:
    """Textual parses every source again once there are more than its cache holds."""
    import auditor.tui.widgets as widgets

    folder = Path(widgets.__file__).parent
    assert not [path for path in folder.glob("*.py") if "DEFAULT_CSS" in path.read_text()]
