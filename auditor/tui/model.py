"""What the screens show, without a screen: modes, listings, cells. Everything here is testable without Textual."""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from typing import Any, Final, NamedTuple

from auditor.records import CAPABILITY
from auditor.store import PairRow, RunReader

GLYPHS: Final = {"PRESERVED": "=", "REGRESSED": "▼", "IMPROVED": "▲", "INCONCLUSIVE": "?"}
ASCII_GLYPHS: Final = {"PRESERVED": "=", "REGRESSED": "v", "IMPROVED": "^", "INCONCLUSIVE": "?"}


class Mode(StrEnum):
    """Which pairs a list shows."""

    ALL = "All"
    REGRESSED = "Regressed"
    FIXED = "Fixed"
    BOTH_FAIL = "Both fail"
    UNSCORED = "Unscored"


WHERE: Final[dict[Mode, str]] = {
    Mode.ALL: "1",
    Mode.REGRESSED: "delta < 0",
    Mode.FIXED: "delta > 0",
    Mode.BOTH_FAIL: "baseline_score < 0.5 AND candidate_score < 0.5",
    Mode.UNSCORED: "delta IS NULL",
}


class Sort(StrEnum):
    """How a list is ordered."""

    SCHEDULE = "as asked"
    WORST = "worst first"
    DRIFT = "most drift first"


ORDER: Final[dict[Sort, str]] = {
    Sort.SCHEDULE: "seq",
    Sort.WORST: "delta IS NULL, delta, kl DESC, seq",
    Sort.DRIFT: "kl IS NULL, kl DESC, seq",
}


class Filter(NamedTuple):
    """What a list shows, and how."""

    dimension: str | None = None
    mode: Mode = Mode.ALL
    sort: Sort = Sort.WORST
    text: str = ""

    def where(self) -> tuple[str, tuple[Any, ...]]:
        """The SQL condition and its parameters."""
        clauses, parameters = [WHERE[self.mode]], []
        if self.dimension is not None:
            clauses.append("dimension = ?")
            parameters.append(self.dimension)
        if self.text:
            clauses.append("(preview LIKE ? ESCAPE '\\' OR prompt_id LIKE ? ESCAPE '\\')")
            escaped = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            parameters += [f"%{escaped}%"] * 2
        return " AND ".join(clauses), tuple(parameters)


class Listing:
    """A filtered, sorted list of pairs: all ids at once, rows by the page."""

    PAGE: Final = 64
    KEPT: Final = 32

    def __init__(self, reader: RunReader, chosen: Filter) -> None:
        self._reader = reader
        self.filter = chosen
        where, parameters = chosen.where()
        self.ids = reader.pair_ids(where, parameters, ORDER[chosen.sort])
        self._pages: OrderedDict[int, dict[int, PairRow]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, index: int) -> PairRow:
        """The row at a position of the list. Raises IndexError outside of it."""
        seq = self.ids[index]
        number = index // self.PAGE
        page = self._pages.get(number)
        if page is None:
            page = self._reader.pairs(self.ids[number * self.PAGE : (number + 1) * self.PAGE])
            self._pages[number] = page
            if len(self._pages) > self.KEPT:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(number)
        return page[seq]

    def position(self, seq: int) -> int:
        """Where a pair stands in this list, or 0 if it is not in it."""
        try:
            return self.ids.index(seq)
        except ValueError:
            return 0


class Cell(NamedTuple):
    """One dimension of the overview."""

    dimension: str
    decision: str
    baseline: float | None
    candidate: float | None
    delta: float | None
    low: float
    high: float
    margin: float
    n: int
    unscored: int
    reason: str
    backing: str
    trace: str

    @property
    def context(self) -> bool:
        """Whether this is shown for context rather than judged."""
        return self.dimension == CAPABILITY


def cells(results: dict[str, Any]) -> list[Cell]:
    """The overview's rows from the results object."""
    names = {"exact": "exact parsing", "rules": "the rules judge", "llm": "an LLM judge"}
    found = []
    for name, body in results["dimensions"].items():
        primary = body["primary"]
        gap = body["trace"].get("candidate", {}).get("good_answer_bad_trace", {})
        found.append(
            Cell(
                dimension=name,
                decision=primary["decision"],
                baseline=primary["baseline"]["rate"],
                candidate=primary["candidate"]["rate"],
                delta=primary["delta"],
                low=primary["interval"][0],
                high=primary["interval"][1],
                margin=primary["margin"],
                n=primary["n"],
                unscored=primary["unscored"],
                reason=primary["reason"],
                backing=" and ".join(names[kind] for kind in primary["judged_by"]) or "nothing",
                trace=(
                    f"{gap['k']} of {gap['n']} good answers of the candidate stand on a bad trace."
                    if gap.get("n")
                    else ""
                ),
            )
        )
    return found


def interval_bar(low: float, high: float, delta: float | None, margin: float, width: int, *, ascii_only: bool) -> str:
    """An interval on an axis from −1 to 1 as text: the interval, its middle, the zero line and the margin.

    ``width`` characters; all bars of one width share the axis, so that they can be compared by eye.
    """
    rule, dot, zero, edge = ("-", "o", "|", ":") if ascii_only else ("─", "●", "│", "┊")
    bar = [" "] * width

    def at(value: float) -> int:
        return min(width - 1, max(0, round((value + 1) / 2 * (width - 1))))

    bar[at(-margin)] = edge
    bar[at(0.0)] = zero
    for index in range(at(low), at(high) + 1):
        bar[index] = rule
    if at(low) <= at(0.0) <= at(high):
        bar[at(0.0)] = "+" if ascii_only else "┼"
    if delta is not None:
        bar[at(delta)] = dot
    return "".join(bar)
