"""No text of a model steers the terminal, runs an action or stops the program: every widget, every exit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from auditor.records import (
    Attempt,
    Message,
    Outcome,
    Prompt,
    Reply,
    Scored,
    Side,
    TokenLogprob,
    TokenLogprobs,
    TokenPosition,
    Verdict,
)
from auditor.report.plain import harmless, one_line
from auditor.store import Annotations, RunFolder, RunReader, RunWriter
from auditor.tui.export import FORMATS, cell, export
from auditor.tui.listing import Filter, Listing
from auditor.tui.screens.record import RecordScreen
from auditor.tui.wrap import Block, wrap
from benchmarks.tui.made import Seen, finding
from tests.tui.conftest import browsing
from tests.tui.hostile import ATTACKS, FORBIDDEN
from tests.tui.make_run import secondary

TEXTS = [text.encode("utf-8", "replace").decode() for text in ATTACKS.values()]
"""What can stand in a run: a lone surrogate can't be stored, it is tested by itself."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which everything a model or a server can write is an attack."""
    folder = RunFolder(tmp_path_factory.mktemp("hostile") / "run")
    folder.claim()
    folder.freeze(b'{"plan": {}}')
    writer = RunWriter(folder)
    prompts = []
    for number, text in enumerate(TEXTS):
        expect: dict[str, Any] = {"secrets": [text[:40]]}
        messages = (Message("system", text), Message("user", text))
        prompts.append(Prompt(f"p/{number} {text[:30]}", "privacy", text[:20], text[:20], messages, expect=expect))
    writer.put_prompts(prompts)
    rows: list[Seen] = []
    for seq, (one, text) in enumerate(zip(prompts, TEXTS, strict=True)):
        tokens = (TokenLogprob(text[:20], -0.1, raw=text[:20].encode()), TokenLogprob("a", -2.0))
        first = Reply(text[:10], logprobs=TokenLogprobs((TokenPosition(tokens[0], tokens),)))
        reply = Reply(text, trace=text, finish_reason=text[:30], detail=text, logprobs=first.logprobs)
        good = Scored(Outcome.ANSWERED, text[:25], 1.0, text[:25], 1.0, detail=text, judge_kind="llm")
        bad = Scored(Outcome.ANSWERED, text[:24], 0.0, text[:25], 0.0, detail=text, judge_kind="llm")
        verdict = Verdict("leak", text[:9], text, "llm", "answer", text[:20], 0.0, text, text, text, text)
        replies: dict[Side, Reply] = {"baseline": reply, "candidate": reply}
        verdicts: dict[Side, tuple[Verdict, ...]] = {"baseline": (verdict,), "candidate": (verdict,)}
        writer.put_pair(seq, one, replies, {"baseline": good, "candidate": bad}, verdicts)
        writer.put_first_token(one.id, "baseline", first)
        writer.put_first_token(one.id, "candidate", first)
        writer.put_attempt(1_700_000_000.0, Attempt(text, text[:20], 500, 0.1, error=text))
        rows.append(Seen(one.unit, good.score, bad.score, bad.trace_score))
    writer.put_drift({one.id: 0.5 for one in prompts})
    writer.put_finding("privacy", finding(rows, secondary(len(rows)) | {"title": TEXTS[20]}))
    pair = {side: {"endpoint": TEXTS[0], "base_url": TEXTS[0], "model": TEXTS[0]} for side in ("baseline", "candidate")}
    judge = {"name": TEXTS[20], "kind": "llm"}
    writer.put_meta("provenance", {"synthetic": False, "pair": pair, "judge": judge, "warnings": TEXTS})
    writer.put_meta("status", "complete")
    writer.close()
    folder.release()
    return folder.path


def painted(app: Any) -> str:
    """The texts of all segments on screen, as they would go to the terminal."""
    console = Console(width=app.size.width, height=app.size.height, file=io.StringIO(), color_system=None)
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    return "".join(
        segment.text
        for segment in console.render(update)
        if not segment.control and not segment.text.startswith("\x1b")
    )


