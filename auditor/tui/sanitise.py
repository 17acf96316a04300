"""The last guards: whatever a widget shows, no control character of a model's text reaches the terminal, and no character
that the terminal's encoding does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from auditor.report.plain import harmless

_DRAWN: Final = {
    **dict.fromkeys("─━┄┅┈┉╌╍═╸╺╴╶▔▁▂▃", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║▏▎▍▌▐▕", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬", "+"),
    **dict.fromkeys("█▇▆▅▄▀■", "#"),
    "…": ".",
    "·": "-",
    "›": ">",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "−": "-",
    "–": "-",
    "≥": ">",
    "≤": "<",
    "✓": "x",
    "•": "*",
    "×": "x",
    "’": "'",
    "“": '"',
    "”": '"',
    "‖": "|",
    "⏎": ">",
    "✕": "x",
    "▼": "v",
    "▲": "^",
    "●": "o",
    "≠": "~",
    "★": "*",
}


class Sanitise(LineFilter):
    """Shows control characters as pictures in every line of every widget."""

    def apply(self, segments: Sequence[Segment], background: Color) -> list[Segment]:
        """Clean the text of all segments that are not terminal control of Textual's own."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment(harmless(segment.text).replace("\n", "␊").replace("\t", " "), segment.style)
            for segment in segments
        ]


class PlainAscii(LineFilter):
    """Replaces what a terminal without Unicode can't show by something of the same width."""

    def apply(self, segments: Sequence[Segment], background: Color) -> list[Segment]:
        """Rewrite the text of segments that are not plain."""
        return [
            segment if segment.control or segment.text.isascii() else Segment(_plain(segment.text), segment.style)
            for segment in segments
        ]


def _plain(text: str) -> str:
    return "".join(c if c.isascii() else _DRAWN.get(c, "?" * cell_len(c)) for c in text)
