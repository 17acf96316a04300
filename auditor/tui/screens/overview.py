"""From above: every dimension with its decision, its change on a common axis, and why."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Static

from auditor.report.plain import one_line
from auditor.tui.model import ASCII_GLYPHS, GLYPHS, Cell, Filter, Mode, cells, interval_bar
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.records import RecordsScreen

STYLES = {"PRESERVED": "green", "REGRESSED": "bold red", "IMPROVED": "cyan", "INCONCLUSIVE": "yellow"}
COLUMNS = (("dimension", 10), ("decision", 14), ("base", 5), ("cand", 5), ("delta", 5), ("n", 5), ("unscored", 8))
"""Fixed widths: they fit 80 columns, and the bar gets what is left."""


class OverviewScreen(AuditorScreen):
    """Dimensions as rows; enter opens the pairs that got worse."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Worse pairs"),
        Binding("a", "all", "All pairs"),
    ]

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.crumb("overview")
        yield Static(self._pair(), id="pair", markup=False)
        yield DataTable(id="dimensions", cursor_type="row")
        yield Static("", id="reason", markup=False)
        yield Static(self._drift(), id="drift", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table for the present width."""
        self.cells = cells(self.browser.results)
        self._fill()

    def on_resize(self) -> None:
        """Draw the bars anew for another width."""
        self._fill()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Say why, for the row under the cursor."""
        if 0 <= event.cursor_row < len(self.cells):
            self.query_one("#reason", Static).update(self._why(self.cells[event.cursor_row]))

    def on_data_table_row_selected(self) -> None:
        """Open the worse pairs of the row."""
        self.action_open()

    def action_open(self) -> None:
        """The pairs of this dimension that got worse; all of them if none did."""
        cell = self._current()
        if cell is None:
            return
        mode = Mode.REGRESSED if self._any_worse(cell.dimension) else Mode.ALL
        self.app.push_screen(RecordsScreen(Filter(cell.dimension, mode)))

    def action_all(self) -> None:
        """Every pair of every dimension."""
        self.app.push_screen(RecordsScreen(Filter()))

    def _any_worse(self, dimension: str) -> bool:
        where, parameters = Filter(dimension, Mode.REGRESSED).where()
        return bool(self.browser.reader.pair_ids(where, parameters))

    def _current(self) -> Cell | None:
        row = self.query_one(DataTable).cursor_row
        return self.cells[row] if 0 <= row < len(self.cells) else None

    def _fill(self) -> None:
        table: DataTable[Text] = self.query_one(DataTable)
        if not hasattr(self, "cells"):
            return
        at = table.cursor_row
        table.clear(columns=True)
        ascii_only = self.browser.ascii_only
        room = self.size.width - 72
        bar_width = max(min(room, 41), 0) // 2 * 2 + 1
        for name, width in COLUMNS:
            table.add_column(name, width=width)
        if bar_width >= 11:
            table.add_column(Text("-100".ljust(bar_width // 2) + "0" + "+100".rjust(bar_width // 2)), width=bar_width)
        glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
        for cell in self.cells:
            row = [
                Text(cell.dimension, style="dim" if cell.context else ""),
                Text(f"{glyphs[cell.decision]} {cell.decision}", style=STYLES[cell.decision]),
                Text(_percent(cell.baseline), justify="right"),
                Text(_percent(cell.candidate), justify="right"),
                Text("-" if cell.delta is None else f"{100 * cell.delta:+.0f}", justify="right"),
                Text(str(cell.n), justify="right"),
                Text(str(cell.unscored), justify="right"),
            ]
            if bar_width >= 11:
                bar = interval_bar(cell.low, cell.high, cell.delta, cell.margin, bar_width, ascii_only=ascii_only)
                row.append(Text(bar, style=STYLES[cell.decision]))
            table.add_row(*row)
        if self.cells:
            table.move_cursor(row=at)
            self.query_one("#reason", Static).update(self._why(self.cells[table.cursor_row]))

    def _why(self, cell: Cell) -> str:
        context = " Context, not a trust dimension." if cell.context else ""
        trace = f" {cell.trace}" if cell.trace else ""
        return f"{cell.dimension}: {cell.reason} Scored by {cell.backing}.{trace}{context}"

    def _pair(self) -> str:
        found = self.browser.results
        lines = [
            f"{side:<9} {one_line(found['pair'].get(side, {}).get('endpoint', '?'), 200)}"
            for side in ("baseline", "candidate")
        ]
        judge = found["judge"] or {"name": "?", "kind": "?"}
        lines.append(
            f"{'judge':<9} {one_line(judge['name'], 200)} ({judge['kind']}): judged numbers are relative to it"
        )
        if found["status"] != "complete":
            lines.append(
                f"{found['status']}: {found['progress']['pairs']} of {found['progress']['planned']} pairs so far"
            )
        return "\n".join(lines)

    def _drift(self) -> str:
        drift = self.browser.results["drift"]
        if drift is None:
            return "drift: not measured; too few prompts have logprobs from both endpoints"
        forward, reverse = drift["forward"]["kl_per_token"], drift["reverse"]["kl_per_token"]
        jsd, seen = drift["forward"]["jsd_per_token"], drift["forward"]["coverage"]
        low, high = forward["lower_bound_interval"] or (None, None)
        span = "" if low is None else f" [{low:.3f}, {high:.3f}]"
        return (
            f"drift at the first token (protocol {drift['protocol']}, n={forward['n']}, k={seen['k']}):"
            f" KL(baseline||candidate) at least {_nats(forward['lower_bound'])} nats{span},"
            f" reverse at least {_nats(reverse['lower_bound'])}; JSD {jsd['lower']:.3f} to {jsd['upper']:.3f}"
        )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.0f}%"


def _nats(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