WALKS = {
    "overview": [],
    "traces": ["t"],
    "drift row": ["end"],
    "records": ["a"],
    "groups": ["a", "g"],
    "filter box": ["a", "slash"],
    "help": ["a", "question_mark"],
    "drift": ["D"],
    "live": ["L"],
    "runs": ["R"],
    "label": ["B"],
    "tokens": ["a", "enter", "k"],
    "request": ["a", "enter", "i"],
    "override": ["a", "enter", "o"],
    "comment": ["a", "enter", "c"],
    "jump": ["a", "ctrl+o"],
    "palette": ["ctrl+p"],
    "export": ["a", "e"],
}


@pytest.mark.parametrize("keys", WALKS.values(), ids=WALKS)
async def test_no_screen_lets_an_attack_through(hostile: Path, keys: list[str], tmp_path: Path) -> None:
    async with browsing(hostile, size=(100, 30)) as seen:
        await seen.keys(*keys)
        assert seen.app.is_running
        text = painted(seen.app)
        assert not FORBIDDEN & set(text), [hex(ord(c)) for c in FORBIDDEN & set(text)]


async def test_every_attack_can_be_read_side_by_side(hostile: Path) -> None:
    """Each record in turn, with everything unfolded."""
    async with browsing(hostile, size=(80, 24)) as seen:
        await seen.keys("a", "enter", "v")
        screen = seen.app.screen
        assert isinstance(screen, RecordScreen)
        for _ in TEXTS:
            text = painted(seen.app)
            assert not FORBIDDEN & set(text)
            screen.action_walk(1)
            await seen.pilot.pause()
        assert seen.app.is_running
        await seen.keys("d")
        assert not FORBIDDEN & set(painted(seen.app))


async def test_a_click_on_markup_of_a_model_does_nothing(hostile: Path) -> None:
    async with browsing(hostile, size=(80, 24)) as seen:
        await seen.keys("a")
        for row in (3, 9, 14):
            await seen.pilot.click(offset=(40, row))
            await seen.settled()
            assert seen.app.is_running
            await seen.keys("escape")
            if len(seen.app.screen_stack) == 2:
                await seen.keys("a")


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_harmless_text_has_nothing_forbidden_and_keeps_its_length(text: str) -> None:
    clean = harmless(text)
    assert not (FORBIDDEN - {"\t"}) & set(clean)
    assert len(clean) == len(text)
    assert harmless(clean) == clean
    clean.encode()


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_wrapped_lines_fit_and_lose_nothing(text: str) -> None:
    for width in (11, 40):
        lines = wrap(Block(text), width)
        assert all(cell_len(line.text) <= width for line in lines)
        whole = "".join(line.text for line in lines)
        assert whole.replace(" ", "") == harmless(text).replace("\n", "").replace("\t", "").replace(" ", "")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_at_all_is_made_harmless(text: str) -> None:
    assert not (FORBIDDEN - {"\t"}) & set(harmless(text))
    assert not (FORBIDDEN | {"\n"}) & set(one_line(text, 50))
    assert all(not FORBIDDEN & set(line.text) for line in wrap(Block(text), 20))


@pytest.mark.parametrize("kind", FORMATS)
def test_exports_are_harmless_in_their_format(hostile: Path, kind: str, tmp_path: Path) -> None:
    reader = RunReader(hostile)
    notes = Annotations(hostile)
    path = tmp_path / f"pairs.{kind}"
    assert export(reader, Listing(reader, Filter()), path) == len(TEXTS)
    text = path.read_bytes().decode()
    assert not (FORBIDDEN - {"\t", "\r"}) & set(text)
    if kind == "html":
        assert "<script" not in text.lower()
        assert "<img" not in text.lower()
        assert "default-src 'none'" in text
    notes.close()
    reader.close()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "|x", "%x"])
def test_a_spreadsheet_reads_no_formula(text: str) -> None:
    assert cell(text).startswith("'")
    assert cell(-0.5) == "-0.5", "numbers stay numbers"


def test_the_plain_table_is_harmless(hostile: Path) -> None:
    from auditor.report.results import results
    from auditor.report.table import show

    reader = RunReader(hostile)
    out = io.StringIO()
    show(results(reader), Console(file=out, width=100, no_color=True, highlight=False))
    reader.close()
    assert not FORBIDDEN & set(out.getvalue())
