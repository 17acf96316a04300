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
from auditor.tui.drift_text import beyond, by_dimension, first_token, spread, strips
from auditor.tui.listing import Filter, Listing, Sort
from auditor.tui.query import parse
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.summary import percent
from auditor.tui.theme import Glyphs
from auditor.tui.tokens import Moved, moved
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit
from auditor.tui.widgets.text_pane import TextPane

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
        style = "row--accent" if row.shift > 0 else "row--unsure"
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
        "How far the candidate's next words are from the baseline's. At the first token every number is a lower bound in"
        " nats: from the top of a list of tokens one can prove that the models differ by at least this much. What was"
        " measured beyond it stands below, with the noise of asking one model twice. The strips have a cell per prompt, in"
        " the order they were asked: the higher, the further (by quarters, and the last tenth). Left the prompts that drifted most (enter reads one), right the tokens whose probability"
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
        rows = reader.pairs(asked.ids[:MOST_PROMPTS])
        self.values = [(rows[seq].prompt_id, rows[seq].kl or 0.0) for seq in asked.ids[:MOST_PROMPTS]]
        yield self.title_bar()
        yield TextPane(id="drift-summary")
        with Horizontal(id="drift-lists"):
            yield DriftPrompts(self.listing, max((value for _, value in self.values), default=0.0), self.browser.signs)
            yield MovedTokens()
        yield KeyBar()

    def on_mount(self) -> None:
        """Draw the strip; count tokens in the background."""
        pane = self.query_one("#drift-summary", TextPane)
        pane.can_focus = False
        self.query_one(DriftPrompts).focus()
        self.run_worker(self._count, thread=True, group="tokens")

    def action_open(self) -> None:
        """Read the prompt under the cursor."""
        self.query_one(DriftPrompts).action_open()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Read it."""
        if isinstance(event.rows, DriftPrompts):
            self.browser.open_record(self.listing, event.index)

    def on_resize(self) -> None:
        """Draw the strip for another width."""
        self._draw()

    def _draw(self) -> None:
        if not self.query(TextPane):
            return
        pane, drift = self.query_one("#drift-summary", TextPane), self.browser.summary.drift
        blocks = [*first_token(drift), *beyond(drift)]
        if self.values:
            if self.size.height >= 30:
                blocks += by_dimension(drift)
            blocks.append(spread([value for _, value in self.values]))
            blocks += strips(self.values, drift, self.size.width - 4, self.browser.signs)
        pane.show(blocks)
        pane.styles.height = min(pane.natural_height(self.size.width - 4), max(self.size.height // 2 - 2, 5)) + 1

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
