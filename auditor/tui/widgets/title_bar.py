"""The line on top: where one is, each step of it clickable, and what kind of run this is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from auditor.report.plain import one_line
from auditor.tui.widgets.looks import Looks
from auditor.tui.widgets.row_list import fit

_JOINT = " › "


class TitleBar(Looks):
    """A breadcrumb and a note at the right."""

    def __init__(self, crumbs: Sequence[str], note: str = "", warn: str = "") -> None:
        super().__init__()
        self._crumbs = [one_line(crumb, 60) for crumb in crumbs]
        self._note = note
        self._warn = warn

    def show(self, crumbs: Sequence[str], note: str = "", warn: str = "") -> None:
        """Show another place."""
        self._crumbs = [one_line(crumb, 60) for crumb in crumbs]
        self._note, self._warn = note, warn
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The one line."""
        width = self.size.width
        base = self.ground
        right = " ".join(text for text in (self._warn, self._note) if text)
        room = max(width - cell_len(right) - 2, 0)
        path = _JOINT.join(self._crumbs[:-1]) + (_JOINT if len(self._crumbs) > 1 else "")
        here = self._crumbs[-1]
        if cell_len(path + here) > room:
            path = "… › " if cell_len(here) + 4 <= room else ""
        here = fit(here, min(cell_len(here), max(room - cell_len(path), 0)))
        left = cell_len(path + here)
        segments = [
            Segment(" " + path, base),
            Segment(here, base + self.look("title--here")),
            Segment(" " * max(width - left - cell_len(right) - 2, 0), base),
            Segment(self._warn, base + self.look("title--warn")),
            Segment((" " if self._warn and self._note else "") + self._note + " ", base),
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Go back to the step that was clicked."""
        at, x = 1, event.x
        for depth, crumb in enumerate(self._crumbs[:-1]):
            at += cell_len(crumb) + len(_JOINT)
            if x < at:
                self.post_message(self.Chosen(len(self._crumbs) - 1 - depth))
                return

    class Chosen(Message):
        """A step back was clicked; ``up`` says how many screens."""

        def __init__(self, up: int) -> None:
            super().__init__()
            self.up = up
