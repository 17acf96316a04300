"""The list of pairs: which prompts, which side did what."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static

from auditor.records import ALL_DIMENSIONS
from auditor.tui.model import Filter, Listing, Mode, Sort
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.record import RecordScreen
from auditor.tui.widgets.pair_list import PairList


class RecordsScreen(AuditorScreen):
    """A filtered, sorted list; enter opens a pair side by side."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "mode", "Mode"),
        Binding("d", "dimension", "Dimension"),
        Binding("s", "sort", "Sort"),
        Binding("slash", "search", "Search", key_display="/"),
    ]

    def __init__(self, chosen: Filter) -> None:
        super().__init__()
        self.chosen = chosen

    def compose(self) -> ComposeResult:
        """Build the screen."""
        self.listing = Listing(self.browser.reader, self.chosen)
        yield self.crumb(self.chosen.dimension or "all dimensions", "records")
        yield Static(self._state(), id="state", markup=False)
        yield PairList(self.listing, id="pairs")
        yield Input(placeholder="part of a prompt or of its id; enter filters, esc leaves", id="search")
        yield Footer()

    def on_mount(self) -> None:
        """Start in the list."""
        self.query_one("#search").display = False
        self.query_one(PairList).focus()

    def on_pair_list_opened(self, event: PairList.Opened) -> None:
        """Open a pair."""
        self.app.push_screen(RecordScreen(self.listing, event.index), self._returned)

    def on_screen_resume(self) -> None:
        """Come back to the pair that was looked at last."""
        for pairs in self.query(PairList):
            pairs.cursor = self.listing_cursor if hasattr(self, "listing_cursor") else pairs.cursor

    def action_mode(self) -> None:
        """The next mode."""
        modes = list(Mode)
        self._choose(self.chosen._replace(mode=modes[(modes.index(self.chosen.mode) + 1) % len(modes)]))

    def action_sort(self) -> None:
        """The next order."""
        sorts = list(Sort)
        self._choose(self.chosen._replace(sort=sorts[(sorts.index(self.chosen.sort) + 1) % len(sorts)]))

    def action_dimension(self) -> None:
        """The next dimension, then all of them."""
        names = [None, *(name for name in ALL_DIMENSIONS if name in self.browser.results["dimensions"])]
        self._choose(self.chosen._replace(dimension=names[(names.index(self.chosen.dimension) + 1) % len(names)]))

    def action_search(self) -> None:
        """Ask for a text."""
        box = self.query_one("#search", Input)
        box.display = True
        box.value = self.chosen.text
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter by the text."""
        self._leave_search()
        self._choose(self.chosen._replace(text=event.value.strip()))

    def key_escape(self) -> None:
        """Leave the search box, else the screen."""
        if self.query_one("#search").display:
            self._leave_search()
        else:
            self.browser.action_leave()

    def _returned(self, result: None) -> None:
        """Nothing comes back from a pair."""

    def _leave_search(self) -> None:
        self.query_one("#search").display = False
        self.query_one(PairList).focus()

    def _choose(self, chosen: Filter) -> None:
        pairs = self.query_one(PairList)
        current = self.listing.row(pairs.cursor).seq if len(self.listing) else -1
        self.chosen = chosen
        self.listing = Listing(self.browser.reader, chosen)
        pairs.show(self.listing, self.listing.position(current))
        self.query_one("#state", Static).update(self._state())

    def _state(self) -> str:
        text = f'  text "{self.chosen.text}"' if self.chosen.text else ""
        where = self.chosen.dimension or "all dimensions"
        return f"{len(self.listing)} pairs  ·  {self.chosen.mode}  ·  {where}  ·  {self.chosen.sort}{text}"
