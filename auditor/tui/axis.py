"""Intervals drawn as text on one common axis, so that bars can be compared by eye."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from auditor.tui.theme import Glyphs

Piece = tuple[str, str]
"""Text and the names of its looks, separated by blanks."""


class Axis(NamedTuple):
    """From −limit to +limit in ``width`` cells (an odd number puts zero on a cell)."""

    limit: float
    width: int

    def at(self, value: float) -> int:
        """The cell of a value; what lies outside is drawn at the end."""
        return min(self.width - 1, max(0, round((value / self.limit + 1) / 2 * (self.width - 1))))

    def heading(self) -> str:
        """The ends of the axis and its middle, in percentage points."""
        end = f"{100 * self.limit:.0f}"
        middle = self.width // 2
        left, right = f"−{end}", f"+{end}"
        if self.width >= 33:
            left, right = f"{left} worse", f"better {right}"
        return left.ljust(middle) + "0" + right.rjust(self.width - middle - 1)

    def bar(
        self, low: float, high: float, value: float | None, margin: float, style: str, glyphs: Glyphs
    ) -> list[Piece]:
        """The interval with its middle, over the zero line, the margin and the zone of losses beyond the margin."""
        zero, edge = self.at(0.0), self.at(-margin)
        first, last = self.at(low), self.at(high)
        cells: list[Piece] = []
        for i in range(self.width):
            zone = "row--loss" if i < edge else ""
            if value is not None and i == self.at(value):
                cells.append((glyphs.dot, f"{style} {zone}"))
            elif first <= i <= last:
                end = i == first != last
                cells.append(
                    (glyphs.low_end if end else glyphs.rule if i < last else glyphs.high_end, f"{style} {zone}")
                )
            elif i == zero:
                cells.append((glyphs.zero, f"row--axis {zone}"))
            elif i == edge:
                cells.append((glyphs.margin, f"row--margin {zone}"))
            else:
                cells.append((" ", zone))
        return [("".join(text for text, _ in run), style.strip()) for style, run in groupby(cells, key=lambda c: c[1])]


def share_bar(share: float, width: int, glyphs: Glyphs) -> str:
    """A share of one as a line of ``width`` cells, in halves where the terminal has them; something is never nothing."""
    halves = round(max(0.0, min(share, 1.0)) * width * 2)
    if share > 0.0:
        halves = max(halves, 1)
    full, rest = divmod(halves, 2)
    return (glyphs.rule * full + (glyphs.half_rule if rest else "")).ljust(width)[:width]
