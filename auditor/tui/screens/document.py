"""A long text of its own: the requests as they were sent, or a record for reading in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from auditor.records import Exchange
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block

MOST_EXCHANGES = 12


class DocumentScreen(AuditorScreen):
    """Text on the whole screen."""

    NAME = "request"
    ABOUT = (
        "Every request that was sent about this prompt, as the tape has it, with the server's reply: the questions to both"
        " sides, the one-token questions for drift, and what the judge was asked. Keys and other secrets are never on it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy", id="document.copy")]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def crumb(self) -> str:
        """Its title."""
        return self._title

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield self.title_bar()
        yield TextPane(id="document")
        yield KeyBar()

    def on_mount(self) -> None:
        """Ready to scroll."""
        pane = self.query_one(TextPane)
        if not pane.blocks:
            pane.show([Block("reading the tape…", "note")])
        pane.focus()

    def fill(self, blocks: Sequence[Block]) -> None:
        """Show the text."""
        self.query_one(TextPane).show(blocks)

    def action_copy(self) -> None:
        """Copy all of it."""
        self.browser.copy(self.query_one(TextPane).plain_text())


def exchange_blocks(exchanges: Iterator[Exchange]) -> list[Block]:
    """The exchanges of a prompt as text, requests and replies laid out."""
    blocks: list[Block] = []
    for number, found in enumerate(exchanges):
        if number == MOST_EXCHANGES:
            blocks.append(Block("and more of them", "note"))
            break
        sample = f", sample {found.sample}" if found.sample else ""
        blocks += [
            Block(f"{found.method} {_origin(found.endpoint)}{found.path}{sample}", "heading"),
            Block(_laid_out(found.request)),
            Block(f"answered {found.status} in {found.elapsed_s:.2f} s", "note"),
            Block(_laid_out(found.response), "note"),
            Block(""),
        ]
    return blocks or [Block("The tape has no request with the words of this prompt.", "note")]


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _laid_out(body: bytes) -> str:
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
