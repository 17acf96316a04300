"""One prompt, both models side by side: answer, trace, verdicts, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from auditor.records import SIDES, Side
from auditor.report.plain import harmless
from auditor.store import RecordDetail
from auditor.tui.diff import word_diff
from auditor.tui.listing import Listing
from auditor.tui.record_text import Shown, about_the_trace, headline, looked_for, question, reply_blocks
from auditor.tui.screens.remarking import RemarkingScreen
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Span


class RecordScreen(RemarkingScreen):
    """Two panes that scroll together; n and p walk through the list one came from."""

    NAME = "record"
    ABOUT = (
        "Above what was asked, below what the baseline (left) and the candidate (right) said. The answer comes first"
        " because it is what was scored; the trace below it is unfolded at once when the judge found something in it."
        " Yellow is the judge's evidence, quoted from the reply; e jumps to it. n and p walk through the list."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "walk(1)", "Next", id="record.next"),
        Binding("p", "walk(-1)", "Previous", id="record.previous"),
        Binding("t", "trace", "Trace", id="record.trace"),
        Binding("d", "diff", "Diff", id="record.diff"),
        Binding("e", "evidence", "Evidence", id="record.evidence"),
        Binding("v", "verdicts", "Judges", id="record.verdicts"),
        Binding("k", "tokens", "Tokens", show=False, id="record.tokens"),
        Binding("i", "inspect", "Request as sent", show=False, id="record.request"),
        Binding("o", "override", "Override a verdict", show=False, id="record.override"),
        Binding("c", "comment", "Comment", show=False, id="record.comment"),
        Binding("u", "undo", "Undo override", show=False, id="record.undo"),
        Binding("y", "copy", "Copy this side", show=False, id="record.copy"),
        Binding("vertical_line", "pager", "Open in pager", key_display="|", show=False, id="record.pager"),
        Binding("E", "editor", "Open in editor", show=False, id="record.editor"),
        Binding("equals_sign", "lock", "Scroll lock", key_display="=", show=False, id="record.lock"),
        Binding("asterisk", "star", "Star", key_display="*", show=False, id="record.star"),
        Binding("left", "side('baseline')", "Baseline", show=False, id="record.left", priority=True),
        Binding("right", "side('candidate')", "Candidate", show=False, id="record.right", priority=True),
        Binding("z", "zoom", "One side only", show=False, id="record.zoom"),
    ]

    def __init__(self, listing: Listing, index: int, walked: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self.listing = listing
        self.index = index
        self.locked = True
        self._walked = walked
        self._stale = False
        self._trace: bool | None = None
        self._verdicts = False
        self._diff = False
        self._spans: Mapping[Side, tuple[Span, ...]] = {}
        self._jump = -1
        self._money: Mapping[Side, float | None] = {}

    def crumb(self) -> str:
        """Where in the list one is."""
        return f"{self.index + 1:,} of {len(self.listing):,}"

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield Static("", id="where", markup=False)
        yield TextPane(id="prompt")
        with Horizontal(id="sides"):
            for side in SIDES:
                with Vertical(classes="side", id=f"{side}-side"):
                    yield Static("", id=f"{side}-head", classes="head", markup=False)
                    yield TextPane(id=side)
        yield KeyBar()

    def on_mount(self) -> None:
        """Tie the panes together and show the first record."""
        for side in SIDES:
            self.watch(self._pane(side), "scroll_y", partial(self._follow, side), init=False)
        self._load()
        self._pane("candidate").focus()

    def turn_to(self, listing: Listing, index: int, walked: Callable[[int], None] | None = None) -> None:
        """Be about a pair of another list, as if it were a new screen."""
        self.listing, self.index, self._walked = listing, index, walked
        self.locked = True
        self._trace, self._verdicts, self._diff = None, False, False
        for side in SIDES:
            self.query_one(f"#{side}-side").display = True
        self.query_one("#sides").remove_class("-one")
        self._pane("candidate").focus()
        self._stale = True

    def on_screen_resume(self) -> None:
        """Show the pair that one turned to."""
        if self._stale:
            self._stale = False
            self._load()

    def on_resize(self) -> None:
        """Give the prompt the room it needs, and no more."""
        self._fit_prompt()

    @property
    def prompt_id(self) -> str:
        """Which prompt is shown."""
        return self.listing.row(self.index).prompt_id

    def action_walk(self, by: int) -> None:
        """The next or previous pair of the list."""
        index = self.index + by
        if 0 <= index < len(self.listing):
            self.index = index
            if self._walked is not None:
                self._walked(index)
            self._load()
        else:
            self.notify("This is the last pair of the list." if by > 0 else "This is the first pair of the list.")

    def action_trace(self) -> None:
        """Unfold or fold the traces."""
        self._trace = not self._unfolded()
        self.draw(keep=True)
        if self._trace:
            line = self._pane("candidate").line_of("trace")
            pane = self._pane("candidate")
            if line is not None and line >= pane.scroll_offset.y + pane.size.height - 2:
                pane.scroll_to(y=line, animate=False)

    def action_verdicts(self) -> None:
        """Show what the judges said, raw reply included; again hides the raw reply."""
        self._verdicts = not self._verdicts
        self.draw(keep=True)
        if self._verdicts:
            for side in SIDES:
                line = self._pane(side).line_of("why")
                if line is not None:
                    self._pane(side).scroll_to(y=line, animate=False)

    def action_diff(self) -> None:
        """Mark the words that only one side has."""
        self._diff = not self._diff
        self._spans = {}
        self.draw(keep=True)
        if self._diff:
            self._compare()

    def action_evidence(self) -> None:
        """Go to the next piece of evidence, on whichever side it is."""
        marks = [(side, line) for side in ("candidate", "baseline") for line in self._pane(side).lines_marked()]
        if not marks:
            if self.detail is not None and not self._unfolded() and about_evidence(self.detail):
                self.action_trace()
                self.action_evidence()
                return
            self.notify("The judges quoted nothing from these replies.")
            return
        self._jump = (self._jump + 1) % len(marks)
        side, line = marks[self._jump]
        pane = self._pane(side)
        pane.focus()
        pane.scroll_to(y=max(line - 2, 0), animate=False)

    def action_lock(self) -> None:
        """Scroll the panes together, or each on its own."""
        self.locked = not self.locked
        self.tell()

    def action_side(self, side: Side) -> None:
        """Read one side."""
        self._pane(side).focus()

    def action_zoom(self) -> None:
        """Show only the side that has the focus; again shows both."""
        hidden = [side for side in SIDES if not self.query_one(f"#{side}-side").display]
        focused = "baseline" if self._pane("baseline").has_focus else "candidate"
        for side in SIDES:
            self.query_one(f"#{side}-side").display = bool(hidden) or side == focused
        self.query_one("#sides").set_class(not hidden, "-one")

    def action_tokens(self) -> None:
        """Show the tokens either side might have said."""
        from auditor.tui.screens.tokens import TokensScreen
        from auditor.tui.tokens import tracks

        found = tracks(self.detail) if self.detail is not None else []
        if found:
            self.app.push_screen(TokensScreen(found, self.browser.signs))
        else:
            self.notify("This prompt has no logprobs: the endpoint gives none, or it was not in the drift sample.")

    def action_inspect(self) -> None:
        """Show the requests as they were sent."""
        if self.detail is not None:
            self.browser.open_request(self.detail.prompt)

    def action_copy(self) -> None:
        """Copy the side one reads."""
        self.browser.hand_over.copy(self._focused().plain_text())

    def action_pager(self) -> None:
        """Read the whole record in $PAGER."""
        self.browser.hand_over.open_outside(self._whole(), "PAGER", "less")

    def action_editor(self) -> None:
        """Open the whole record in $EDITOR."""
        self.browser.hand_over.open_outside(self._whole(), "EDITOR", "vi")

    def _focused(self) -> TextPane:
        return self._pane("baseline" if self._pane("baseline").has_focus else "candidate")

    def _whole(self) -> str:
        if self.detail is None:
            return ""
        parts = [self.prompt_id, "\n".join(block.text for block in question(self.detail.prompt))]
        for side, record in self.detail.sides.items():
            parts += [f"--- {headline(side, record)[0]}", record.reply.answer]
            parts += [f"--- {side}: trace", record.reply.trace] if record.reply.trace else []
        return harmless("\n\n".join(parts)) + "\n"

    def _pane(self, side: str) -> TextPane:
        return self.query_one(f"#{side}", TextPane)

    def _follow(self, side: Side, y: float) -> None:
        if self.locked:
            other = self._pane("candidate" if side == "baseline" else "baseline")
            if other.scroll_y != y and not (other.scroll_y == other.max_scroll_y and y > other.max_scroll_y):
                other.scroll_to(y=min(y, other.max_scroll_y), animate=False)

    def _unfolded(self) -> bool:
        if self._trace is not None:
            return self._trace
        return self.detail is not None and about_the_trace(self.detail)

    def _load(self) -> None:
        self.detail = self.browser.reader.detail(self.prompt_id)
        self._spans, self._jump, self._money = {}, -1, {}
        self.retitle()
        self.tell()
        self.draw()
        if self._diff:
            self._compare()
        if self.browser.price is not None and self.detail is not None:
            self.run_worker(
                partial(self._find_prices, self.detail, self.prompt_id), thread=True, exclusive=True, group="price"
            )

    def _find_prices(self, detail: RecordDetail, prompt_id: str) -> None:
        price = self.browser.price
        used = {side: record.reply.usage for side, record in detail.sides.items()}
        money = {
            side: price(self.browser.reader.plan, side, usage)
            for side, usage in used.items()
            if price is not None and usage.completion_tokens is not None
        }
        if any(usd is not None for usd in money.values()):
            self.app.call_from_thread(self._show_prices, prompt_id, money)

    def _show_prices(self, prompt_id: str, money: Mapping[Side, float | None]) -> None:
        if self.is_mounted and prompt_id == self.prompt_id:
            self._money = money
            self.draw(keep=True)

    def draw(self, *, keep: bool = False) -> None:
        """Draw both sides, and above them what was asked."""
        if self.detail is None:
            return
        self.query_one("#prompt", TextPane).show(question(self.detail.prompt))
        self._fit_prompt()
        words = tuple(term.value for term in self.listing.filter.words if not term.negated)
        shown = Shown(
            self._unfolded(),
            self._verdicts,
            self._spans,
            words,
            looked_for(self.detail.prompt),
            self.browser.remarks.of(self.prompt_id),
            self._money,
        )
        for side in SIDES:
            record = self.detail.sides.get(side)
            if record is None:
                continue
            text, style = headline(side, record, self.browser.signs, shown.by_hand)
            head = self.query_one(f"#{side}-head", Static)
            head.update(text)
            head.set_classes(f"head -{style}")
            self._pane(side).show(reply_blocks(record, side, shown, self.browser.signs), keep=keep)

    def _fit_prompt(self) -> None:
        pane = self.query_one("#prompt", TextPane)
        most = max(self.size.height // 4, 3)
        pane.styles.height = min(pane.natural_height(self.size.width - 3), most) + 1
        # The last turn is the question; what stands before it can be scrolled to.
        self.call_after_refresh(pane.scroll_end, animate=False)

    def _compare(self) -> None:
        if self.detail is not None and len(self.detail.sides) == len(SIDES):
            old, new = (self.detail.sides[side].reply.answer for side in SIDES)
            self.run_worker(
                partial(self._find_differences, self.prompt_id, old, new), thread=True, exclusive=True, group="diff"
            )

    def _find_differences(self, prompt_id: str, old: str, new: str) -> None:
        gone, come = word_diff(old, new)
        self.app.call_from_thread(self._show_differences, prompt_id, gone, come)

    def _show_differences(self, prompt_id: str, gone: tuple[Span, ...], come: tuple[Span, ...]) -> None:
        if self._diff and self.is_mounted and prompt_id == self.prompt_id:
            self._spans = {"baseline": gone, "candidate": come}
            self.draw(keep=True)

    def tell(self) -> None:
        """The line above: which way it went, its id, kind and drift, and how it is marked."""
        row = self.listing.row(self.index)
        signs = self.browser.signs
        marks = self.browser.remarks.marks()
        star = f"{signs.star} " if row.prompt_id in marks.get("starred", ()) else ""
        star += f"{signs.override} " if row.prompt_id in marks.get("overridden", ()) else ""
        if row.delta is None:
            change = f"{signs.unsure} unscored"
        elif row.delta == 0:
            change = f"{signs.same} no change"
        else:
            change = f"{signs.worse} worse" if row.delta < 0 else f"{signs.better} better"
        kl = "" if row.kl is None else f" · KL ≥ {row.kl:.2f}"
        lock = "" if self.locked else " · scrolling apart"
        self.query_one("#where", Static).update(f"{star}{change} · {row.prompt_id} · {row.kind}{kl}{lock}")


def about_evidence(detail: RecordDetail) -> bool:
    """Whether a judge quoted from a trace."""
    return any(v.evidence and v.part == "trace" for record in detail.sides.values() for v in record.verdicts)
