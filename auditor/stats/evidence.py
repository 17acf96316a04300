"""What the pairs of one dimension show: pure, from ordered scores to an interval and a decision.

Two ways, and never mixed. A size that was *fixed* in advance and reached gets Tango's or Gaffke's interval. Everything else
was *watched*: it could have stopped at any moment, so it gets a confidence sequence, which holds at all moments at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from auditor.stats import planning, sequences
from auditor.stats.decide import Decided, Decision, decide
from auditor.stats.eprocess import anytime_p, e_value, e_values
from auditor.stats.graded import mean_interval
from auditor.stats.intervals import Interval, score_statistic, tango
from auditor.stats.missing import Missing, bound_intervals

_HAIR = 1e-9
"""The e-process screens, the interval decides: a rounding error in the first must not hide what the second says."""
_SQRT2 = 2.0**0.5


class Terms(NamedTuple):
    """Under which terms a dimension is decided.

    ``margin``: largest loss that still counts as preserved, a share. ``error``: chance, at most, that a claim is wrong.
    ``max_unscored``: share of unscored pairs above which nothing is claimed. ``bank``: units in the whole bank.
    ``family``: how many dimensions the question "did something regress?" is asked of.
    """

    margin: float
    error: float
    max_unscored: float
    bank: int
    family: int = 1

    @property
    def level(self) -> float:
        """Two-sided level of an interval whose ends are each wrong with at most this chance."""
        return 1.0 - 2.0 * self.error

    @property
    def finite(self) -> int | None:
        """The bank's size where a claim may be about this bank: None for one that is too small to certify the margin even
        as a sample of fixed size. Such a bank would certify itself, by being asked to the end.
        """
        return self.bank if self.bank >= planning.smallest_certifiable_n(self.margin, self.level) else None


class Unit(NamedTuple):
    """One unit of analysis: the differences of its pairs, candidate minus baseline; None where a side has no score."""

    name: str
    deltas: tuple[float | None, ...]

    @property
    def diff(self) -> float | None:
        """Mean over its scored pairs, None if there is none."""
        scored = [delta for delta in self.deltas if delta is not None]
        return sum(scored) / len(scored) if scored else None

    def had(self, missing: float) -> float:
        """Its mean, had every unscored pair been ``missing``."""
        return sum(missing if delta is None else delta for delta in self.deltas) / len(self.deltas)


class Judged(NamedTuple):
    """What a dimension's units show."""

    interval: Interval
    missing: Missing
    diffs: tuple[float, ...]
    pairs: int
    unscored: int
    binary: bool
    watched: bool
    about: str
    """Whom the claim is about: "this bank" or "new prompts like these"; "" for no claim."""

    @property
    def decided(self) -> Decided:
        """The decision to report."""
        return self.missing.decided


def least_units(margin: float, error: float, bank: int) -> int:
    """The fewest units after which a watched run can certify ``margin``: when not one of them differs."""
    terms = Terms(margin, error, 1.0, bank)
    return sequences.smallest_certifiable_n(margin, terms.level, bank=terms.finite)


def units_of(pairs: Iterable[tuple[str, float | None]]) -> list[Unit]:
    """Group (unit, delta) pairs by unit, in the order in which the units first appear."""
    grouped: dict[str, list[float | None]] = {}
    for name, delta in pairs:
        grouped.setdefault(name, []).append(delta)
    return [Unit(name, tuple(deltas)) for name, deltas in grouped.items()]


def judge(units: Sequence[Unit], terms: Terms, *, watched: bool) -> Judged:
    """Decide a dimension from its units, for a watched run in the order of the schedule."""
    diffs = [diff for unit in units if (diff := unit.diff) is not None]
    binary = all(len(unit.deltas) == 1 for unit in units) and all(d in (-1.0, 0.0, 1.0) for d in diffs)
    pairs = sum(len(unit.deltas) for unit in units)
    unscored = sum(delta is None for unit in units for delta in unit.deltas)
    interval_of: Callable[[Sequence[float]], Interval] = (
        (lambda some: watched_interval(some, terms)) if watched else (lambda some: fixed_interval(some, binary, terms))
    )
    interval = interval_of(diffs)
    missing = bound_intervals(
        interval,
        interval_of([unit.had(-1.0) for unit in units]) if unscored else interval,
        interval_of([unit.had(1.0) for unit in units]) if unscored else interval,
        (len(diffs), len(units)),
        (unscored, pairs),
        terms.margin,
        share_limit=terms.max_unscored,
        needed_n=_needed(diffs, binary, terms, watched),
        certifiable_n=least_units(terms.margin, terms.error, terms.bank) if watched else None,
    )
    about = _about(diffs, missing.decided, terms) if watched else "new prompts like these"
    if missing.decided.decision is Decision.INCONCLUSIVE:
        about = ""
    return Judged(interval, missing, tuple(diffs), pairs, unscored, binary, watched, about)


def fixed_interval(diffs: Sequence[float], binary: bool, terms: Terms) -> Interval:
    """The interval of a size fixed in advance: Tango's where each unit is one prompt scored 0 or 1, else Gaffke's."""
    if binary or not diffs:
        return tango(sum(d > 0 for d in diffs), sum(d < 0 for d in diffs), len(diffs), terms.level)
    return mean_interval(diffs, terms.level)


