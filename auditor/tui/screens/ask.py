"""Small questions: a line of text, or one of a few choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from auditor.report.plain import one_line
from auditor.tui.axis import Piece
from auditor.tui.widgets.row_list import RowList, fit


class AskScreen(ModalScreen[str | None]):
    """Asks for a line of text; None if one leaves without answering."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", id="ask.back")]

    def __init__(self, title: str, value: str = "", hint: str = "") -> None:
        super().__init__()
        self._title, self._value, self._hint = title, value, hint

    def compose(self) -> ComposeResult:
        """Build the screen."""
        with Vertical(id="ask") as box:
            box.border_title = self._title
            box.border_subtitle = "enter takes it, esc leaves"
            if self._hint:
                yield Static(self._hint, markup=False)
            yield Input(self._value, id="answer")

    def on_mount(self) -> None:
        """Start writing."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value.strip())


class Choices(RowList):
    """Lines to choose from."""

    HEADS = 0

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.choices = choices

    def count(self) -> int:
        """Choices."""
        return len(self.choices)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A choice and what it means."""
        name, meaning = self.choices[index]
        key = f" {index + 1} " if index < 9 else "   "
        return [
            (key, "row--accent"),
            (fit(one_line(name, 34), self._names()), "row--strong"),
            (one_line(meaning, max(width - 4 - self._names(), 0)), "row--muted"),
        ]

    def _names(self) -> int:
        """Cells of the longest name."""
        return max((min(cell_len(name), 34) for name, _ in self.choices), default=0) + 2


class ChooseScreen(ModalScreen[int | None]):
    """Asks for one of a few choices, by cursor, digit or mouse; None if one leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="choose.back"),
        Binding("enter", "open", "Choose", id="choose.open"),
        *(Binding(str(n), f"take({n - 1})", show=False) for n in range(1, 10)),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._choices = title, choices

    def compose(self) -> ComposeResult:
        """Build the screen."""
        rows = Choices(self._choices)
        rows.border_title = self._title
        rows.border_subtitle = "enter or its digit chooses, esc leaves"
        rows.styles.height = min(len(self._choices) + 2, 18)
        yield rows

    def action_open(self) -> None:
        """Choose the line under the cursor."""
        self.query_one(Choices).action_open()

    def action_take(self, index: int) -> None:
        """Choose by number."""
        if index < len(self._choices):
            self.dismiss(index)

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Answer."""
        self.dismiss(event.index)
