"""The tokens either side might have said, position by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from auditor.tui.axis import Piece, share_bar
from auditor.tui.theme import Glyphs
from auditor.tui.tokens import Alternative, Track, alternatives, heat, shown
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit
from auditor.tui.widgets.text_pane import TextPane
from auditor.tui.wrap import Block, Span


class AlternativeList(RowList):
    """Alternatives at one position, with both sides' probabilities."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.rows: list[Alternative] = []
        self.signs = glyphs

    def show(self, rows: list[Alternative]) -> None:
        """Show another position."""
        self.rows = rows
        self.measure()
        self.put_cursor(0)

    def count(self) -> int:
        """Alternatives."""
        return len(self.rows)

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        bar = self._bar(width)
        return [
            (fit(" token", 20) + fit("baseline", 8 + bar) + fit("candidate", 8 + bar) + fit("moved", 9, right=True), "")
        ]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """An alternative."""
        row = self.rows[index]
        bar = self._bar(width)
        moved = "" if row.shift is None else f"{100 * row.shift:+.1f}".replace("-", "−")
        style = "" if row.shift is None else "row--better" if row.shift > 0 else "row--worse"
        return [
            (" " + fit(shown(row.token), 19), "row--strong"),
            (self._share(row.baseline), "row--muted"),
            (share_bar(row.baseline or 0.0, bar, self.signs) + " ", "row--muted"),
            (self._share(row.candidate), ""),
            (share_bar(row.candidate or 0.0, bar, self.signs) + " ", "row--accent"),
            (fit(moved, 9, right=True), style),
        ]

    @staticmethod
    def _share(value: float | None) -> str:
        return "    –  " if value is None else f"{100 * value:5.1f}% "

    @staticmethod
    def _bar(width: int) -> int:
        return max(min((width - 46) // 2, 24), 4)


class TokensScreen(ModalScreen[None]):
    """A strip of tokens in the heat of their uncertainty, and the alternatives under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,k", "dismiss", "Back", id="tokens.back"),
        Binding("right,l", "step(1)", "Next token", id="tokens.next", priority=True),
        Binding("left,h", "step(-1)", "Token before", id="tokens.previous", priority=True),
        Binding("tab", "track", "Other tokens", id="tokens.track", priority=True),
    ]

    def __init__(self, tracks: Sequence[Track], glyphs: Glyphs) -> None:
        super().__init__()
        self._tracks = tracks
        self._signs = glyphs
        self._track = 0
        self._at = 0

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield Static("", id="tokens-title", markup=False)
        yield TextPane(id="strip")
        yield AlternativeList(self._signs)
        yield KeyBar()

    def on_mount(self) -> None:
        """Start at the first token."""
        self.query_one("#strip", TextPane).can_focus = False
        self.query_one(AlternativeList).focus()
        self._draw()

    def action_step(self, by: int) -> None:
        """Another position."""
        self._at = max(0, min(self._at + by, len(self._tracks[self._track].main) - 1))
        self._draw()

    def action_track(self) -> None:
        """The tokens of another reply."""
        self._track = (self._track + 1) % len(self._tracks)
        self._at = 0
        self._draw()

    def _draw(self) -> None:
        track = self._tracks[self._track]
        more = f" · {self._track + 1} of {len(self._tracks)}" if len(self._tracks) > 1 else ""
        legend = " · darker: less sure of the token it chose" if len(track.main) > 1 else ""
        self.query_one("#tokens-title", Static).update(f"{track.title}{more}{legend}")
        text, spans, at = "", [], 0
        for number, position in enumerate(track.main):
            token = shown(position.sampled.token)
            level = heat(position)
            if level:
                spans.append(Span(at, at + len(token), f"heat{level}"))
            if number == self._at:
                spans.append(Span(at, at + len(token), "cursor"))
                start = at
            text += token
            at += len(token)
        strip = self.query_one("#strip", TextPane)
        strip.show([Block(text, "", tuple(spans))], keep=True)
        strip.styles.height = min(max(strip.natural_height(self.size.width - 8), 1), max(self.size.height // 3, 1))
        if text:
            line = strip.line_at(start)
            if not strip.scroll_offset.y <= line < strip.scroll_offset.y + strip.size.height:
                strip.scroll_to(y=line, animate=False)
        self.query_one(AlternativeList).show(alternatives(track, self._at))
