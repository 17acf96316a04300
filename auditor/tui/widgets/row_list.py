"""A list that draws only the lines on screen, however long it is. What a row looks like is up to the subclass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from auditor.tui.axis import Piece
from auditor.tui.widgets.looks import Looks


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly ``width`` cells; what does not fit ends in an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + "…" if width > 0 else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


class RowList(ScrollView, Looks, can_focus=True):
    """Rows with a cursor. Subclasses give :meth:`count`, :meth:`pieces` and, if they like, a heading."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="list.page_down"),
        Binding("home", "move(-1000000000)", "First", show=False, id="list.first"),
        Binding("end,G", "move(1000000000)", "Last", show=False, id="list.last"),
    ]
    HEADS: ClassVar[int] = 1
    """Lines of heading that do not scroll."""

    cursor: reactive[int] = reactive(0)

    class About(Message):
        """Something about a row."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> RowList:
            """The list it happened in."""
            return self.rows

    class Opened(About):
        """A row was chosen."""

    class Moved(About):
        """The cursor is on another row."""

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A row as pieces of harmless text with the names of their looks."""
        raise NotImplementedError

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """A line of the heading."""
        return ()

    def empty(self) -> str:
        """What to say when there are no rows."""
        return "nothing here"

    def on_mount(self) -> None:
        """Measure the list."""
        self.measure()

    def on_resize(self) -> None:
        """Keep the cursor in view on a smaller screen."""
        self.measure()
        self.watch_cursor()

    def measure(self) -> None:
        """Tell the scrollbar how long the list is, and draw anew."""
        self.virtual_size = Size(0, self.count() + self.HEADS)
        self.refresh()

    def put_cursor(self, index: int) -> None:
        """Move the cursor, also when it already stands at that number of another list."""
        self.set_reactive(RowList.cursor, -1)
        self.cursor = index

    def watch_cursor(self) -> None:
        """Keep the cursor in view."""
        height = max(self.size.height - self.HEADS, 1)
        top = int(self.scroll_offset.y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)
        self.refresh()
        if self.count():
            self.post_message(self.Moved(self, self.cursor))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on the list."""
        return max(0, min(cursor, self.count() - 1))

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by a screen."""
        self.cursor += by * max(self.size.height - self.HEADS - 1, 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.count():
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on the cursor it opens."""
        index = event.y - self.HEADS + int(self.scroll_offset.y)
        if event.y >= self.HEADS and 0 <= index < self.count():
            if index == self.cursor:
                self.action_open()
            self.cursor = index

    def render_line(self, y: int) -> Strip:
        """One line of the screen: a heading, or a row."""
        width = self.scrollable_content_region.width
        base = self.ground
        if y < self.HEADS:
            head = base + self.look("row--head")
            return self._strip(self.heading(y, width), head, width)
        index = y - self.HEADS + int(self.scroll_offset.y)
        if index >= self.count():
            told = not self.count() and y == self.HEADS
            return self._strip([(f" {self.empty()}", "row--muted")] if told else [], base, width)
        pieces = self.pieces(index, width)
        if index != self.cursor:
            return self._strip(pieces, base, width)
        under = self.look("row--cursor")
        return self._strip(pieces, base + under, width, over=under)

    def _strip(self, pieces: Sequence[Piece], base: Style, width: int, over: Style | None = None) -> Strip:
        segments = []
        for text, names in pieces:
            style = base + self.look(names, base)
            segments.append(Segment(text, style + Style(bgcolor=over.bgcolor, bold=True) if over else style))
        return Strip(segments).adjust_cell_length(width, base)
