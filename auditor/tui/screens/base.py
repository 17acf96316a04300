"""What every screen has: a breadcrumb on top, keys at the bottom, the run behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen
from textual.widgets import Label

if TYPE_CHECKING:
    from auditor.tui.app import AuditorApp


class AuditorScreen(Screen[None]):
    """A screen of the browser."""

    @property
    def browser(self) -> AuditorApp:
        """The application, by its own type."""
        return cast("AuditorApp", self.app)

    def crumb(self, *where: str) -> Label:
        """The line at the top: where one is, and that a synthetic run is one."""
        name = self.browser.reader.path.name
        synthetic = "  ·  SYNTHETIC" if self.browser.results["synthetic"] else ""
        return Label(" › ".join(("auditor", name, *where)) + synthetic, id="crumb", markup=False)
