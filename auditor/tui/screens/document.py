"""The requests about a prompt as they were sent, with what came back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import get_current_worker

from auditor.records import Exchange, Prompt
from auditor.report.plain import one_line
from auditor.store import RunReader
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block

MOST_EXCHANGES = 12


class RequestScreen(AuditorScreen):
    """Every request about a prompt; they come in as the tape is read."""

    NAME = "request"
    ABOUT = (
        "Every request that was sent about this prompt, as the tape has it, with the server's reply: the questions to both"
        " sides, the one-token questions for drift, and what the judge was asked. Keys and other secrets are never on it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "walk(1)", "Next request", id="document.next"),
        Binding("p", "walk(-1)", "Previous", id="document.previous"),
        Binding("y", "copy", "Copy", id="document.copy"),
    ]

    def __init__(self, prompt: Prompt) -> None:
        super().__init__()
        self._prompt = prompt
        self._found: list[Exchange] = []

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield TextPane(id="document")
        yield KeyBar()

    def on_mount(self) -> None:
        """Look on the tape, in the background."""
        pane = self.query_one(TextPane)
        pane.show([Block("reading the tape…", "note")])
        pane.focus()
        self.run_worker(self._look, thread=True, group="requests")

    def action_walk(self, by: int) -> None:
        """Scroll to the next or previous request."""
        pane = self.query_one(TextPane)
        starts = [line for i in range(len(self._found)) if (line := pane.line_of(f"request-{i}")) is not None]
        at = int(pane.scroll_offset.y)
        beyond = [line for line in starts if (line > at if by > 0 else line < at)]
        if beyond:
            pane.scroll_to(y=beyond[0] if by > 0 else beyond[-1], animate=False)

    def action_copy(self) -> None:
        """Copy all of it."""
        self.browser.hand_over.copy(self.query_one(TextPane).plain_text())

    def _look(self) -> None:
        worker = get_current_worker()
        reader = RunReader(self.browser.reader.path)
        try:
            asked = self._prompt.messages[-1].content
            some = self.browser.search.index.exchanges_about(reader, asked, lambda: not worker.is_cancelled)
            for found in islice(filter(self._is_about, some), MOST_EXCHANGES + 1):
                self._found.append(found)
                self.app.call_from_thread(self._show, reading=True)
        finally:
            reader.close()
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show, reading=False)

    def _is_about(self, found: Exchange) -> bool:
        """Whether a request with the last words of this prompt is about it: a side was asked all of it, a judge need not
        have been shown what stands before.
        """
        whole = all(msgspec.json.encode(m.content)[1:-1] in found.request for m in self._prompt.messages)
        return whole or _model(found.request) not in self.browser.summary.models

    def _show(self, *, reading: bool) -> None:
        if self.is_mounted:
            more = [Block("reading on…", "note")] if reading else []
            self.query_one(TextPane).show([*exchange_blocks(self._found), *more], keep=True)


def exchange_blocks(exchanges: Iterable[Exchange]) -> list[Block]:
    """The exchanges of a prompt as text, requests and replies laid out."""
    blocks: list[Block] = []
    for number, found in enumerate(exchanges):
        if number == MOST_EXCHANGES:
            blocks.append(Block("and more of them", "note"))
            break
        sample = f", sample {found.sample}" if found.sample else ""
        blocks += [
            Block(
                f"{number + 1} · {_model(found.request)}{sample} · {found.method} {_origin(found.endpoint)}{found.path}",
                "heading",
                key=f"request-{number}",
            ),
            Block(_laid_out(found.request)),
            Block(f"answered {found.status} in {found.elapsed_s:.2f} s", "note"),
            Block(_laid_out(found.response), "note"),
            Block(""),
        ]
    return blocks or [Block("The tape has no request with the words of this prompt.", "note")]


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _model(request: bytes) -> str:
    """The model that a request names."""
    try:
        body = msgspec.json.decode(request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return one_line(str(body.get("model", "")), 80) if isinstance(body, dict) else ""


def _laid_out(body: bytes) -> str:
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
