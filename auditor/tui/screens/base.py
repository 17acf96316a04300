"""What every screen has: a breadcrumb on top, keys at the bottom, the run behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from auditor.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from auditor.tui.app import AuditorApp


class AuditorScreen(Screen[None]):
    """A screen of the browser."""

    NAME: ClassVar[str] = ""
    """What the breadcrumb calls it."""
    ABOUT: ClassVar[str] = ""
    """What the help says about it: what one sees and what one would do next."""

    @property
    def browser(self) -> AuditorApp:
        """The application, by its own type."""
        return cast("AuditorApp", self.app)

    def crumb(self) -> str:
        """This screen's step of the breadcrumb."""
        return self.NAME

    def title_bar(self) -> TitleBar:
        """The line at the top."""
        return TitleBar([*self.browser.crumbs(below=self), self.crumb()], *self.browser.state_of_run())

    def retitle(self) -> None:
        """Show the breadcrumb anew."""
        for bar in self.query(TitleBar):
            bar.show([*self.browser.crumbs(below=self), self.crumb()], *self.browser.state_of_run())

    def on_title_bar_chosen(self, event: TitleBar.Chosen) -> None:
        """Go back by the breadcrumb."""
        self.browser.leave(event.up)
