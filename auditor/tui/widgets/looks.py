"""Component classes as styles that can be laid over each other: only what a class sets, blended with the widget's colours."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


class Looks(Widget):
    """A widget that draws its lines itself, in styles from the stylesheet."""

    def look(self, names: str) -> Style:
        """The style of component classes, separated by blanks; later ones win."""
        style = Style.null()
        for name in names.split():
            rules = self.get_component_styles(name)
            whole = self.get_component_rich_style(name)
            style += Style(
                color=whole.color if rules.has_rule("color") else None,
                bgcolor=whole.bgcolor if rules.has_rule("background") else None,
                bold=whole.bold,
                italic=whole.italic,
                underline=whole.underline,
            )
        return style
