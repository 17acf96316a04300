"""A run while it happens, in this process or another: polled from its file, so that watching costs the run nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import localtime, strftime
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static
from textual.worker import get_current_worker

from auditor.report.plain import one_line
from auditor.store import RunReader
from auditor.store.control import Wish, ask, wish
from auditor.tui.axis import Axis, Piece, share_bar
from auditor.tui.listing import Filter, Mode
from auditor.tui.live import BUCKETS, LiveFeed, Snapshot, Traffic
from auditor.tui.query import Term
from auditor.tui.screens.ask import ChooseScreen
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.summary import nice_limit, points, summarise
from auditor.tui.theme import DECISION_STYLE, Glyphs
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block

POLL_S = 0.5
_COUNTS: Final = (("worse", 6), ("better", 7), ("unsc.", 6), ("errors", 7))
_LOOK: Final = {"REGRESSED": "bad", "PRESERVED": "good", "IMPROVED": "good"}
_DECISIONS: Final = 7
"""Lines of decisions that are shown; the newest first."""


class Matrix(RowList):
    """Dimensions as rows: done of planned, what got worse, failed, where the difference stands, and what was decided."""

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
        counts = "".join(fit(name, wide, right=True) for name, wide in _COUNTS)
        names = fit("  dimension", 13) + fit("done", bar + 11) + counts + "  "
        scale = fit(self._axis(axis).heading(), axis + 2) if axis else fit("delta", 6, right=True) + "  "
        return [(names, ""), (scale, "row--muted"), ("decision", "")]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A dimension."""
        if self.snapshot is None:
            return []
        tally = self.snapshot.tallies[index]
        bar, axis = self._widths(width)
        done = share_bar(tally.done / tally.planned if tally.planned else 0.0, bar, self.signs).rstrip()
        counts = (
            (tally.worse, "row--worse"),
            (tally.better, "row--better"),
            (tally.unscored, "row--unsure"),
            (tally.failed, "row--worse"),
        )
        return [
            (fit("  " + tally.dimension, 13), "row--strong"),
            (done, "row--good" if tally.done == tally.planned else "row--accent"),
            (self.signs.track * (bar - len(done)), "row--track"),
            (fit(f" {tally.done:,}/{tally.planned:,}", 11), "row--muted"),
            *(
                (fit(f"{many:,}", wide, right=True), style if many else "row--muted")
                for (many, style), (_, wide) in zip(counts, _COUNTS, strict=True)
            ),
            ("  ", ""),
            *self._standing(tally.dimension, axis),
            self._decision(tally.dimension, width),
        ]

    def _standing(self, dimension: str, axis: int) -> Sequence[Piece]:
        """Where the difference stands, as an interval or as a number."""
        stands = self.snapshot.so_far.get(dimension) if self.snapshot else None
        style = "row--unsure" if stands is None else "row--worse" if stands.high < 0 else "row--good"
        if axis:
            drawn = (
                self._axis(axis).bar(stands.low, stands.high, stands.delta, 0.1, style, self.signs) if stands else []
            )
            return [*(drawn or [(" " * axis, "")]), ("  ", "")]
        return [(fit("" if stands is None else points(stands.delta), 6, right=True) + "  ", style)]

    def _axis(self, width: int) -> Axis:
        """One axis for all rows, as wide as they need by now."""
        stands = self.snapshot.so_far.values() if self.snapshot else ()
        return Axis(nice_limit([end for one in stands for end in (one.low, one.high)]), width)

    def _decision(self, dimension: str, width: int) -> Piece:
        """What was decided, and after how many pairs; a dot while it is open."""
        fallen = self.snapshot.decided(dimension) if self.snapshot else None
        if fallen is None:
            return "·", "row--muted"
        word = fallen.body["decision"]
        many = f" at {fallen.body['n'] + fallen.body['unscored']:,}" if width >= 100 else ""
        return f"{self.signs.of(word)} {word}{many}", f"row--{DECISION_STYLE.get(word, 'unsure')}"

    @staticmethod
    def _widths(width: int) -> tuple[int, int]:
        return (12, max(min(width - 89, 41), 8) // 2 * 2 + 1) if width >= 100 else (5, 0)


class LiveScreen(AuditorScreen):
    """What is done and what fails, as it falls."""

    NAME = "live"
    ABOUT = (
        "The run as it goes on: pairs done, those that got worse or could not be scored, errors, where the difference"
        " stands so far, and each decision as it falls: when the test of its dimension stops, or with its last pair. Until"
        " then the difference is no decision: its interval does not allow for being looked at again and again."
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
        yield TextPane(id="fallen")
        yield TextPane(id="traffic")
        yield KeyBar()

    def on_mount(self) -> None:
        """Start polling."""
        for pane in self.query(TextPane):
            pane.can_focus = False
        self.query_one("#fallen").border_title = "decisions as they fell"
        self.query_one("#traffic").border_title = "tokens, money, attempts"
        self.query_one(Matrix).focus()
        self.look()
        self.set_interval(POLL_S, self.look)

    def look(self) -> None:
        """Look at the run again, unless the last look still goes on or one wants to read in peace."""
        if not self._busy and not self._frozen and self.is_current:
            self._busy = True
            self.run_worker(self._poll, thread=True, group="live", exit_on_error=False)

    def on_screen_resume(self) -> None:
        """Look at once when one comes back."""
        self.look()

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
        share = f" · {100 * snapshot.done / snapshot.planned:.0f}%" if snapshot.planned else ""
        state = f"{snapshot.status} · {snapshot.done:,} of {snapshot.planned:,} pairs{share}{wanted}{frozen}"
        self.query_one("#live-state", Static).update(state)
        self.query_one("#fallen", TextPane).show(self._decisions(snapshot), keep=True)
        self.query_one("#traffic", TextPane).show(self._traffic(snapshot), keep=True)

    def _decisions(self, snapshot: Snapshot) -> list[Block]:
        """The decisions that fell, the newest first, each on a line."""
        if not snapshot.fallen:
            told = "none yet: one falls when the test of its dimension stops, or with its last pair"
            return [Block(told, "note")]
        signs, blocks = self.browser.signs, []
        for one in list(reversed(snapshot.fallen))[:_DECISIONS]:
            body, word = one.body, one.body["decision"]
            low, high = body["interval"]
            text = (
                f"{strftime('%H:%M:%S', localtime(one.at))}  {signs.of(word)} {one.dimension} {word.lower()} after"
                f" {body['n'] + body['unscored']:,} pairs  {points(body['delta'])} [{points(low)}, {points(high)}]"
            )
            blocks.append(Block(one_line(text, 200), _LOOK.get(word, "unsure")))
        return blocks

    def _traffic(self, snapshot: Snapshot) -> list[Block]:
        """Tokens, money, attempts and limits, with their history."""
        traffic, signs = snapshot.traffic, self.browser.signs
        room = min(max(self.size.width - 24, 8), BUCKETS)
        purposes = " · ".join(f"{many:,} {purpose.replace('_', ' ')}" for purpose, many in traffic.purposes)
        told = [
            ("tokens", f"{traffic.tokens_in:,} in, {traffic.tokens_out:,} out"),
            ("money", _money(traffic)),
            ("attempts", f"{traffic.attempts:,}, {traffic.rate:.1f}/s in the last minute"),
            ("", purposes),
            ("failed", f"{traffic.failed:,} · rate limited {traffic.limited:,} · waited {traffic.waited_s:.0f} s"),
            ("per 5 s", f"{_spark(traffic.history, signs.levels, room)} now"),
        ]
        if traffic.limited:
            told.append(("429s", f"{_spark(traffic.limits, signs.levels, room)} now"))
        if traffic.last_error:
            told.append(("last error", one_line(traffic.last_error, 200)))
        told += [("limit", one_line(change, 160)) for change in reversed(traffic.changes)]
        return [Block(f"{name:<11}{text}") for name, text in told if text]


def _money(traffic: Traffic) -> str:
    """What the calls cost so far by the ledger, the judge's included."""
    if traffic.usd is None:
        return "$ – (no price is known)"
    rest = f"; {traffic.unpriced:,} calls have no known price" if traffic.unpriced else ""
    return f"${traffic.usd:,.2f}, the judge's calls included{rest}"


def _spark(values: Sequence[int], levels: str, room: int) -> str:
    """Bars of as many of the last values as there is room for, the newest at the right end; where there was nothing yet, nothing."""
    shown = values[-room:]
    most = max(shown, default=0) or 1
    return "".join(levels[max(-(-value * (len(levels) - 1) // most), 1)] for value in shown).rjust(room)
