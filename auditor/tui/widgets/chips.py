"""The line that says what is filtered: each part of it a chip that a click removes."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from auditor.report.plain import one_line
from auditor.tui.listing import Filter
from auditor.tui.widgets.looks import Looks
from auditor.tui.widgets.row_list import fit

MODE = -1
"""The chip of the mode."""


class Chips(Looks):
    """Mode, terms, and a note at the right."""

    class Dropped(Message):
        """A chip was removed; ``index`` of the term, or :data:`MODE`."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._chips: list[tuple[int, str]] = []
        self._note = ""

    def show(self, chosen: Filter, note: str) -> None:
        """Show a filter."""
        self._chips = [(MODE, f" {chosen.mode} ")]
        self._chips += [(i, f" {one_line(str(term), 40)} × ") for i, term in enumerate(chosen.terms)]
        self._note = note
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The one line."""
        width = self.size.width
        base = self.ground
        mode = base + self.look("chips--mode")
        term = base + self.look("chips--term")
        segments = [Segment(" ", base)]
        room = width - cell_len(self._note) - 3
        for index, text in self._chips:
            segments += [Segment(fit(text, min(cell_len(text), max(room, 0))), mode if index == MODE else term)]
            segments += [Segment(" ", base)]
            room -= cell_len(text) + 1
        used = sum(cell_len(segment.text) for segment in segments)
        note = self.look("chips--note")
        segments += [Segment(" " * max(width - used - cell_len(self._note) - 1, 0), base)]
        return Strip([*segments, Segment(self._note, base + note)]).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Remove the chip under the mouse."""
        at = 1
        for index, text in self._chips:
            if at <= event.x < at + cell_len(text):
                self.post_message(self.Dropped(index))
                return
            at += cell_len(text) + 1
