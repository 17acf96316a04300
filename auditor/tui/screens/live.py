"""A run while it happens, in this process or another: polled from its file, so that watching costs the run nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static
from textual.worker import get_current_worker

from auditor.records import SIDES
from auditor.report.plain import one_line
from auditor.store import RunReader
from auditor.store.control import Wish, ask, wish
from auditor.tui.axis import Axis, Piece, share_bar
from auditor.tui.listing import Filter, Mode
from auditor.tui.live import LiveFeed, Snapshot
from auditor.tui.query import Term
from auditor.tui.screens.ask import ChooseScreen
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.summary import points, summarise
from auditor.tui.theme import Glyphs
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit

POLL_S = 0.5


class Matrix(RowList):
    """Dimensions as rows: done of planned, what got worse, failed, and where the difference stands."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.signs = glyphs
        self.snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer look."""
        self.snapshot = snapshot
        self.measure()

    def count(self) -> int:
        """Dimensions."""
        return len(self.snapshot.tallies) if self.snapshot else 0

    def empty(self) -> str:
        """Before the schedule is written."""
        return "the run is starting: endpoints are being probed"

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        bar, axis = self._widths(width)
        names = (
            fit("  dimension", 13) + fit("done", bar + 14) + fit("worse", 6, right=True) + fit("better", 8, right=True)
        )
        names += fit("unscored", 10, right=True) + fit("errors", 8, right=True) + "   "
        return [(names, ""), (Axis(1.0, axis).heading() if axis else "", "row--muted")]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A dimension."""
        if self.snapshot is None:
            return []
        tally = self.snapshot.tallies[index]
        bar, axis = self._widths(width)
        stands = self.snapshot.so_far.get(tally.dimension)
        share = tally.done / tally.planned if tally.planned else 0.0
        style = "row--unsure" if stands is None else "row--worse" if stands.high < 0 else "row--good"
        drawn: Sequence[Piece] = ()
        if stands is not None and axis:
            drawn = Axis(1.0, axis).bar(stands.low, stands.high, stands.delta, 0.1, style, self.signs)
        elif stands is not None:
            drawn = [(points(stands.delta), style)]
        return [
            (fit("  " + tally.dimension, 13), "row--strong"),
            (share_bar(share, bar, self.signs), "row--good" if tally.done == tally.planned else "row--accent"),
            (fit(f" {tally.done:,}/{tally.planned:,}", 14), "row--muted"),
            (fit(f"{tally.worse:,}", 6, right=True), "row--worse" if tally.worse else "row--muted"),
            (fit(f"{tally.better:,}", 8, right=True), "row--better" if tally.better else "row--muted"),
            (fit(f"{tally.unscored:,}", 10, right=True), "row--unsure" if tally.unscored else "row--muted"),
            (fit(f"{tally.failed:,}", 8, right=True) + "   ", "row--worse" if tally.failed else "row--muted"),
            *drawn,
        ]

    @staticmethod
    def _widths(width: int) -> tuple[int, int]:
        return (12, max(min(width - 77, 41), 0) // 2 * 2 + 1) if width >= 100 else (10, 0)


class LiveScreen(AuditorScreen):
    """What is done and what fails, as it falls."""

    NAME = "live"
    ABOUT = (
        "The run as it goes on: pairs done, those that got worse or could not be scored, errors, and where the difference"
        " stands so far. It is no decision: decisions are made when the run ends, with intervals that allow for them."
        " P asks the run to pause after the pairs it is asking now, and again to go on; S asks it to stop there. Both"
        " work on a run in another process; nothing that was paid for is lost."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Worse pairs", id="live.open"),
        Binding("space", "freeze", "Freeze view", id="live.freeze"),
        Binding("P", "pause", "Pause/go on", id="live.pause"),
        Binding("S", "stop", "Stop the run", id="live.stop"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._frozen = False
        self._busy = False
        self._snapshot: Snapshot | None = None
        self._feed: LiveFeed | None = None

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield Static("", id="live-state", markup=False)
        yield Matrix(self.browser.signs)
        yield Static("", id="traffic", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Start polling."""
        self.query_one(Matrix).focus()
        self.look()
        self.set_interval(POLL_S, self.look)

    def look(self) -> None:
        """Look at the run again, unless the last look still goes on or one wants to read in peace."""
        if not self._busy and not self._frozen and self.is_current:
            self._busy = True
            self.run_worker(self._poll, thread=True, group="live", exit_on_error=False)

    def action_freeze(self) -> None:
        """Stop looking, or look again."""
        self._frozen = not self._frozen
        self._tell()

    def action_open(self) -> None:
        """The worse pairs of the dimension under the cursor."""
        matrix = self.query_one(Matrix)
        if self._snapshot is not None and matrix.count():
            dimension = self._snapshot.tallies[matrix.cursor].dimension
            self.browser.open_records(Filter(Mode.REGRESSED, (Term("dim", ":", dimension),)))

    def action_pause(self) -> None:
        """Ask the run to pause, or to go on."""
        self._ask("" if wish(self.browser.reader.path) == "pause" else "pause")

    def action_stop(self) -> None:
        """Ask the run to stop, once one is sure."""
        choices = [
            ("keep going", "nothing changes"),
            ("stop", "after the pairs being asked now; the command continues it"),
        ]
        self.app.push_screen(ChooseScreen("Stop this run?", choices), self._stop)

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """A click opens, too."""
        self.action_open()

    def _stop(self, choice: int | None) -> None:
        if choice == 1:
            self._ask("stop")

    def _ask(self, what: Wish) -> None:
        if self._snapshot is not None and self._snapshot.status != "running":
            self.notify("This run is not going on.", severity="warning")
            return
        try:
            ask(self.browser.reader.path, what)
        except OSError as error:
            self.notify(f"Can't write to the run's folder: {error.strerror}.", severity="error", markup=False)
        self._tell()

    def _money(self, snapshot: Snapshot) -> str:
        """What both sides' replies cost by the price table; without the judge, whose tokens the run does not keep apart."""
        if self.browser.price is None:
            return ""
        cost = [
            self.browser.price(self.browser.reader.plan, side, *tokens)
            for side, tokens in zip(SIDES, snapshot.traffic.tokens, strict=True)
        ]
        known = [usd for usd in cost if usd is not None]
        missing = "" if len(known) == len(cost) else ", one side is not in the price table"
        return f" · about ${sum(known):.2f}{missing}" if known else " · no known price"

    def _poll(self) -> None:
        worker = get_current_worker()
        if self._feed is None:
            self._feed = LiveFeed(RunReader(self.browser.reader.path))
        snapshot = self._feed.poll()
        if not worker.is_cancelled:
            self.app.call_from_thread(partial(self._show, snapshot))

    def _show(self, snapshot: Snapshot) -> None:
        self._busy = False
        if not self.is_mounted:
            return
        ended = self._snapshot is not None and self._snapshot.status == "running" != snapshot.status
        changed = snapshot is not self._snapshot
        self._snapshot = snapshot
        if changed:
            self.query_one(Matrix).show(snapshot)
            self._tell()
        if ended:
            self.browser.renew(summarise(self.browser.reader))
            self.notify("The run ended: its findings are on the overview.")

    def _tell(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        asked = {"pause": " · pausing at the next pair: P goes on", "stop": " · stopping at the next pair"}
        wanted = asked.get(wish(self.browser.reader.path), "") if snapshot.status == "running" else ""
        frozen = " · view frozen: space looks again" if self._frozen else ""
        share = f"{100 * snapshot.done / snapshot.planned:.0f}%" if snapshot.planned else ""
        state = f"{snapshot.status} · {snapshot.done:,} of {snapshot.planned:,} pairs {share}{wanted}{frozen}"
        self.query_one("#live-state", Static).update(state)
        traffic = snapshot.traffic
        levels = self.browser.signs.levels
        purposes = ", ".join(f"{many:,} {purpose}" for purpose, many in traffic.purposes)
        lines = [
            f"tokens     {traffic.tokens_in:,} in, {traffic.tokens_out:,} out{self._money(snapshot)}",
            f"attempts   {traffic.attempts:,} ({purposes or 'none yet'}), {traffic.rate:.1f}/s in the last minute",
            f"failed     {traffic.failed:,}, of them {traffic.limited:,} rate limited; waited {traffic.waited_s:.0f} s",
            f"           {_spark(traffic.history, levels)}  attempts per 5 s",
        ]
        if traffic.limited:
            lines.append(f"           {_spark(traffic.limits, levels)}  refused with 429")
        lines += [f"limit      {one_line(change, 160)}" for change in traffic.changes]
        if traffic.last_error:
            lines.append(f"last error {one_line(traffic.last_error, 200)}")
        self.query_one("#traffic", Static).update("\n".join(lines))


def _spark(values: Sequence[int], levels: str) -> str:
    most = max(values, default=0) or 1
    return "".join(levels[-(-value * (len(levels) - 1) // most)] for value in values)
