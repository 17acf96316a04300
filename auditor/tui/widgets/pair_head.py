"""Which two models are compared, where they live, and who judged."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from auditor.tui.summary import Summary
from auditor.tui.theme import UNICODE, Glyphs
from auditor.tui.widgets.looks import Looks
from auditor.tui.widgets.row_list import fit


class PairHead(Looks):
    """Two lines: the models; their endpoints and the judge. Names that do not fit end in an ellipsis."""

    _summary: Summary | None = None
    _signs: Glyphs = UNICODE

    def show(self, summary: Summary, glyphs: Glyphs) -> None:
        """Show a run's pair."""
        self._summary, self._signs = summary, glyphs
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the two, below the padding."""
        width, base = self.size.width, self.ground
        if self._summary is None or y > 1:
            return Strip.blank(width, base)
        quiet = base + self.look("row--muted")
        if y:
            where = list(dict.fromkeys(_place(name) for name in (self._summary.baseline, self._summary.candidate)))
            arrow = f" {self._signs.arrow} "
            text = f"{arrow.join(where)} · judged by {self._summary.judge}"
            return Strip([Segment(fit(text, min(cell_len(text), width)), quiet)]).adjust_cell_length(width, base)
        room = max((width - 25) // 2, 8)
        bold = base + self.look("row--strong")
        segments = []
        for side, name in zip(("baseline", "candidate"), self._summary.models, strict=True):
            segments += [Segment(f"{side} ", quiet), Segment(fit(name, min(cell_len(name), room)), bold)]
            segments += [Segment(f"  {self._signs.arrow}  ", quiet)]
        return Strip(segments[:-1]).adjust_cell_length(width, base)


def _place(endpoint: str) -> str:
    """An endpoint without its model."""
    place, _, model = endpoint.rpartition("#")
    return place or (endpoint.partition(":")[0] if ":" in endpoint and "//" not in endpoint else model)
