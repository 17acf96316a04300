"""Jump mode: a letter on everything one can go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label

LETTERS = "asdfghjklqwertyuiop"


class JumpScreen(ModalScreen[Widget | None]):
    """Shows letters over the screen below; one of them chooses, anything else leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+o", "dismiss(None)", "Back", id="jump.back")]

    def __init__(self, targets: Sequence[Widget]) -> None:
        super().__init__()
        self._targets = dict(zip(LETTERS, targets, strict=False))

    def compose(self) -> ComposeResult:
        """A letter at the corner of each target."""
        for letter, target in self._targets.items():
            label = Label(f" {letter} ", classes="jump", markup=False)
            label.absolute_offset = Offset(target.region.x, target.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Choose."""
        if event.key != "escape":
            event.stop()
            self.dismiss(self._targets.get(event.character or ""))
