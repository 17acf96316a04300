"""The list of pairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from auditor.report.plain import one_line
from auditor.store import PairRow
from auditor.tui.axis import Piece
from auditor.tui.listing import Listing
from auditor.tui.theme import Glyphs
from auditor.tui.widgets.row_list import RowList, fit


class PairList(RowList):
    """Rows of a :class:`Listing`: what each side did, and to which prompt."""

    def __init__(self, listing: Listing, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.listing = listing
        self.signs = glyphs
        self.marks: Mapping[str, Collection[str]] = listing.marks

    def show(self, listing: Listing, cursor: int = 0) -> None:
        """Show another listing, with the cursor on a row of it."""
        self.listing = listing
        self.marks = listing.marks
        self.measure()
        self.put_cursor(cursor)

    def count(self) -> int:
        """Pairs in the list."""
        return len(self.listing)

    def current(self) -> PairRow | None:
        """The pair under the cursor."""
        return self.listing.row(self.cursor) if self.count() else None

    def empty(self) -> str:
        """Said when nothing fits."""
        return "no pair fits: f shows another mode, x removes a filter"

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        name, kind, side, kl = self._widths(width)
        names = [fit("", 4), fit("dimension", name) + " " * bool(name), fit("kind", kind) + " " if kind else ""]
        names += [fit("baseline", side) + "   ", fit("candidate", side) + " "]
        names += [fit("KL", kl, right=True) + "  " if kl else "", "prompt"]
        return [("".join(names), "")]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """One pair."""
        row = self.listing.row(index)
        name, kind, side, kl = self._widths(width)
        sign, style = self._flip(row)
        starred = row.prompt_id in self.marks.get("starred", ())
        overridden = row.prompt_id in self.marks.get("overridden", ())
        mark = self.signs.star if starred else self.signs.override if overridden else " "
        used = 4 + name + bool(name) + (kind + 1 if kind else 0) + side + 3 + side + 1 + (kl + 2 if kl else 0)
        return [
            (mark + " ", "row--mark"),
            (sign + " ", style),
            (fit(one_line(row.dimension, name), name) + " " * bool(name), "row--muted"),
            (fit(one_line(row.kind, kind), kind) + " " if kind else "", "row--muted"),
            (fit(one_line(row.baseline_label or row.baseline_outcome, side), side), self._score(row.baseline_score)),
            (f" {self.signs.arrow} ", "row--muted"),
            (
                fit(one_line(row.candidate_label or row.candidate_outcome, side), side) + " ",
                self._score(row.candidate_score),
            ),
            (fit("" if row.kl is None else f"{row.kl:.2f}", kl, right=True) + "  " if kl else "", "row--muted"),
            (one_line(row.preview, max(width - used, 0)), ""),
        ]

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Dimension, kind, each side, KL: fewer and narrower columns on a narrow terminal."""
        # What the filter says of every row need not stand in every row.
        one = any(
            term.key == "dim" and not term.negated and "," not in term.value for term in self.listing.filter.terms
        )
        name = 0 if one else 10
        return (name, 13, 16, 5) if width >= 100 else (name, 0, 13 if one else 12, 0)

    def _flip(self, row: PairRow) -> tuple[str, str]:
        if row.delta is None:
            return self.signs.unsure, "row--unsure"
        if row.delta < 0:
            return self.signs.worse, "row--worse"
        return (self.signs.better, "row--better") if row.delta > 0 else (" ", "")

    @staticmethod
    def _score(score: float | None) -> str:
        return "row--unsure" if score is None else "row--worse" if score < 0.5 else "row--good"
