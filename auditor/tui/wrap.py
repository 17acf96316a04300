"""Wrapping long text into lines of cells, with the spans that are highlighted in it. Fast enough for replies of 200,000
characters; never splits a span's meaning: the lines of a text, joined, are the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size

from auditor.report.plain import harmless

TAB = 4


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) in a look."""

    start: int
    end: int
    style: str


class Block(NamedTuple):
    """A piece of text in one look, with spans in others; later spans win."""

    text: str
    style: str = ""
    spans: tuple[Span, ...] = ()
    key: str = ""
    """A name to jump to."""


class Line(NamedTuple):
    """One line on screen."""

    text: str
    style: str
    spans: tuple[Span, ...]


def find(text: str, part: str) -> tuple[int, int] | None:
    """Where a quotation stands in a text: verbatim, else without regard to case and runs of blanks."""
    if not part.strip():
        return None
    at = text.find(part)
    if at >= 0:
        return at, at + len(part)
    lowered, wanted = text.lower(), part.strip().lower()
    if len(lowered) == len(text):
        at = lowered.find(wanted)
        if at >= 0:
            return at, at + len(wanted)
    return None


def wrap(block: Block, width: int) -> list[Line]:
    """The lines of a block, each at most ``width`` cells wide."""
    text = harmless(block.text)
    spans: Sequence[Span] = sorted(block.spans, key=lambda span: span[:2])
    if "\t" in text:
        text, spans = _untabbed(text, spans)
    lines: list[Line] = []
    at, first = 0, 0
    for paragraph in text.split("\n"):
        for start, end in _cuts(paragraph, width):
            low, high = at + start, at + end
            while first < len(spans) and spans[first].end <= low:
                first += 1
            inside = []
            for span in spans[first:]:
                if span.start >= high:
                    break
                if span.end > low:
                    inside.append(Span(max(span.start, low) - low, min(span.end, high) - low, span.style))
            lines.append(Line(paragraph[start:end], block.style, tuple(inside)))
        at += len(paragraph) + 1
    return lines


def _cuts(paragraph: str, width: int) -> list[tuple[int, int]]:
    """Where to cut a paragraph, at blanks where there are any."""
    if not paragraph:
        return [(0, 0)]
    plain = paragraph.isascii()
    cuts = []
    at, length = 0, len(paragraph)
    while at < length:
        end = min(at + width, length) if plain else _reach(paragraph, at, width)
        following = end
        if end < length and paragraph[end] == " ":
            # The blank between two lines is not drawn: no line ends or begins with it.
            following = end + 1
        elif end < length:
            blank = paragraph.rfind(" ", at, end) + 1
            if blank > at + (end - at) // 3:
                end = following = blank
        cuts.append((at, end))
        at = following
    return cuts


def _reach(paragraph: str, at: int, width: int) -> int:
    """The end of what fits into ``width`` cells from ``at`` on; at least one character."""
    used, end = 0, at
    for character in paragraph[at : at + 4 * width]:
        used += _cells(character)
        if used > width:
            break
        end += 1
    return max(end, at + 1)


@lru_cache(4096)
def _cells(character: str) -> int:
    return get_character_cell_size(character)


def _untabbed(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    parts = text.split("\t")
    tabs, at = [], -1
    for part in parts[:-1]:
        at += len(part) + 1
        tabs.append(at)

    def moved(position: int) -> int:
        low, high = 0, len(tabs)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if tabs[middle] < position else (low, middle)
        return position + low * (TAB - 1)

    return (" " * TAB).join(parts), [Span(moved(s.start), moved(s.end), s.style) for s in spans]
