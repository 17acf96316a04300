"""A list of pairs that draws only the lines on screen, however long it is."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from auditor.report.plain import one_line
from auditor.store import PairRow
from auditor.tui.model import Listing

COLUMNS: Final = (
    ("", 2),
    ("dimension", 11),
    ("kind", 15),
    ("baseline", 17),
    ("candidate", 17),
    ("delta", 6),
    ("KL", 6),
)


class PairList(ScrollView, can_focus=True):
    """Rows of a :class:`Listing` with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pair-list--cursor",
        "pair-list--head",
        "pair-list--worse",
        "pair-list--better",
        "pair-list--unscored",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000000)", "First", show=False),
        Binding("end", "move(1000000000)", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Opened(Message):
        """A row was chosen."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, listing: Listing, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.listing = listing

    def on_mount(self) -> None:
        """Measure the list."""
        self._measure()

    def show(self, listing: Listing, cursor: int = 0) -> None:
        """Show another listing, with the cursor on a row of it."""
        self.listing = listing
        self._measure()
        self.set_reactive(PairList.cursor, 0)
        self.cursor = min(cursor, max(len(listing) - 1, 0))
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(0, len(self.listing) + 1)

    def watch_cursor(self) -> None:
        """Keep the cursor in view."""
        self.scroll_to_region(Region(0, self.cursor, 1, 2), animate=False, force=True)
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on the list."""
        return max(0, min(cursor, len(self.listing) - 1))

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by a screen."""
        self.cursor += by * max(self.size.height - 2, 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if len(self.listing):
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on the cursor it opens."""
        index = event.y + self.scroll_offset.y - 1
        if 0 <= index < len(self.listing) and event.y > 0:
            if index == self.cursor:
                self.action_open()
            self.cursor = index

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the heading, or a row."""
        width = self.size.width
        if y == 0:
            head = "".join(set_cell_size(name, size) + " " for name, size in self._columns()) + "prompt"
            return Strip([Segment(set_cell_size(head, width), self.get_component_rich_style("pair-list--head"))])
        index = y - 1 + self.scroll_offset.y
        if index >= len(self.listing):
            text = "nothing here: press f for another mode" if not len(self.listing) and y == 1 else ""
            return Strip([Segment(set_cell_size(text, width), self.rich_style)])
        row = self.listing.row(index)
        style = self._style(row, under_cursor=index == self.cursor)
        cells = "".join(
            set_cell_size(one_line(text, size), size) + " "
            for text, (_, size) in zip(self._texts(row), self._columns(), strict=True)
        )
        preview = one_line(row.preview, max(width - cell_len(cells), 0))
        return Strip([Segment(set_cell_size(cells + preview, width), style)])

    def _columns(self) -> tuple[tuple[str, int], ...]:
        """Fewer columns where the terminal is narrow."""
        if self.size.width >= 110:
            return COLUMNS
        return tuple(column for column in COLUMNS if column[0] not in ("kind", "KL"))

    def _texts(self, row: PairRow) -> tuple[str, ...]:
        mark = "  " if row.delta == 0 else "· " if row.delta is None else "▼ " if row.delta < 0 else "▲ "
        texts = {
            "": mark,
            "dimension": row.dimension,
            "kind": row.kind,
            "baseline": row.baseline_label or row.baseline_outcome,
            "candidate": row.candidate_label or row.candidate_outcome,
            "delta": "" if row.delta is None else f"{row.delta:+.2f}",
            "KL": "" if row.kl is None else f"{row.kl:.3f}",
        }
        return tuple(texts[name] for name, _ in self._columns())

    def _style(self, row: PairRow, *, under_cursor: bool) -> Style:
        if under_cursor:
            return self.get_component_rich_style("pair-list--cursor")
        if row.delta is None:
            return self.get_component_rich_style("pair-list--unscored")
        if row.delta < 0:
            return self.get_component_rich_style("pair-list--worse")
        return self.get_component_rich_style("pair-list--better") if row.delta > 0 else self.rich_style
