"""Blinded labelling: judge replies as the judge does, without seeing whose they are or what was decided."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from auditor.report.plain import one_line
from auditor.store import RunReader
from auditor.tui.labels import Item, Queue
from auditor.tui.record_text import looked_for, question
from auditor.tui.screens.ask import Choices
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block


class LabelScreen(AuditorScreen):
    """One reply at a time; a digit labels it and brings the next."""

    NAME = "label"
    ABOUT = (
        "Judge replies yourself, so that the judge can be measured against you. Neither the model nor the judge's label is"
        " shown, and the order is shuffled. A digit labels the reply and brings the next one; u takes the last label back;"
        " space leaves one for later. Labels are kept beside the run and never change its numbers."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"label({n - 1})", show=False) for n in range(1, 10)),
        Binding("enter", "open", "Label", id="label.open"),
        Binding("space", "skip", "Later", id="label.skip"),
        Binding("u", "undo", "Undo", id="label.undo"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue | None = None
        self._reader: RunReader | None = None
        self._item: Item | None = None
        self._skipped: set[Item] = set()

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield Static("", id="label-state", markup=False)
        yield TextPane(id="label-prompt")
        yield TextPane(id="label-text")
        yield Static("", id="label-means", markup=False)
        yield Choices([])
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the rubrics in the background: that loads half of the program."""
        self.query_one("#label-state", Static).update("reading the rubrics…")
        self.run_worker(self._read, thread=True, group="label")

    def _read(self) -> None:
        reader = RunReader(self.browser.reader.path)
        queue = Queue(reader, self.browser.annotations, self.browser.rubrics())
        self.app.call_from_thread(self._begin, queue, reader)

    def _begin(self, queue: Queue, reader: RunReader) -> None:
        if not self.is_mounted:
            reader.close()
            return
        self.queue, self._reader = queue, reader
        self._next()

    def on_unmount(self) -> None:
        """Close what was opened for the queue."""
        if self._reader is not None:
            self._reader.close()

    def action_label(self, index: int) -> None:
        """Label what is shown."""
        choices = self.query_one(Choices).choices
        if self.queue is not None and self._item is not None and index < len(choices):
            self.queue.label(self._item, choices[index][0])
            self.browser.remarks.changed()
            self._next()

    def action_open(self) -> None:
        """Label by the cursor."""
        self.query_one(Choices).action_open()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Label by the mouse or the cursor."""
        self.action_label(event.index)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Say in full what the label under the cursor means."""
        choices = self.query_one(Choices).choices
        if event.index < len(choices):
            self.query_one("#label-means", Static).update(one_line(choices[event.index][1], 400))

    def action_skip(self) -> None:
        """Leave it for later."""
        if self._item is not None:
            self._skipped.add(self._item)
        self._next()

    def action_undo(self) -> None:
        """Take the last label back, and show that reply again."""
        if self.queue is not None and self.queue.undo():
            self.browser.remarks.changed()
            self._next()
        else:
            self.notify("There is no label to take back.")

    def _next(self) -> None:
        if self.queue is None:
            return
        item = self.queue.next()
        if item in self._skipped:
            item = next((i for i in self.queue.items if i not in self._skipped and not self._labelled(i)), None)
        self._item = item
        state = f"{self.queue.done():,} of {len(self.queue.items):,} labelled"
        choices = self.query_one(Choices)
        prompt, text = self.query_one("#label-prompt", TextPane), self.query_one("#label-text", TextPane)
        if item is None:
            self.query_one("#label-state", Static).update(state)
            prompt.show([])
            text.show(
                [Block("Nothing is left to label." if self.queue.items else "This run has no judged replies.", "good")]
            )
            choices.choices = []
            self.query_one("#label-means", Static).update("")
            choices.measure()
            return
        detail = self.browser.reader.detail(item.prompt_id)
        self.query_one("#label-state", Static).update(f"{state} · rubric {item.rubric} · judge the {item.part}")
        if detail is not None:
            reply = detail.sides[item.side].reply
            facts = [f"listed facts: {'; '.join(looked_for(detail.prompt))}"] if looked_for(detail.prompt) else []
            asked = [Block("asked", "heading"), *question(detail.prompt), *(Block(text, "note") for text in facts)]
            prompt.show(asked)
            prompt.styles.height = min(prompt.natural_height(self.size.width - 3), max(self.size.height // 4, 3)) + 1
            text.show(
                [Block(item.part, "heading"), Block((reply.trace if item.part == "trace" else reply.answer) or "")]
            )
        choices.choices = self.queue.labels(item)
        choices.styles.height = max(len(choices.choices), 1) + 2
        choices.measure()
        choices.put_cursor(0)
        choices.focus()

    def _labelled(self, item: Item) -> bool:
        return item.place in self.browser.annotations.current("label")
