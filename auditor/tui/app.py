"""The application: one reader, a stack of screens, one way back."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter

from auditor.report.results import results
from auditor.store import RunReader
from auditor.tui.sanitise import Sanitise
from auditor.tui.screens.overview import OverviewScreen


class AuditorApp(App[None]):
    """Browses one run."""

    TITLE = "auditor"
    CSS_PATH = "auditor.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("q", "quit", "Quit"),
        Binding("question_mark", "show_help_panel", "Keys", key_display="?"),
    ]

    def __init__(self, reader: RunReader) -> None:
        super().__init__()
        self.reader = reader
        self.results: dict[str, Any] = results(reader)
        self.ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "")

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's own filters, and ours behind them."""
        return [*super().get_line_filters(), Sanitise()]

    def on_mount(self) -> None:
        """Start at the overview."""
        self.theme = "textual-dark"
        self.push_screen(OverviewScreen())

    def action_leave(self) -> None:
        """Leave the help, else the screen; the first screen stays."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        elif len(self.screen_stack) > 2:
            self.pop_screen()
