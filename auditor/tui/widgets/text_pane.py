"""Long text, wrapped once and drawn line by line; parts of it may be highlighted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import chop_cells
from rich.segment import Segment
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from auditor.report.plain import harmless


class Block(NamedTuple):
    """A piece of text with one style; ``mark`` is a span to highlight inside it, verbatim."""

    text: str
    style: str = ""
    mark: str = ""


class _Line(NamedTuple):
    text: str
    style: str
    spans: tuple[tuple[int, int], ...]


class TextPane(ScrollView, can_focus=True):
    """Shows blocks of text below each other. ``style`` of a block is a component class without its prefix."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-pane--heading",
        "text-pane--trace",
        "text-pane--note",
        "text-pane--mark",
    }
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._blocks: tuple[Block, ...] = ()
        self._lines: list[_Line] = []
        self._wrapped_at = 0

    def show(self, blocks: Sequence[Block]) -> None:
        """Replace the text and go to its top."""
        self._blocks = tuple(blocks)
        self._wrap()
        self.scroll_home(animate=False)
        self.refresh()

    def on_resize(self) -> None:
        """Wrap again for the new width."""
        self._wrap()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = y + self.scroll_offset.y
        width = self.size.width
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[index]
        base = self.get_component_rich_style(f"text-pane--{line.style}") if line.style else self.rich_style
        marked = self.get_component_rich_style("text-pane--mark")
        segments, at = [], 0
        for start, end in line.spans:
            segments += [Segment(line.text[at:start], base), Segment(line.text[start:end], marked)]
            at = end
        segments.append(Segment(line.text[at:], base))
        return Strip(segments).adjust_cell_length(width, base)

    def _wrap(self) -> None:
        width = max(self.scrollable_content_region.width, 10)
        self._lines = [line for block in self._blocks for line in _wrapped(block, width)]
        self.virtual_size = Size(width, len(self._lines))


def _wrapped(block: Block, width: int) -> list[_Line]:
    text = harmless(block.text).expandtabs(4)
    mark = harmless(block.mark).expandtabs(4)
    start = text.find(mark) if mark else -1
    spans = (start, start + len(mark)) if start >= 0 else None
    lines: list[_Line] = []
    at = 0
    for paragraph in text.split("\n"):
        for piece in _pieces(paragraph, width):
            span: tuple[tuple[int, int], ...] = ()
            if spans is not None:
                low, high = max(spans[0] - at, 0), min(spans[1] - at, len(piece))
                span = ((low, high),) if low < high else ()
            lines.append(_Line(piece, block.style, span))
            at += len(piece)
        at += 1
    return lines


def _pieces(paragraph: str, width: int) -> list[str]:
    """Cut a paragraph at blanks into pieces of at most ``width`` cells; their concatenation is the paragraph."""
    pieces: list[str] = []
    at = 0
    while at < len(paragraph):
        window = paragraph[at : at + width]
        fits = len(chop_cells(window, width)[0])
        if at + fits < len(paragraph):
            blank = paragraph.rfind(" ", at, at + fits) + 1 - at
            fits = blank if blank > fits // 3 else max(fits, 1)
        pieces.append(paragraph[at : at + fits])
        at += fits
    return pieces or [""]
