"""The list of pairs: which prompts, which side did what."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from auditor.errors import UsageError
from auditor.tui.listing import Filter, Listing, Mode, Sort
from auditor.tui.query import FIELDS, parse
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.groups import GroupsScreen
from auditor.tui.widgets.chips import Chips
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.pair_list import PairList
from auditor.tui.widgets.row_list import RowList
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block


class RecordsScreen(AuditorScreen):
    """A filtered, sorted list; enter opens a pair side by side."""

    NAME = "records"
    ABOUT = (
        "One line per prompt: what the baseline did, what the candidate did. ▼ the candidate is worse, ▲ better,"
        " ? unscored. The line above the list shows what is filtered; click a chip, or press x, to take it away."
        ' / filters: dim:privacy cand:leak kl>0.5 trace:bad -kind:share "words in an answer or a trace".'
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read", id="records.open"),
        Binding("slash", "search", "Filter", key_display="/", id="records.filter"),
        Binding("f", "mode(1)", "Mode", id="records.mode"),
        Binding("F", "mode(-1)", "Mode back", show=False, id="records.mode_back"),
        Binding("s", "sort", "Sort", id="records.sort"),
        Binding("g", "groups", "Group", id="records.groups"),
        Binding("e", "export", "Export", id="records.export"),
        Binding("x", "drop", "Remove filter", show=False, id="records.drop"),
        Binding("asterisk", "star", "Star", key_display="*", id="records.star", show=False),
    ]

    def __init__(self, chosen: Filter) -> None:
        super().__init__()
        self.chosen = chosen
        self._at: int | None = None

    def crumb(self) -> str:
        """Named by its dimension if it has one."""
        names = [term.value for term in self.chosen.terms if term.key == "dim" and not term.negated]
        return names[0] if len(names) == 1 else self.NAME

    def compose(self) -> ComposeResult:
        """Build the screen."""
        self.listing = self.browser.listing(self.chosen)
        yield self.title_bar()
        yield Chips(id="chips")
        yield PairList(self.listing, self.browser.signs, id="pairs")
        yield TextPane(id="peek")
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the list."""
        self.query_one("#peek", TextPane).can_focus = False
        pairs = self.query_one(PairList)
        pairs.focus()
        pairs.put_cursor(0)
        self._tell()
        self.browser.search.start(self)

    def on_screen_resume(self) -> None:
        """Come back to the pair that was looked at last, with what was starred meanwhile."""
        if not self.is_mounted or not self.query(PairList):
            return
        pairs = self.query_one(PairList)
        pairs.marks = self.browser.remarks.marks()
        if self._at is not None:
            pairs.put_cursor(self._at)
            self._at = None
        pairs.refresh()

    @on(RowList.Opened, "#pairs")
    def open_row(self, event: RowList.Opened) -> None:
        """Open a pair."""
        self._at = event.index
        self.browser.open_record(self.listing, event.index, self._walked)

    @on(RowList.Moved, "#pairs")
    def peek(self, event: RowList.Moved) -> None:
        """Show the prompt and both answers in a few lines."""
        peek = self.query_one("#peek", TextPane)
        row = self.query_one(PairList).current()
        self._tell()
        if row is None:
            peek.show([])
        elif peek.display:
            peek.show([Block(row.preview), Block(f"{row.prompt_id} · {row.kind}", "note")])

    def action_open(self) -> None:
        """Open the pair under the cursor."""
        self.query_one(PairList).action_open()

    def action_mode(self, by: int) -> None:
        """The next mode."""
        modes = list(Mode)
        self.choose(self.chosen._replace(mode=modes[(modes.index(self.chosen.mode) + by) % len(modes)]))

    def action_sort(self) -> None:
        """The next order."""
        sorts = list(Sort)
        self.choose(self.chosen._replace(sort=sorts[(sorts.index(self.chosen.sort) + 1) % len(sorts)]))

    def action_drop(self) -> None:
        """Take the last filter away, then the mode."""
        if self.chosen.terms:
            self.choose(self.chosen._replace(terms=self.chosen.terms[:-1]))
        elif self.chosen.mode is not Mode.ALL:
            self.choose(self.chosen._replace(mode=Mode.ALL))

    def action_groups(self) -> None:
        """Count the ways of failing in this list."""
        self.app.push_screen(GroupsScreen(self.listing), self._grouped)

    async def action_search(self) -> None:
        """Write a filter; the box is made when it is first needed."""
        if not self.query("#search"):
            made = Input(placeholder='dim:privacy cand:leak kl>0.5 "words"', id="search")
            made.border_title = "filter"
            made.border_subtitle = " ".join(FIELDS)
            await self.mount(made, before=self.query_one(KeyBar))
        box = self.query_one("#search", Input)
        box.display = True
        box.value = self.chosen.text + (" " if self.chosen.terms else "")
        box.cursor_position = len(box.value)
        box.focus()

    def action_star(self) -> None:
        """Star the pair under the cursor, or take the star away."""
        row = self.query_one(PairList).current()
        if row is not None:
            self.browser.star(row.prompt_id)
            self.query_one(PairList).marks = self.browser.remarks.marks()
            self.query_one(PairList).refresh()

    def action_export(self) -> None:
        """Write this list to a file."""
        self.browser.hand_over.export(self.listing)

    @on(Input.Submitted, "#search")
    def filter_by(self, event: Input.Submitted) -> None:
        """Filter by what was written; what can't be read stays, with the reason."""
        try:
            terms = parse(event.value)
        except UsageError as error:
            self.notify(f"{error.what}\n{error.todo}", severity="warning", markup=False)
            return
        self._leave_search()
        self.choose(self.chosen._replace(terms=terms))

    @on(Chips.Dropped)
    def drop(self, event: Chips.Dropped) -> None:
        """Take one filter away."""
        if event.index < 0:
            self.choose(self.chosen._replace(mode=Mode.ALL))
        else:
            kept = tuple(term for i, term in enumerate(self.chosen.terms) if i != event.index)
            self.choose(self.chosen._replace(terms=kept))

    def leave(self) -> bool:
        """Leave the filter box before the screen."""
        if any(box.display for box in self.query("#search")):
            self._leave_search()
            return True
        return False

    def choose(self, chosen: Filter) -> None:
        """Show another list; the cursor stays on its pair if that is in it."""
        self.chosen = chosen
        self.show(self.browser.listing(chosen))
        self.browser.search.start(self)
        self.browser.remember(chosen)

    def show(self, listing: Listing) -> None:
        """Show a list that was made for the present filter."""
        pairs = self.query_one(PairList)
        current = pairs.current()
        self.listing = listing
        pairs.show(listing, listing.position(current.seq) if current is not None else 0)
        self._tell()
        self.retitle()
        if not len(listing):
            self.query_one("#peek", TextPane).show([])

    def _walked(self, index: int) -> None:
        self._at = index

    def _grouped(self, chosen: Filter | None) -> None:
        if chosen is not None:
            self.choose(chosen)

    def _leave_search(self) -> None:
        for box in self.query("#search"):
            box.display = False
        self.query_one(PairList).focus()

    def _tell(self) -> None:
        pairs = self.query_one(PairList)
        at = f"{pairs.cursor + 1:,} / {len(self.listing):,}" if len(self.listing) else "0"
        self.query_one(Chips).show(self.chosen, f"{self.chosen.sort} · {at}")
