"""Help for the screen one is on: what it shows, and every key that works there."""

from __future__ import annotations

from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from auditor.tui.widgets.row_list import fit
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

    @staticmethod
    def _column(keys: list[tuple[str, str]]) -> list[str]:
        """Keys and what they do, one below the other."""
        wide = max((cell_len(key) for key, _ in keys), default=0) + 2
        return [fit(key, wide) + what for key, what in keys]

    def on_mount(self) -> None:
        """Fill it."""
        pane = self.query_one("#help", TextPane)
        half = -(-len(self._keys) // 2)
        left, right = self._column(self._keys[:half]), self._column(self._keys[half:])
        wide = max(map(cell_len, left), default=0) + 4
        lines = "\n".join(fit(a, wide) + b for a, b in zip_longest(left, right, fillvalue=""))
        pane.show([Block(self._about), Block(""), Block("keys", "heading"), Block(lines)])
        pane.focus()
