"""How parts of a line look: colours of the theme by name. Widgets here draw their own lines, so a look need not be a rule
of the stylesheet: Textual would work every such rule out anew for every widget of every screen that opens.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from rich.style import Style
from textual.color import Color
from textual.widget import Widget


class Look(NamedTuple):
    """Colours are names of theme variables; a share below 1 lets what is below shine through."""

    fg: str = ""
    fg_share: float = 1.0
    bg: str = ""
    bg_share: float = 1.0
    bold: bool | None = None
    italic: bool | None = None
    underline: bool | None = None


LOOKS: Final[dict[str, Look]] = {
    "row--cursor": Look(bg="primary", bg_share=0.22, bold=True),
    "row--head": Look("foreground", 0.65, "surface"),
    "row--worse": Look("text-error"),
    "row--better": Look("text-accent"),
    "row--good": Look("text-success"),
    "row--unsure": Look("text-warning"),
    "row--muted": Look("foreground", 0.6),
    "row--accent": Look("text-accent"),
    "row--axis": Look("foreground", 0.45),
    "row--track": Look("foreground", 0.25),
    "row--margin": Look("text-error", 0.7),
    "row--loss": Look(bg="error", bg_share=0.09),
    "row--strong": Look(bold=True),
    "row--mark": Look("text-warning"),
    "text--heading": Look("text-accent", bold=True),
    "text--trace": Look("foreground", 0.8, italic=True),
    "text--note": Look("foreground", 0.6),
    "text--strong": Look(bold=True),
    "text--quoted": Look(bold=True, underline=True),
    "text--mark": Look(bg="warning", bg_share=0.35, bold=True),
    "text--hit": Look(bg="accent", bg_share=0.35),
    "text--old": Look(bg="error", bg_share=0.25),
    "text--new": Look(bg="success", bg_share=0.25),
    "text--bad": Look("text-error", bold=True),
    "text--good": Look("text-success", bold=True),
    "text--unsure": Look("text-warning", bold=True),
    "text--heat1": Look(bg="warning", bg_share=0.15),
    "text--heat2": Look(bg="warning", bg_share=0.3),
    "text--heat3": Look(bg="error", bg_share=0.35),
    "text--heat4": Look(bg="error", bg_share=0.6),
    "text--cursor": Look("background", 1.0, "primary", bold=True),
    "text--kl1": Look("foreground", 0.5),
    "text--kl2": Look("text-success"),
    "text--kl3": Look("text-warning"),
    "text--kl4": Look("text-error"),
    "title--here": Look("foreground", bold=True),
    "title--warn": Look("text-warning", bold=True),
    "chips--mode": Look("foreground", 1.0, "primary", 0.45, bold=True),
    "chips--term": Look("foreground", 1.0, "panel"),
    "chips--note": Look("foreground", 0.6),
    "keys--key": Look("text-accent", bold=True),
    "keys--what": Look("foreground", 0.85),
}


class Looks(Widget):
    """A widget that draws its lines itself."""

    _ground: Style | None = None

    @property
    def ground(self) -> Style:
        """The widget's own style; Textual works it out anew from all ancestors for each line."""
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    def notify_style_update(self) -> None:
        """Another theme, another ground."""
        self._ground = None
        super().notify_style_update()

    def look(self, names: str, base: Style | None = None) -> Style:
        """Looks by name, separated by blanks, later ones over earlier ones, to be laid over ``base`` (else the widget's own
        style). Raises KeyError for an unknown name.
        """
        below = (base if base is not None else self.ground).bgcolor
        ground = Color.from_rich_color(below) if below is not None else self.background_colors[1]
        variables = self.app.theme_variables
        style = Style.null()
        for name in names.split():
            look = LOOKS[name]
            style += _style(look, variables.get(look.fg, ""), variables.get(look.bg, ""), ground)
            if style.bgcolor is not None:
                ground = Color.from_rich_color(style.bgcolor)
        return style


@lru_cache(2048)
def _style(look: Look, fg: str, bg: str, ground: Color) -> Style:
    below = ground.blend(Color.parse(bg), look.bg_share) if bg else ground
    return Style(
        color=below.blend(Color.parse(fg), look.fg_share).rich_color if fg else None,
        bgcolor=below.rich_color if bg else None,
        bold=look.bold,
        italic=look.italic,
        underline=look.underline,
    )
