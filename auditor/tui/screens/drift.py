"""How far the candidate drifted at the first token: over all prompts, prompt by prompt, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.worker import get_current_worker

from auditor.records import Reply, Side
from auditor.report.plain import one_line
from auditor.store import RunReader
from auditor.tui.axis import Piece, share_bar
from auditor.tui.listing import Filter, Listing, Sort
from auditor.tui.query import parse
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.summary import drift_line, nats, percent
from auditor.tui.theme import Glyphs
from auditor.tui.tokens import Moved, moved, quantiles
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block, Span

MOST_PROMPTS = 4000


class DriftPrompts(RowList):
    """Prompts by drift."""

    def __init__(self, listing: Listing, most: float, glyphs: Glyphs) -> None:
        super().__init__(id="drift-prompts")
        self.listing = listing
        self._most = most or 1.0
        self.signs = glyphs

    def count(self) -> int:
        """Prompts with a measured drift."""
        return len(self.listing)

    def empty(self) -> str:
        """Said when nothing was measured."""
        return "no prompt has logprobs from both endpoints"

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        return [(fit("    KL ≥", 19) + fit("dimension", 11) + "prompt", "")]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A prompt."""
        row = self.listing.row(index)
        kl = row.kl or 0.0
        return [
            (f" {kl:7.3f} ", "row--strong"),
            (share_bar(kl / self._most, 9, self.signs) + " ", "row--accent"),
            (fit(row.dimension, 11), "row--muted"),
            (one_line(row.preview, max(width - 30, 0)), ""),
        ]


class MovedTokens(RowList):
    """Tokens whose probability moved."""

    def __init__(self) -> None:
        super().__init__(id="moved")
        self.rows: list[Moved] = []

    def count(self) -> int:
        """Tokens."""
        return len(self.rows)

    def empty(self) -> str:
        """While they are counted."""
        return "counting…"

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        return [
            (fit(" token", max(width - 21, 8)) + fit("from", 5, right=True) + fit("to", 6, right=True) + "   in", "")
        ]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A token."""
        row = self.rows[index]
        style = "row--better" if row.shift > 0 else "row--worse"
        return [
            (" " + fit(row.token, max(width - 22, 7)), "row--strong"),
            (fit(percent(row.baseline), 5, right=True), "row--muted"),
            (fit(percent(row.candidate), 6, right=True), style),
            (fit(str(row.prompts), 5, right=True), "row--muted"),
        ]


class DriftScreen(AuditorScreen):
    """Quantiles, a strip with a cell per prompt, the prompts that drifted most, the tokens that moved."""

    NAME = "drift"
    ABOUT = (
        "Drift at the first token. Every number is a lower bound in nats: from the top of a list of tokens one can prove that"
        " the models differ by at least this much. The strip has one cell per prompt in the order they were asked; the"
        " darker, the further. Left the prompts that drifted most (enter reads one), right the tokens whose probability"
        " moved most over all prompts, with their mean on both sides and the number of prompts that returned them."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read", id="drift.open"),
        Binding("tab", "app.focus_next", "Other list", id="drift.other"),
    ]

    def compose(self) -> ComposeResult:
        """Build the screen."""
        reader = self.browser.reader
        measured = Filter(sort=Sort.DRIFT, terms=parse("kl>=0"))
        self.listing = self.browser.listing(measured)
        asked = self.browser.listing(measured._replace(sort=Sort.SCHEDULE))
        self.values = [row.kl or 0.0 for row in reader.pairs(asked.ids[:MOST_PROMPTS]).values()]
        yield self.title_bar()
        yield TextPane(id="drift-summary")
        with Horizontal(id="drift-lists"):
            yield DriftPrompts(self.listing, max(self.values, default=0.0), self.browser.signs)
            yield MovedTokens()
        yield KeyBar()

    def on_mount(self) -> None:
        """Draw the strip; count tokens in the background."""
        pane = self.query_one("#drift-summary", TextPane)
        pane.can_focus = False
        pane.show(self._summary())
        pane.styles.height = min(pane.natural_height(self.size.width - 2), max(self.size.height // 3, 4))
        self.query_one(DriftPrompts).focus()
        self.run_worker(self._count, thread=True, group="tokens")

    def action_open(self) -> None:
        """Read the prompt under the cursor."""
        self.query_one(DriftPrompts).action_open()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Read it."""
        if isinstance(event.rows, DriftPrompts):
            self.browser.open_record(self.listing, event.index)

    def _summary(self) -> list[Block]:
        blocks = [Block(drift_line(self.browser.summary.drift))]
        marks = quantiles(self.values)
        if not marks:
            return blocks
        told = ", ".join(f"{name} {nats(v)}" for name, v in zip(("10%", "half", "90%", "most"), marks, strict=True))
        blocks.append(Block(f"Prompts, lower bounds up to: {told} nats.", "note"))
        levels = [sum(value > mark for mark in marks[:3]) + 1 for value in self.values]
        cells = "".join(self.browser.signs.levels[level * 2] for level in levels)
        spans = tuple(Span(i, i + 1, f"kl{level}") for i, level in enumerate(levels))
        return [*blocks, Block(cells, "", spans)]

    def _count(self) -> None:
        worker = get_current_worker()
        reader = RunReader(self.browser.reader.path)
        both: dict[str, dict[Side, Reply]] = {}
        try:
            for prompt_id, side, reply in reader.first_tokens():
                both.setdefault(prompt_id, {})[side] = reply
                if worker.is_cancelled or len(both) > MOST_PROMPTS:
                    break
        finally:
            reader.close()
        rows = moved(both.values())
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show, rows)

    def _show(self, rows: list[Moved]) -> None:
        if self.is_mounted:
            table = self.query_one(MovedTokens)
            table.rows = rows
            table.measure()
