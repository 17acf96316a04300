"""The family matrix: this run and those beside it, every dimension at a glance; and one run against another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static
from textual.worker import get_current_worker

from auditor.errors import AuditorError
from auditor.records import ALL_DIMENSIONS
from auditor.report.plain import one_line
from auditor.store import Change
from auditor.tui.axis import Piece
from auditor.tui.runs import changes, siblings
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.summary import Cell, Summary, percent, points
from auditor.tui.theme import DECISION_STYLE, Glyphs
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit

_SHORT = {"robustness": "robust", "capability": "capab.", "toxicity": "toxic"}


class FamilyMatrix(RowList):
    """Runs as rows, dimensions as columns."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.signs = glyphs
        self.runs: list[tuple[Path, Summary]] = []

    def add(self, run: tuple[Path, Summary]) -> None:
        """One run more."""
        self.runs.append(run)
        self.measure()

    def count(self) -> int:
        """Runs."""
        return len(self.runs)

    def empty(self) -> str:
        """While they are being read."""
        return "looking for runs…"

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        names = "".join(fit(_SHORT.get(name, name), 8, right=True) for name in ALL_DIMENSIONS)
        return [(fit("   run", self._name_width(width)) + names + fit("KL ≥", 7, right=True), "")]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A run."""
        path, summary = self.runs[index]
        cells = {cell.dimension: cell for cell in summary.cells}
        here = " ·" if index == 0 else ""
        kl = summary.drift["forward"]["kl_per_token"]["lower_bound"] if summary.drift else None
        return [
            (f" {self.signs.of(summary.overall)} ", f"row--{DECISION_STYLE.get(summary.overall, 'unsure')}"),
            (fit(f"{one_line(path.name, 60)}{here}", self._name_width(width) - 3), "row--strong"),
            *(self._cell(cells.get(name)) for name in ALL_DIMENSIONS),
            (fit("–" if kl is None else f"{kl:.2f}", 7, right=True), "row--muted" if kl is None else "row--accent"),
        ]

    def _cell(self, cell: Cell | None) -> Piece:
        if cell is None:
            return fit("–", 8, right=True), "row--muted"
        delta = "–" if cell.delta is None else f"{100 * cell.delta:+.0f}".replace("-", "−")
        return fit(
            f"{self.signs.of(cell.decision)} {delta}", 8, right=True
        ), f"row--{DECISION_STYLE.get(cell.decision, 'unsure')}"

    @staticmethod
    def _name_width(width: int) -> int:
        return max(width - 64, 12)


class RunsScreen(AuditorScreen):
    """Runs in the same folder."""

    NAME = "runs"
    ABOUT = (
        "Every run in this folder, one line each: the sign of the decision and the change in percentage points, dimension by"
        " dimension. The first line, with a dot, is the run you came from; enter compares it with another."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Compare", id="runs.open")]

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield FamilyMatrix(self.browser.signs)
        yield Static("", id="run-pair", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Look for runs in the background."""
        self.query_one(FamilyMatrix).focus()
        self.run_worker(self._look, thread=True, group="runs")

    def action_open(self) -> None:
        """Compare with the run under the cursor."""
        self.query_one(FamilyMatrix).action_open()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Compare."""
        path, summary = self.query_one(FamilyMatrix).runs[event.index]
        if event.index == 0:
            self.notify("That is this run: choose another to compare it with.")
            return
        try:
            changed = self.browser.reader.changed_since(path)
        except AuditorError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(CompareScreen(path.name, summary, changed))

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Say which pair it was."""
        _, summary = self.query_one(FamilyMatrix).runs[event.index]
        self.query_one("#run-pair", Static).update(f"baseline   {summary.baseline}\ncandidate  {summary.candidate}")

    def _look(self) -> None:
        worker = get_current_worker()
        for found in siblings(self.browser.reader.path):
            if worker.is_cancelled:
                return
            self.app.call_from_thread(self._add, found)

    def _add(self, found: tuple[Path, Summary]) -> None:
        if self.is_mounted:
            matrix = self.query_one(FamilyMatrix)
            matrix.add(found)
            if matrix.count() == 1:
                matrix.put_cursor(0)


class Changes(RowList):
    """Dimensions of both runs, then the prompts that changed."""

    def __init__(self, glyphs: Glyphs, now: Summary, then: Summary, changed: Sequence[Change]) -> None:
        super().__init__()
        self.signs = glyphs
        self.dimensions = changes(now, then)
        self.changed = changed

    def count(self) -> int:
        """Dimensions, a rule, prompts."""
        return len(self.dimensions) + 1 + len(self.changed)

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        names = fit("  dimension", 14) + fit("then", 24) + fit("now", 24) + "candidate's rate"
        return [(names, "")]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A dimension or a prompt."""
        if index < len(self.dimensions):
            return self._dimension(index)
        if index == len(self.dimensions):
            lost = sum(c.delta is not None and c.delta < 0 for c in self.changed)
            won = sum(c.delta is not None and c.delta > 0 for c in self.changed)
            return [
                (fit(f" prompts whose candidate's score changed: {lost:,} lower, {won:,} higher", width), "row--head")
            ]
        change = self.changed[index - len(self.dimensions) - 1]
        delta = change.delta
        style = "row--unsure" if delta is None else "row--worse" if delta < 0 else "row--better"
        sign = self.signs.unsure if delta is None else self.signs.worse if delta < 0 else self.signs.better
        arrow = self.signs.arrow
        return [
            (f" {sign} ", style),
            (fit(one_line(change.dimension, 10), 11), "row--muted"),
            (
                fit(f"{one_line(change.was or 'unscored', 15)} {arrow} {one_line(change.now or 'unscored', 15)}", 34),
                style,
            ),
            (one_line(change.preview, max(width - 48, 0)), ""),
        ]

    def _dimension(self, index: int) -> Sequence[Piece]:
        name, now, then = self.dimensions[index]
        rates = [cell.candidate if cell else None for cell in (then, now)]
        moved = "" if None in rates else points((rates[1] or 0) - (rates[0] or 0))
        return [
            (fit("  " + name, 14), "row--strong"),
            *(self._decision(cell) for cell in (then, now)),
            (f"{percent(rates[0])} {self.signs.arrow} {percent(rates[1])}  {moved}", ""),
        ]

    def _decision(self, cell: Cell | None) -> Piece:
        if cell is None:
            return fit("not audited", 24), "row--muted"
        text = f"{self.signs.of(cell.decision)} {cell.decision} {points(cell.delta)}"
        return fit(text, 24), f"row--{DECISION_STYLE.get(cell.decision, 'unsure')}"


class CompareScreen(AuditorScreen):
    """This run against another."""

    NAME = "compare"
    ABOUT = (
        "This run against another one: the decision of each dimension then and now, and below it every prompt of both runs"
        " on which the candidate's score is not the same, the largest losses first; enter reads one in this run."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Read", id="compare.open")]

    def __init__(self, name: str, then: Summary, changed: Sequence[Change]) -> None:
        super().__init__()
        self._run_name, self._then, self._changed = name, then, changed

    def crumb(self) -> str:
        """Against which run."""
        return f"against {self._run_name}"

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield Changes(self.browser.signs, self.browser.summary, self._then, self._changed)
        yield KeyBar()

    def action_open(self) -> None:
        """Read the prompt under the cursor."""
        self.query_one(Changes).action_open()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Read it in this run; n and p walk through the changed prompts."""
        at = event.index - len(self.query_one(Changes).dimensions) - 1
        if at >= 0:
            self.browser.open_record(self.browser.listing_of([change.seq for change in self._changed]), at)
