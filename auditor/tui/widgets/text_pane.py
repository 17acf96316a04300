"""Long text, wrapped once and drawn line by line; parts of it may be highlighted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from auditor.tui.widgets.looks import Looks
from auditor.tui.wrap import Block, Line, wrap


class TextPane(ScrollView, Looks, can_focus=True):
    """Shows blocks of text below each other. ``style`` of a block or span is the name of a look without its prefix."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "Down", show=False, id="text.down"),
        Binding("up,k", "scroll_up", "Up", show=False, id="text.up"),
        Binding("pagedown,space", "page_down", "Page down", show=False, id="text.page_down"),
        Binding("home", "scroll_home", "Top", show=False, id="text.top"),
        Binding("end,G", "scroll_end", "Bottom", show=False, id="text.bottom"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._blocks: tuple[Block, ...] = ()
        self._lines: list[Line] = []
        self._starts: dict[str, int] = {}
        self._width = 0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What is shown."""
        return self._blocks

    def show(self, blocks: Sequence[Block], *, keep: bool = False) -> None:
        """Replace the text and go to its top, or stay where it was scrolled to."""
        self._blocks = tuple(blocks)
        self._wrap()
        if not keep:
            self.scroll_home(animate=False)

    def line_of(self, key: str) -> int | None:
        """The line where a named block starts."""
        return self._starts.get(key)

    def lines_marked(self, style: str = "mark") -> list[int]:
        """The first line of each run of lines with a span in this style."""
        lines = [i for i, line in enumerate(self._lines) if any(span.style == style for span in line.spans)]
        return [line for line in lines if line - 1 not in lines]

    def line_at(self, position: int) -> int:
        """The line that shows a character of the first block."""
        at = 0
        for number, line in enumerate(self._lines):
            at += len(line.text)
            if position < at:
                return number
        return max(len(self._lines) - 1, 0)

    def plain_text(self) -> str:
        """Everything that is shown, for the clipboard or a pager; still harmless."""
        return "\n\n".join(block.text for block in self._blocks)

    def natural_height(self, width: int) -> int:
        """Lines the text takes at a width."""
        return sum(len(wrap(block, max(width, 10))) for block in self._blocks)

    def on_resize(self) -> None:
        """Wrap again for another width."""
        if self.scrollable_content_region.width != self._width:
            self._wrap()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = y + int(self.scroll_offset.y)
        width = self.size.width
        if index >= len(self._lines):
            return Strip.blank(width, self.ground)
        line = self._lines[index]
        base = self.ground + self._style(line.style, self.ground)
        selection = self.text_selection
        chosen = selection.get_span(index) if selection is not None else None
        cuts = sorted({0, len(line.text), *(p for span in line.spans for p in span[:2])})
        segments = []
        for start, end in pairwise(cuts):
            style = base
            for span in line.spans:
                if span.start <= start and end <= span.end:
                    style += self._style(span.style, style)
            segments.append(Segment(line.text[start:end], style))
        strip = Strip(segments).adjust_cell_length(width, base)
        if chosen is not None:
            start, end = chosen
            end = len(line.text) if end == -1 else end
            marked = self.screen.get_component_rich_style("screen--selection", partial=True)
            parts = list(strip.divide([start, end, width]))
            parts = [part.apply_style(marked) if i == 1 else part for i, part in enumerate(parts)]
            strip = Strip.join(parts)
        return strip.apply_offsets(0, index)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text selected with the mouse."""
        return selection.extract("\n".join(line.text for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    def _style(self, name: str, base: Style) -> Style:
        return self.look(f"text--{name}", base) if name else Style.null()

    def _wrap(self) -> None:
        self._width = self.scrollable_content_region.width
        width = max(self._width, 10)
        self._lines = []
        self._starts = {}
        # Before the first layout there is no width: what is wrapped then is wrapped again at once.
        for block in self._blocks if self._width > 0 else ():
            if block.key:
                self._starts[block.key] = len(self._lines)
            self._lines += wrap(block, width)
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()
