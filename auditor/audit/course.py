"""Where a run stands on its schedule: what is still worth asking, and which pairs a decision may rest on.

Everything here is a function of the schedule's order and of the scores, never of the moment at which a reply happened to
arrive: each dimension is looked at along the longest completed part of its own order. So a run that is killed, continued,
or carried out with another concurrency decides the same.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from auditor.records import CAPABILITY, Prompt
from auditor.stats.evidence import Terms, Unit, Watch

Answer = Literal["regressed", "within_margin"]


class Stop(NamedTuple):
    """Why a run may end before its schedule does: the answer to its user's question, and after which place of the order
    it was known. ``by`` names the dimension that answered it alone.
    """

    answer: Answer
    seq: int
    by: str = ""


class Evidence(NamedTuple):
    """The units of a dimension in their order, and how they are to be judged (see `auditor.stats.evidence.judge`)."""

    units: list[Unit]
    terms: Terms
    watched: bool


class _Lane:
    """One dimension's part of the schedule: its units, each with the places of its prompts."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.places = array("L")
        self.ends = array("L")
        """For each unit, how many places it and those before it have."""
        self.watch = Watch(terms)
        self.seen = 0
        self.settled = 0
        """Places of the units seen so far."""
        self.closed_at: int | None = None
        """After this place of the order nothing of this dimension counts any more."""
        self._last: str | None = None

    def append(self, seq: int, unit: str) -> None:
        """The next place; prompts of one unit follow each other."""
        self.places.append(seq)
        if unit == self._last:
            self.ends[-1] += 1
        else:
            self.ends.append(len(self.places))
        self._last = unit

    def unit(self, number: int) -> array[int]:
        """The places of a unit's prompts."""
        return self.places[self.ends[number - 1] if number else 0 : self.ends[number]]

    @property
    def over(self) -> bool:
        """Whether it is decided, or was asked to its end."""
        return self.closed_at is not None or (bool(self.ends) and self.seen == len(self.ends))


