"""Help for the screen one is on: what it shows, and every key that works there."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block


class HelpScreen(ModalScreen[None]):
    """Shows text; any way back leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "Back", id="help.back")]

    def __init__(self, title: str, about: str, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._about = about
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Build the screen."""
        pane = TextPane(id="help")
        pane.border_title = self._title
        pane.border_subtitle = "esc closes"
        yield pane

    def on_mount(self) -> None:
        """Fill it."""
        lines = "\n".join(f"  {key:<12} {what}" for key, what in self._keys)
        pane = self.query_one("#help", TextPane)
        pane.show([Block(self._about), Block(""), Block("keys", "heading"), Block(lines)])
        pane.focus()
