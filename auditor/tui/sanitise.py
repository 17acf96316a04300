"""The last guard: whatever a widget shows, no control character of a model's text reaches the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from auditor.report.plain import harmless


class Sanitise(LineFilter):
    """Shows control characters as pictures in every line of every widget."""

    def apply(self, segments: Sequence[Segment], background: Color) -> list[Segment]:
        """Clean the text of all segments that are not terminal control of Textual's own."""
        return [
            segment if segment.control or segment.text.isprintable() else Segment(harmless(segment.text), segment.style)
            for segment in segments
        ]