class Course:
    """Follows one run. ``until`` is "decided" for a spot-check, "all" for a size fixed in advance; ``context`` says which
    prompts have no right answer, so that they decide nothing.
    """

    def __init__(
        self,
        prompts: Sequence[Prompt],
        terms: Mapping[str, Terms],
        until: Literal["decided", "all"],
        context: Callable[[Prompt], bool] = lambda _: False,
    ) -> None:
        self._may_close = until == "decided"
        self._lanes = {name: _Lane(terms[name]) for name in terms}
        # A run may have 50,000 places: a few bytes for each.
        self._dimension: list[str] = []
        self._aside = bytearray()
        """Places of prompts without a right answer: they are asked, but nothing is decided by them."""
        for seq, prompt in enumerate(prompts):
            self._lanes[prompt.dimension].append(seq, prompt.unit)
            self._dimension.append(sys.intern(prompt.dimension))
            self._aside.append(context(prompt))
        self._known = bytearray(len(self._dimension))
        self._deltas = array("d", bytes(8 * len(self._dimension)))
        self._taken = bytearray(len(self._dimension))
        self._first = 0

    def put(self, seq: int, delta: float | None) -> str | None:
        """Take in a pair's difference (None: a side has no score), in any order; the dimension that has nothing more to
        wait for since: it is decided, or was asked to its end.
        """
        self._known[seq] = True
        self._deltas[seq] = math.nan if delta is None else delta
        name = self._dimension[seq]
        lane = self._lanes[name]
        before = lane.over
        self._advance(lane)
        return name if lane.over and not before else None

    def evidence(self, dimension: str) -> Evidence:
        """What there is by now to decide a dimension from, by the rule by which its finding is made in the end."""
        lane = self._lanes[dimension]
        units = [self._unit(seqs) for seqs in self._counted(lane)]
        return Evidence(
            [unit for unit in units if unit.deltas], lane.terms, self._may_close or not self.exhausted(dimension)
        )

    def wants(self, seq: int) -> bool:
        """Whether the pair at this place is missing and can still count."""
        if self._known[seq]:
            return False
        closed_at = self._lanes[self._dimension[seq]].closed_at
        stop = self.stop
        return (closed_at is None or seq <= closed_at) and (stop is None or seq <= stop.seq)

    def take(self, window: int | None = None) -> int | None:
        """The place to ask next, each at most once; None if there is none, or none before another :meth:`put`.

        In a run that may stop, no dimension is asked more than ``window`` places (and one unit) past the longest completed
        part of its order: one slow reply must not let a whole bank be asked that it would have made superfluous.
        """
        # What is not wanted now never will be again.
        while self._first < len(self._dimension) and (self._taken[self._first] or not self.wants(self._first)):
            self._first += 1
        for seq in range(self._first, len(self._dimension)):
            if not self._taken[seq] and self.wants(seq) and (window is None or self._ahead_of(seq) < window):
                self._taken[seq] = True
                return seq
        return None

    def ahead(self, window: int | None = None) -> Iterator[int]:
        """What :meth:`take` gives; the iterator goes on after it ended, when there is more."""
        return _Ahead(self, window)

    def _advance(self, lane: _Lane) -> None:
        """Look at every unit of a dimension that is complete now, in order, until it is decided."""
        while lane.seen < len(lane.ends) and lane.closed_at is None:
            seqs = lane.unit(lane.seen)
            if not all(self._known[seq] for seq in seqs):
                return
            lane.seen += 1
            lane.settled += len(seqs)
            unit = self._unit(seqs)
            if self._may_close and unit.deltas:
                lane.watch.see(unit)
                if lane.watch.closed:
                    lane.closed_at = seqs[-1]

    def _unit(self, seqs: Sequence[int]) -> Unit:
        """The differences at these places, as far as they decide anything."""
        deltas = [self._deltas[seq] for seq in seqs if not self._aside[seq]]
        return Unit(str(seqs[0]), tuple(None if math.isnan(delta) else delta for delta in deltas))

    def _ahead_of(self, seq: int) -> int:
        """How far this place lies past the longest completed part of its dimension's order."""
        if not self._may_close:
            return 0
        lane = self._lanes[self._dimension[seq]]
        # Until the next unit is whole nothing can settle, however many prompts it has.
        if lane.seen < len(lane.ends) and seq in lane.unit(lane.seen):
            return 0
        return lane.places.index(seq, lane.settled) - lane.settled

    @property
    def stop(self) -> Stop | None:
        """The end of the run, as far as it is known: None while the user's question is open.

        The question is "did the candidate lose more than the margin in any trust dimension, or in none?" Capability is
        context: it only answers where it is all that was asked about.
        """
        asked = [name for name in self._lanes if name != CAPABILITY] or list(self._lanes)
        lanes = {name: self._lanes[name] for name in asked}
        lost = [
            (lane.closed_at, name) for name, lane in lanes.items() if lane.closed_at is not None and lane.watch.answers
        ]
        if lost:
            seq, name = min(lost)
            return Stop("regressed", seq, name)
        ends = [lane.closed_at for lane in lanes.values() if lane.closed_at is not None and lane.watch.within_margin]
        return Stop("within_margin", max(ends)) if ends and len(ends) == len(lanes) else None

    @property
    def complete(self) -> bool:
        """Whether nothing is left that could count."""
        return not any(self.wants(seq) for seq in range(len(self._dimension)))

    def counted(self, dimension: str) -> list[int]:
        """The places that this dimension's decision rests on: whole units, in order, up to where it was decided or the run
        was.
        """
        return [seq for seqs in self._counted(self._lanes[dimension]) for seq in seqs]

    def _counted(self, lane: _Lane) -> Iterator[Sequence[int]]:
        """The units of a dimension that were seen and lie before the place at which the run had its answer."""
        stop = self.stop
        for seqs in map(lane.unit, range(lane.seen)):
            if stop is None or seqs[-1] <= stop.seq:
                yield seqs

    def exhausted(self, dimension: str) -> bool:
        """Whether every prompt of this dimension counts."""
        lane = self._lanes[dimension]
        return len(self.counted(dimension)) == len(lane.places)

    def closed(self, dimension: str) -> bool:
        """Whether this dimension was decided before the run was."""
        closed_at, stop = self._lanes[dimension].closed_at, self.stop
        return closed_at is not None and (stop is None or closed_at <= stop.seq)


class _Ahead:
    """What :meth:`Course.take` gives, for ``next``. Ending is not final."""

    def __init__(self, course: Course, window: int | None) -> None:
        self._course = course
        self._window = window

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        seq = self._course.take(self._window)
        if seq is None:
            raise StopIteration
        return seq
