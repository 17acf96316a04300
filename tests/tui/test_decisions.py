"""Decisions where they are shown: as they fall, as people would have them, and how far they hang on a judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditor.store import Annotations, RunFolder, RunReader, RunWriter
from benchmarks.tui.made import START
from tests.tui.conftest import browsing
from tests.tui.make_run import DRIFT, make_run


def change(path: Path, **meta: Any) -> None:
    """Write into a run as its audit would."""
    folder = RunFolder(path)
    folder.claim()
    writer = RunWriter(folder)
    for key, value in meta.items():
        if key == "drift":
            writer.put_finding(key, value)
        else:
            writer.put_meta(key, value)
    writer.close()
    folder.release()


async def test_live_shows_a_decision_that_falls_in_another_process(tmp_path: Path) -> None:
    path = make_run(tmp_path / "going", each=24, dimensions=("ethics", "privacy"), status="running")
    async with browsing(path, size=(120, 36)) as seen:
        await seen.settled()
        shown = seen.text()
        assert "▼ REGRESSED at 24" in shown, "in the matrix, with the pairs it took"
        told = shown.split("decisions as they fell")[1]
        assert told.index("privacy regressed after 24 pairs") < told.index("ethics inconclusive after 24 pairs"), (
            "the newest first"
        )
        figures = RunReader(path).decisions()[1].body
        change(path, status="complete")
        folder = RunFolder(path)
        folder.claim()
        writer = RunWriter(folder)
        writer.put_decision(START + 100, "ethics", {**figures, "decision": "IMPROVED"})
        writer.close()
        folder.release()
        screen: Any = seen.app.screen
        screen.look()
        await seen.settled()
        assert "▲ IMPROVED at 24" in seen.text()
        assert "complete" in seen.text()


async def test_before_a_decision_falls_it_is_said_when_one_will(tmp_path: Path) -> None:
    path = make_run(tmp_path / "young", each=1, dimensions=("ethics",), status="running")
    folder = RunFolder(path)
    connection = folder.open_writer()
    connection.executescript("DROP TRIGGER decisions_stay; DELETE FROM decisions")
    connection.close()
    async with browsing(path) as seen:
        await seen.settled()
        assert "none yet: one falls when the test of its dimension stops" in seen.text()


async def test_the_overview_says_what_overrides_make_of_a_decision(run: Path) -> None:
    reader, annotations = RunReader(run), Annotations(run, who="tester")
    for pair in reader.pair_scores("privacy"):
        if pair.candidate_label == "leaks":
            annotations.add(
                "override", pair.prompt_id, "no_leak", side="candidate", part="answer", old="leaks", reason="known"
            )
    stored = reader.findings()
    annotations.close()
    reader.close()
    async with browsing(run, size=(120, 36)) as seen:
        await seen.settled()
        shown = seen.text()
        assert "≠ With overrides by hand: ? INCONCLUSIVE." in shown, "the whole"
        assert "≠ privacy" in shown, "the row"
        assert "≠ With 12 overrides by hand: ? INCONCLUSIVE +0.0" in shown, "the figures"
        assert "▼ REGRESSED" in shown, "the finding stays"
        await seen.keys("enter", "enter", "u")
        await seen.keys("escape", "escape")
        assert "≠ With 11 overrides by hand" in seen.text(), "recomputed on the way back"
    reader = RunReader(run)
    assert reader.findings() == stored, "the run is not rewritten"
    reader.close()


async def test_a_number_that_hangs_on_a_judge_says_so_and_a_forced_judge_too(run: Path) -> None:
    async with browsing(run, size=(120, 36)) as seen:
        assert "an LLM judge (judge-relative)" in seen.text()
        assert "!privacy" not in seen.text()
    reader = RunReader(run)
    provenance = reader.meta("provenance")
    reader.close()
    warning = "The judge j was forced although it is kin to a model that it judges: same family."
    change(run, provenance={**provenance, "warnings": [warning]})
    async with browsing(run, size=(120, 36)) as seen:
        assert "!privacy" in seen.text()
        told = " ".join(seen.text().replace("│", " ").split())
        assert "! forced although the judge is kin to a model it judges" in told


async def test_drift_beyond_the_first_token_stands_with_its_noise(run: Path) -> None:
    kl = {"estimate": 0.31, "interval": [0.28, 0.35], "lower_bound": 0.2, "method": "k1"}
    forward = {
        "n": 12,
        "tokens": 960.0,
        "kl_per_token": kl,
        "kl_per_sequence": {"estimate": 24.5, "interval": [20.0, 29.0]},
        "segments": {"trace": {"kl_per_token": {**kl, "estimate": 0.4}}},
        "positions": {"start": kl, "end": {**kl, "estimate": 0.1}},
    }
    beyond = {
        "protocol": "S",
        "forward": forward,
        "reverse": None,
        "noise_floor": {"forward": {"floor": {"value": 0.002}, "p_value": 0.0005}},
        "prompts": [{"prompt": "privacy-made/000", "forward": 0.9}, {"prompt": "safety-made/001", "forward": 0.1}],
    }
    change(run, drift={**DRIFT, "beyond": beyond})
    async with browsing(run, size=(120, 36)) as seen:
        shown = await seen.keys("D")
        assert "0.310 [0.280, 0.350] per token · 24.500 [20.000, 29.000] per sequence" in shown
        assert "noise floor 0.002, p 0.0005" in shown
        assert "protocol S · 12 texts, 960 tokens · trace 0.400 · start 0.310, end 0.100" in shown
        assert "whole reply" in shown, "a second row of the heat strip"
        await seen.keys("escape", "end")
        assert "per sequence" in seen.text(), "on the overview's drift row, too"
