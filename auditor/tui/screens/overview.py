"""From above: every dimension with its decision, its change on a common axis, and why."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from auditor.report.plain import one_line
from auditor.tui.drift_text import beyond, by_dimension, first_token
from auditor.tui.listing import Filter, Listing, Mode
from auditor.tui.query import Term
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.records import RecordsScreen
from auditor.tui.summary import Cell, Summary, points
from auditor.tui.theme import DECISION_STYLE
from auditor.tui.widgets.finding_table import FindingTable
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.pair_head import PairHead
from auditor.tui.widgets.row_list import RowList
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block, Span


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
        yield PairHead(id="pair")
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

    def on_screen_resume(self) -> None:
        """Weigh what was overridden or labelled meanwhile."""
        self.call_after_refresh(self.browser.weigh_remarks)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Say why, for the row under the cursor."""
        self._explain()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Open the worse pairs of the row."""
        self.action_open()

    def refresh_findings(self) -> None:
        """Show what the run knows by now."""
        self._worse.clear()
        self.query_one(FindingTable).show(self.browser.summary, self.browser.weighed.overridden)
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
        self._explain()

    def _tell(self, summary: Summary) -> None:
        signs = self.browser.signs
        self.query_one("#pair", PairHead).show(summary, signs)
        sign = signs.of(summary.overall)
        headline = self.query_one("#headline", Static)
        word = self.browser.weighed.overall
        by_hand = f"\n{signs.override} With overrides by hand: {signs.of(word)} {word}." if word else ""
        headline.update(f"{sign} {summary.headline}{by_hand}")
        headline.set_classes(f"-{DECISION_STYLE.get(summary.overall, 'unsure')}")

    def _explain(self) -> None:
        cell = self.query_one(FindingTable).current()
        why = self.query_one("#why", TextPane)
        if cell is not None:
            why.border_title = cell.dimension
            why.show(self._reasons(cell))
            return
        why.border_title = "drift"
        drift = self.browser.summary.drift
        blocks = [*first_token(drift), *beyond(drift), *by_dimension(drift)]
        if drift is not None:
            blocks.append(Block("enter shows which prompts drifted most, and the tokens that moved.", "note"))
        why.show([*blocks, *(Block(f"note: {text}", "unsure") for text in self.browser.summary.warnings)])

    def _reasons(self, cell: Cell) -> list[Block]:
        if self.query_one(FindingTable).traces:
            return self._about_traces(cell)
        style = {"REGRESSED": "bad", "INCONCLUSIVE": "unsure"}.get(cell.decision, "good")
        blocks = [Block(cell.reason, style)]
        blocks += [
            Block(f"{self.browser.signs.override} {text[0].upper()}{text[1:]}.", "unsure")
            for text in self._by_hand(cell)
        ]
        counts = f"{cell.worse} got worse, {cell.better} better" if cell.worse or cell.better else "None changed"
        what = "prompts" if cell.units == cell.n else f"clusters of prompts ({cell.n} pairs)"
        unscored = f"; {cell.unscored} unscored" if cell.unscored else ""
        blocks.append(
            Block(f"{counts}, of {cell.units} {what}{unscored}. Scored by {cell.backing}{self._judge(cell)}.")
        )
        if cell.gap_text:
            blocks.append(Block(cell.gap_text))
        if cell.context:
            blocks.append(Block("Context beside the trust dimensions, not one of them.", "note"))
        if self.size.height >= 30:
            blocks += self._worst(cell)
        return [*blocks, *(Block(text, "note") for text in cell.secondary)]

    def _about_traces(self, cell: Cell) -> list[Block]:
        """What was found in the traces, and which of the figures are about them."""
        blocks = [Block(cell.gap_text or "No trace was judged.", "bad" if cell.gap else "")]
        about = [text for text in cell.secondary if "trace" in text.lower()]
        rest = [text for text in cell.secondary if text not in about]
        return [*blocks, *(Block(text) for text in about), *(Block(text, "note") for text in rest)]

    def _by_hand(self, cell: Cell) -> list[str]:
        """What people's overrides make of this dimension."""
        from auditor.report.overridden import told

        figures = self.browser.weighed.overridden.get(cell.dimension)
        return [told({"overridden": figures}).replace("-", "−")] if figures else []

    def _judge(self, cell: Cell) -> str:
        """How far the numbers hang on the judge."""
        if not cell.judged:
            return ""
        made = self.browser.weighed.corrected.get(cell.dimension, {})
        if (corrected := made.get("corrected")) is not None:
            low, high = corrected["interval"]
            mark = (
                f"corrected by {corrected['gold']} labelled pairs: {points(corrected['delta'])}"
                f" [{points(low)}, {points(high)}]"
            )
        else:
            many = f", {made['labelled']} pairs labelled so far" if made.get("labelled") else ""
            mark = f"judge-relative{many}"
        kin = "; ! forced although the judge is kin to a model it judges" if self.browser.summary.forced else ""
        return f" ({mark}{kin})"

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
        blocks = []
        for row in rows:
            became = (
                f"{row.baseline_label or row.baseline_outcome} {arrow} {row.candidate_label or row.candidate_outcome}"
            )
            blocks.append(Block(one_line(f"{became}  {row.preview}", width), "", (Span(0, len(became), "note"),)))
        heading = Block(f"worst of {len(listing):,} pairs that got worse · enter reads them", "heading")
        return [Block(""), heading, *blocks, Block("")]
