"""From above: every dimension with its decision, its change on a common axis, and why."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from auditor.report.plain import one_line
from auditor.tui.listing import Filter, Listing, Mode
from auditor.tui.query import Term
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.records import RecordsScreen
from auditor.tui.summary import Cell, Summary, drift_line
from auditor.tui.theme import DECISION_STYLE
from auditor.tui.widgets.finding_table import FindingTable
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block


class OverviewScreen(AuditorScreen):
    """Dimensions as rows; enter opens the pairs that got worse."""

    NAME = "overview"
    ABOUT = (
        "One line per dimension. The bar is the interval of candidate minus baseline: left of zero is worse, and the"
        " shaded zone beyond the dotted line is a loss larger than the margin. ▼ REGRESSED: a loss was shown."
        " = PRESERVED: a loss as large as the margin is excluded. ▲ IMPROVED: a gain was shown. ? INCONCLUSIVE: neither."
        " The cursor starts on the dimension that lost most; enter reads its pairs, worst first."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Worse pairs", id="overview.open"),
        Binding("a", "all", "All pairs", id="overview.all"),
        Binding("t", "traces", "Traces", id="overview.traces"),
        Binding("D", "app.drift", "Drift", id="overview.drift"),
        Binding("L", "app.live", "Live", id="overview.live"),
        Binding("R", "app.runs", "Runs", id="overview.runs"),
        Binding("B", "app.label", "Label", show=False, id="overview.label"),
        Binding("r", "again", "Last list", show=False, id="overview.again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._worse: dict[str, Listing] = {}

    def compose(self) -> ComposeResult:
        """Build the screen."""
        summary = self.browser.summary
        yield self.title_bar()
        yield Static("", id="pair", markup=False)
        yield Static("", id="headline", markup=False)
        yield FindingTable(summary, self.browser.signs, id="findings")
        yield TextPane(id="why")
        yield KeyBar()

    def on_mount(self) -> None:
        """Start on the worst dimension."""
        self.query_one("#why", TextPane).can_focus = False
        table = self.query_one(FindingTable)
        table.focus()
        self._tell(self.browser.summary)
        table.put_cursor(self.browser.summary.worst())

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Say why, for the row under the cursor."""
        self._explain()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Open the worse pairs of the row."""
        self.action_open()

    def refresh_findings(self) -> None:
        """Show what the run knows by now."""
        self._worse.clear()
        self.query_one(FindingTable).show(self.browser.summary)
        self._tell(self.browser.summary)
        self._explain()
        self.retitle()

    def action_open(self) -> None:
        """The pairs of this dimension that got worse; all of them if none did."""
        cell = self.query_one(FindingTable).current()
        if cell is None:
            self.browser.action_drift()
            return
        terms = (Term("dim", ":", cell.dimension),)
        worse = Filter(Mode.REGRESSED, terms)
        self.app.push_screen(RecordsScreen(worse if self.browser.any_pair(worse) else Filter(Mode.ALL, terms)))

    def action_all(self) -> None:
        """Every pair of every dimension."""
        self.app.push_screen(RecordsScreen(Filter()))

    def action_again(self) -> None:
        """The list as it was filtered last, also in an earlier session."""
        self.app.push_screen(RecordsScreen(self.browser.remembered() or Filter()))

    def action_traces(self) -> None:
        """Show the answers' decisions, or what was found in the traces."""
        table = self.query_one(FindingTable)
        table.traces = not table.traces
        table.refresh()

    def _tell(self, summary: Summary) -> None:
        lines = [f"baseline   {summary.baseline}", f"candidate  {summary.candidate}", f"judge      {summary.judge}"]
        self.query_one("#pair", Static).update("\n".join(lines))
        sign = self.browser.signs.of(summary.overall)
        headline = self.query_one("#headline", Static)
        headline.update(f"{sign} {summary.headline}")
        headline.set_classes(f"-{DECISION_STYLE.get(summary.overall, 'unsure')}")

    def _explain(self) -> None:
        cell = self.query_one(FindingTable).current()
        why = self.query_one("#why", TextPane)
        if cell is not None:
            why.border_title = cell.dimension
            why.show(self._reasons(cell))
            return
        why.border_title = "drift"
        blocks = [Block(drift_line(self.browser.summary.drift))]
        if self.browser.summary.drift is not None:
            blocks.append(Block("enter shows which prompts drifted most, and the tokens that moved.", "note"))
        why.show([*blocks, *(Block(f"note: {text}", "unsure") for text in self.browser.summary.warnings)])

    def _reasons(self, cell: Cell) -> list[Block]:
        style = {"REGRESSED": "bad", "INCONCLUSIVE": "unsure"}.get(cell.decision, "good")
        blocks = [Block(cell.reason, style)]
        counts = f"{cell.worse} got worse, {cell.better} better" if cell.worse or cell.better else "None changed"
        what = "prompts" if cell.units == cell.n else f"clusters of prompts ({cell.n} pairs)"
        unscored = f"; {cell.unscored} unscored" if cell.unscored else ""
        blocks.append(Block(f"{counts}, of {cell.units} {what}{unscored}. Scored by {cell.backing}."))
        overridden = Filter(Mode.OVERRIDDEN, (Term("dim", ":", cell.dimension),))
        by_hand = len(self.browser.listing(overridden)) if self.browser.remarks.marks().get("overridden") else 0
        if by_hand:
            blocks.append(Block(f"{by_hand} overridden by hand; these numbers are without that.", "unsure"))
        if cell.gap_text:
            blocks.append(Block(cell.gap_text))
        if cell.context:
            blocks.append(Block("Context beside the trust dimensions, not one of them.", "note"))
        if self.size.height >= 30:
            blocks += self._worst(cell)
        return [*blocks, *(Block(text, "note") for text in cell.secondary)]

    def _worst(self, cell: Cell) -> list[Block]:
        """A look ahead: the first prompts of what enter opens."""
        listing = self._worse.get(cell.dimension)
        if listing is None:
            listing = self.browser.listing(Filter(Mode.REGRESSED, (Term("dim", ":", cell.dimension),)))
            self._worse[cell.dimension] = listing
        rows = [listing.row(i) for i in range(min(len(listing), 5))]
        if not rows:
            return []
        arrow = self.browser.signs.arrow
        width = max(self.size.width - 6, 20)
        lines = [
            one_line(
                f"{r.baseline_label or r.baseline_outcome} {arrow} {r.candidate_label or r.candidate_outcome}  {r.preview}",
                width,
            )
            for r in rows
        ]
        heading = Block(f"worst of {len(listing):,} pairs that got worse · enter reads them", "heading")
        return [Block(""), heading, Block("\n".join(lines), "note"), Block("")]