def watched_interval(diffs: Sequence[float], terms: Terms) -> Interval:
    """The interval that may be looked at after every unit: preserved is a claim about this bank, a change one about new
    prompts like these.

    A loss that was once shown stays shown (the test is valid at all times at once, so also at its best one): the upper
    bound is the lower one of that moment's and the present one.
    """
    bank = terms.finite
    now = (
        sequences.confidence_sequence(diffs, terms.level)
        if bank is None
        else sequences.spot_check(diffs, max(bank, len(diffs)), terms.level)
    )
    if now.hi < 0.0 or (first := _first_loss(diffs, terms)) is None:
        return now
    then = sequences.confidence_sequence(diffs[:first], terms.level)
    # Bounds that contradict each other are rarer than the error allowed; then only the present ones are claimed.
    return now._replace(hi=then.hi) if now.lo <= then.hi < now.hi else now


def p_of_loss(judged: Judged, terms: Terms) -> float:
    """P-value of "no loss on new prompts like these"; for a watched run valid whenever it stopped. 1 if nothing may be
    claimed.
    """
    if judged.missing.over_limit or not judged.diffs:
        return 1.0
    mirrored = [-diff for diff in judged.diffs]
    if judged.watched:
        return anytime_p(mirrored, 0.0)
    if judged.decided.decision is not Decision.REGRESSED:
        return 1.0
    if judged.binary:
        better, worse = sum(d > 0 for d in judged.diffs), sum(d < 0 for d in judged.diffs)
        return _normal_tail(-score_statistic(better, worse, len(judged.diffs), 0.0))
    # Gaffke's interval has no closed p-value; the smallest tail at which it still excludes 0 is one.
    low, high = 1e-6, terms.error
    for _ in range(12):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if mean_interval(judged.diffs, 1.0 - 2.0 * middle).hi < 0.0 else (middle, high)
    return high


def e_values_of(judged: Judged, terms: Terms) -> dict[str, float]:
    """The evidence as it stands now: each e-value is at least 1 / error where its claim is shown. See docs/statistics.md."""
    mirrored = [-diff for diff in judged.diffs]
    here = e_value(judged.diffs, -terms.margin, bank=max(terms.finite, len(mirrored)) if terms.finite else None)
    return {
        "within_margin": max(here, e_value(judged.diffs, -terms.margin)),
        "loss": e_value(mirrored, 0.0),
        "loss_beyond_margin": e_value(mirrored, terms.margin),
        "gain": e_value(judged.diffs, 0.0),
    }


class Watch:
    """Watches one dimension, unit by unit in the order of the schedule, and says when it is decided.

    Decided means that it is shown whether the loss exceeds the margin: ``within_margin`` says that it does not, ``answers``
    that it does, and that there is a loss also when all dimensions are looked at together; ``closed`` is either. A loss
    that is real but of open size does not close a dimension.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.units: list[Unit] = []
        self.closed = False
        self.within_margin = False
        self.answers = False
        self._diffs: list[float] = []
        self._pairs = self._unscored = 0
        self._waiting: dict[str, deque[float]] = {}
        margin, bank = terms.margin, terms.finite
        self._tests = {
            "here": self._test("here", 1.0, -margin, bank),
            "anywhere": self._test("anywhere", 1.0, -margin, None),
            "beyond": self._test("beyond", -1.0, margin, None),
            "loss": self._test("loss", -1.0, 0.0, None),
        }
        self._most_loss = 1.0

    def see(self, unit: Unit) -> None:
        """Look at one unit more. A closed watch looks no further."""
        if self.closed:
            return
        self.units.append(unit)
        self._pairs += len(unit.deltas)
        self._unscored += sum(delta is None for delta in unit.deltas)
        if (diff := unit.diff) is None:
            return
        self._diffs.append(diff)
        for queue in self._waiting.values():
            queue.append(diff)
        e = {name: next(test) for name, test in self._tests.items()}
        self._most_loss = max(self._most_loss, e["loss"])
        enough = (1.0 - _HAIR) / self.terms.error
        if max(e["here"], e["anywhere"], e["beyond"]) < enough:
            return
        if self._unscored > self.terms.max_unscored * self._pairs:
            return
        found = decide(watched_interval(self._diffs, self.terms), self.terms.margin, len(self._diffs))
        self.within_margin = found.within_margin
        # Bonferroni's threshold is the first step of Holm's, so it needs no other dimension's evidence: what this one has
        # to show does not depend on how far the others have come.
        self.answers = found.material and self._most_loss >= self.terms.family / self.terms.error
        self.closed = self.within_margin or self.answers

    def _test(self, name: str, sign: float, delta0: float, bank: int | None) -> Iterator[float]:
        queue = self._waiting[name] = deque[float]()

        def arriving() -> Iterator[float]:
            while True:
                yield sign * queue.popleft()

        return e_values(arriving(), delta0, bank=bank)


def _first_loss(diffs: Sequence[float], terms: Terms) -> int | None:
    """After how many units a loss was shown for the first time."""
    for seen, value in enumerate(e_values((-diff for diff in diffs), 0.0), start=1):
        if value >= 1.0 / terms.error:
            return seen
    return None


def _needed(diffs: Sequence[float], binary: bool, terms: Terms, watched: bool) -> int | None:
    if not binary or not diffs:
        return None
    better, worse, n = sum(d > 0 for d in diffs), sum(d < 0 for d in diffs), len(diffs)
    if not watched:
        return planning.needed_n(better, worse, n, terms.margin, terms.level)
    # The last prompt of a bank decides about the bank, but a bank that was asked to its end has nothing more to say.
    bank = terms.finite if terms.finite and n < terms.finite else None
    return sequences.needed_n(better, worse, n, terms.margin, terms.level, bank=bank)


def _about(diffs: Sequence[float], decided: Decided, terms: Terms) -> str:
    anywhere = decided.decision is not Decision.PRESERVED or e_value(diffs, -terms.margin) >= 1.0 / terms.error
    return "new prompts like these" if anywhere else "this bank"


def _normal_tail(z: float) -> float:

    return 0.5 * math.erfc(z / _SQRT2)
