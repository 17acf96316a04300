"""One prompt, both models side by side: answer, trace, verdicts, and what was asked."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Label, Static

from auditor.records import SIDES, Prompt, Side
from auditor.store import SideRecord
from auditor.tui.model import Listing
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.widgets.text_pane import Block, TextPane


class RecordScreen(AuditorScreen):
    """Two panes that scroll together; n and p walk through the list one came from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "walk(1)", "Next"),
        Binding("p", "walk(-1)", "Previous"),
        Binding("t", "trace", "Trace"),
        Binding("equals_sign", "lock", "Scroll lock", key_display="="),
    ]

    def __init__(self, listing: Listing, index: int) -> None:
        super().__init__()
        self.listing = listing
        self.index = index
        self.with_trace = False
        self.locked = True

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.crumb(self.listing.filter.dimension or "all dimensions", "record")
        yield Static("", id="where", markup=False)
        yield TextPane(id="prompt")
        with Horizontal(id="sides"):
            for side in SIDES:
                with Vertical(classes="side"):
                    yield Label("", id=f"{side}-head", classes="head", markup=False)
                    yield TextPane(id=side)
        yield Footer()

    def on_mount(self) -> None:
        """Tie the panes together and show the first record."""
        for side in SIDES:
            self.watch(self.query_one(f"#{side}", TextPane), "scroll_y", lambda y, side=side: self._follow(side, y))
        self._show()
        self.query_one("#candidate").focus()

    def action_walk(self, by: int) -> None:
        """The next or previous pair of the list."""
        index = self.index + by
        if 0 <= index < len(self.listing):
            self.index = index
            self._show()

    def action_trace(self) -> None:
        """Unfold or fold the traces."""
        self.with_trace = not self.with_trace
        self._show()

    def action_lock(self) -> None:
        """Scroll the panes together, or each on its own."""
        self.locked = not self.locked
        self._show_where()

    def _follow(self, side: Side, y: float) -> None:
        if self.locked:
            other = self.query_one("#candidate" if side == "baseline" else "#baseline", TextPane)
            if other.scroll_y != y:
                other.scroll_to(y=min(y, other.max_scroll_y), animate=False)

    def _show(self) -> None:
        row = self.listing.row(self.index)
        detail = self.browser.reader.detail(row.prompt_id)
        self._show_where()
        if detail is None:
            return
        self.query_one("#prompt", TextPane).show(_question(detail.prompt))
        for side in SIDES:
            record = detail.sides[side]
            self.query_one(f"#{side}-head", Label).update(_headline(side, record))
            self.query_one(f"#{side}", TextPane).show(_reply(record, with_trace=self.with_trace))

    def _show_where(self) -> None:
        row = self.listing.row(self.index)
        delta = "unscored" if row.delta is None else f"delta {row.delta:+.2f}"
        kl = "" if row.kl is None else f"  ·  first-token KL ≥ {row.kl:.3f} nats"
        lock = "" if self.locked else "  ·  scrolling apart"
        self.query_one("#where", Static).update(
            f"{self.index + 1} of {len(self.listing)}  ·  {row.prompt_id}  ·  {row.kind}  ·  {delta}{kl}{lock}"
        )


def _question(prompt: Prompt) -> list[Block]:
    blocks = []
    for message in prompt.messages:
        blocks += [Block(message.role, "heading"), Block(message.content)]
    return blocks


def _headline(side: Side, record: SideRecord) -> str:
    scored = record.scored
    score = "unscored" if scored.score is None else f"score {scored.score:g}"
    return f"{side}: {scored.label or scored.outcome} ({score}, {scored.outcome})"


def _reply(record: SideRecord, *, with_trace: bool) -> list[Block]:
    reply, scored = record.reply, record.scored
    blocks: list[Block] = []
    evidence = {verdict.part: verdict.evidence for verdict in record.verdicts if verdict.evidence}
    if reply.trace is not None:
        judged = f", judged {scored.trace_label}" if scored.trace_label else ""
        if with_trace:
            blocks += [
                Block(f"trace ({len(reply.trace)} characters{judged})", "heading"),
                Block(reply.trace, "trace", evidence.get("trace", "")),
            ]
        else:
            blocks.append(Block(f"▸ trace folded: {len(reply.trace)} characters{judged}; t unfolds", "note"))
        blocks.append(Block(""))
    blocks += [
        Block("answer", "heading"),
        Block(reply.answer, "", evidence.get("answer", "")) if reply.answer else Block("(no answer)", "note"),
    ]
    facts = [scored.detail, reply.detail, f"finish reason {reply.finish_reason}" if reply.finish_reason else ""]
    for verdict in record.verdicts:
        said = verdict.label or f"unscored: {verdict.unscored_reason}"
        facts.append(f"{verdict.judge} on the {verdict.part}, {verdict.rubric}: {said}. {verdict.rationale}")
    usage = reply.usage
    if usage.completion_tokens is not None:
        took = "" if reply.latency_s is None else f" in {reply.latency_s:.2f} s"
        facts.append(f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out{took}")
    return [*blocks, Block(""), *(Block(fact, "note") for fact in facts if fact)]
