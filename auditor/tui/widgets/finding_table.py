"""The overview's table: every dimension on one line, with its interval on an axis that all lines share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from auditor.tui.axis import Axis, Piece, share_bar
from auditor.tui.summary import Cell, Summary, nats, nice_limit, percent, points
from auditor.tui.theme import DECISION_STYLE, Glyphs
from auditor.tui.widgets.row_list import RowList, fit

DRIFT: Final = "drift"
_FIXED: Final = 49
"""Cells that everything but the bar takes."""


class FindingTable(RowList):
    """Dimensions as rows, and drift as the last one."""

    HEADS = 1

    def __init__(self, summary: Summary, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.summary = summary
        self.signs = glyphs
        self.traces = False
        self.overridden: Collection[str] = ()
        """Dimensions whose figures would be others by people's overrides."""

    def show(self, summary: Summary, overridden: Collection[str]) -> None:
        """Show newer findings."""
        self.summary, self.overridden = summary, overridden
        self.measure()

    def count(self) -> int:
        """Dimensions, and drift below them."""
        return len(self.summary.cells) + 1

    def current(self) -> Cell | None:
        """The dimension under the cursor; None on the line of drift."""
        return self.summary.cells[self.cursor] if self.cursor < len(self.summary.cells) else None

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns, and the ends of the axis."""
        axis = self._axis(width)
        if self.traces:
            return [(fit("  dimension", 14) + " base  cand  traces  good answers on a bad trace", "")]
        bar = axis.heading() if axis.width >= 9 else ""
        return [
            (fit("  dimension", 14) + fit("decision", 15), ""),
            (fit("base", 4, right=True) + fit("cand", 6, right=True) + fit("delta", 7, right=True) + "  ", ""),
            (bar, "row--muted"),
            (fit("n", 7, right=True) if width >= 90 else "", ""),
        ]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """One line."""
        if index >= len(self.summary.cells):
            return self._drift(width)
        cell = self.summary.cells[index]
        if self.traces:
            return self._trace(cell, width)
        style = f"row--{DECISION_STYLE.get(cell.decision, 'unsure')}"
        axis = self._axis(width)
        return [
            self._dimension(cell),
            (fit(f"{self.signs.of(cell.decision)} {cell.decision}", 15), style),
            (fit(percent(cell.baseline), 4, right=True), "row--muted"),
            (fit(percent(cell.candidate), 6, right=True), ""),
            (fit(points(cell.delta), 7, right=True) + "  ", style),
            *(axis.bar(cell.low, cell.high, cell.delta, cell.margin, style, self.signs) if axis.width >= 9 else ()),
            (fit(str(cell.n), 7, right=True) if width >= 90 else "", "row--muted"),
        ]

    def empty(self) -> str:
        """Said while nothing is known."""
        return "no findings yet: they are computed when the run ends"

    def _dimension(self, cell: Cell) -> Piece:
        """The dimension, with a sign before it if people overrode verdicts of it, or if its judge is kin to a model."""
        sign = self.signs.override if cell.dimension in self.overridden else " "
        kin = "!" if self.summary.forced and cell.judged else " "
        return fit(sign + kin + cell.dimension, 14), "row--muted" if cell.context else "row--strong"

    def _axis(self, width: int) -> Axis:
        room = width - _FIXED - (8 if width >= 90 else 1)
        cells = self.summary.cells
        limit = nice_limit([v for c in cells for v in (c.low, c.high, c.margin)])
        return Axis(limit, max(min(room, 61) - (room + 1) % 2, 1))

    def _drift(self, width: int) -> Sequence[Piece]:
        drift = self.summary.drift
        name = (fit("  " + DRIFT, 14), "row--strong")
        if drift is None:
            return [name, (fit("not measured", 60), "row--muted")]
        kl = drift["forward"]["kl_per_token"]
        low, high = kl["lower_bound_interval"] or (None, None)
        same = drift.get("same_top", {}).get("share")
        rest = f"  same first token in {percent(same)} of {kl['n']}" if same is not None else ""
        bounds = "" if low is None else f" [{nats(low)}, {nats(high)}]"
        return [
            name,
            (f"KL ≥ {nats(kl['lower_bound'])} nats", "row--accent"),
            (fit(f"{bounds}{rest}", max(width - 32, 0)), "row--muted"),
        ]

    def _trace(self, cell: Cell, width: int) -> Sequence[Piece]:
        name = self._dimension(cell)
        if cell.trace_candidate is None and cell.trace_baseline is None:
            return [name, (" no trace was judged", "row--muted")]
        gap = "" if cell.gap is None else f"{percent(cell.gap):>5} [{percent(cell.gap_low)}, {percent(cell.gap_high)}]"
        room = max(min(width - 62, 30), 0)
        return [
            name,
            (fit(percent(cell.trace_baseline), 5, right=True), "row--muted"),
            (fit(percent(cell.trace_candidate), 6, right=True), ""),
            (fit(str(cell.trace_n), 8, right=True), "row--muted"),
            (fit(gap, 22), "row--worse" if cell.gap else "row--muted"),
            (share_bar(cell.gap or 0.0, room, self.signs) if room else "", "row--worse"),
        ]
