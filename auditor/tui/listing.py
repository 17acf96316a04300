"""A list of pairs as the screens show it: mode, filter and sort order, all done by SQL; rows come by the page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from auditor.store import PairRow, RunReader
from auditor.tui.query import Term, parse


class Mode(StrEnum):
    """Which pairs a list shows, before the filter."""

    ALL = "All"
    REGRESSED = "Regressed"
    FIXED = "Fixed"
    BOTH_FAIL = "Both fail"
    DISAGREE = "Judges disagree"
    UNSCORED = "Unscored"
    STARRED = "Starred"
    OVERRIDDEN = "Overridden"


_WHERE: Final[dict[Mode, str]] = {
    Mode.ALL: "1",
    Mode.REGRESSED: "delta < 0",
    Mode.FIXED: "delta > 0",
    Mode.BOTH_FAIL: "baseline_score < 0.5 AND candidate_score < 0.5",
    Mode.DISAGREE: "judges_disagree",
    Mode.UNSCORED: "delta IS NULL",
    Mode.STARRED: "1",
    Mode.OVERRIDDEN: "1",
}
_MARK: Final = {Mode.STARRED: "starred", Mode.OVERRIDDEN: "overridden"}


class Sort(StrEnum):
    """How a list is ordered."""

    WORST = "worst first"
    BEST = "best first"
    DRIFT = "most drift first"
    SCHEDULE = "as asked"


_ORDER: Final[dict[Sort, str]] = {
    # Of equal losses the one whose trace went wrong, too, comes first: it tells most about what happened.
    Sort.WORST: "delta IS NULL, delta, candidate_trace_score IS NULL, candidate_trace_score, seq",
    Sort.BEST: "delta IS NULL, delta DESC, seq",
    Sort.DRIFT: "kl IS NULL, kl DESC, seq",
    Sort.SCHEDULE: "seq",
}


class Filter(NamedTuple):
    """What a list shows, and how."""

    mode: Mode = Mode.ALL
    terms: tuple[Term, ...] = ()
    sort: Sort = Sort.WORST

    @classmethod
    def of(cls, text: str = "", mode: Mode = Mode.ALL, sort: Sort = Sort.WORST) -> Filter:
        """From the filter language. Raises UsageError."""
        return cls(mode, parse(text), sort)

    @property
    def text(self) -> str:
        """The filter as one would type it."""
        return " ".join(str(term) for term in self.terms)

    @property
    def words(self) -> tuple[Term, ...]:
        """The terms that search texts."""
        return tuple(term for term in self.terms if not term.key)

    def where(self, marks: Mapping[str, Collection[str]]) -> tuple[str, tuple[Any, ...]]:
        """The SQL condition and its parameters; words are left out. ``marks``: prompt ids by kind of annotation."""
        clauses = [_WHERE[self.mode]]
        parameters: list[Any] = []
        wanted = [(_MARK[self.mode], False)] if self.mode in _MARK else []
        for term in self.terms:
            made = term.condition()
            if made is not None:
                clauses.append(made.sql)
                parameters += made.parameters
            elif term.mark:
                wanted.append((term.mark, term.negated))
        for mark, negated in wanted:
            clauses.append(f"prompt_id {'NOT ' if negated else ''}IN (SELECT value FROM json_each(?))")
            parameters.append(msgspec.json.encode(sorted(marks.get(mark, ()))).decode())
        return " AND ".join(f"({clause})" for clause in clauses), tuple(parameters)


class Listing:
    """A filtered, sorted list of pairs: all ids at once, rows by the page."""

    PAGE: Final = 64
    KEPT: Final = 32

    def __init__(
        self,
        reader: RunReader,
        chosen: Filter,
        marks: Mapping[str, Collection[str]] | None = None,
        found: Collection[int] | None = None,
    ) -> None:
        """``found``: positions that a text search allows, or None for all."""
        self._reader = reader
        self.filter = chosen
        self.marks = marks or {}
        self.found = found
        where, parameters = chosen.where(self.marks)
        self.ids = reader.pair_ids(where, parameters, _ORDER[chosen.sort])
        if found is not None:
            self.ids = [seq for seq in self.ids if seq in found]
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

    def groups(self) -> list[Group]:
        """How often each failure happened in this list, the most frequent first."""
        where, parameters = self.filter.where(self.marks)
        return [Group(*row) for row in self._reader.groups(where, parameters, self.found)]


class Group(NamedTuple):
    """Pairs that went the same way."""

    dimension: str
    kind: str
    baseline: str
    candidate: str
    flip: str
    many: int

    def terms(self) -> tuple[Term, ...]:
        """The filter that shows just these pairs."""
        return (
            Term("dim", ":", self.dimension),
            Term("kind", ":", self.kind),
            Term("base", ":", self.baseline),
            Term("cand", ":", self.candidate),
            Term("flip", ":", self.flip),
        )
