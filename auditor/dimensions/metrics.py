"""Figures beside a dimension's primary metric: rates and means over rows, and what they are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import msgspec

from auditor.records import Prompt, Scored, Side

Row = tuple[Prompt, Scored, Scored]
"""A prompt with its baseline's and its candidate's scored reply."""

Orientation = Literal["higher", "lower", "zero", "neither"]

JudgedBy = Literal["", "exact", "rules", "llm"]

JUDGED: Final = frozenset({"rules", "llm"})
"""Kinds of judges, as against exact parsing."""


class Measure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One side of a secondary metric: ``k`` of ``n`` where it is a rate, and its value (None if n is 0)."""

    n: int
    value: float | None
    k: int | None = None


class SecondaryMetric(msgspec.Struct, frozen=True, omit_defaults=True):
    """A figure beside the primary metric. ``orientation`` says what is good: higher, lower, closer to zero,
    or neither.

    ``exploratory`` figures carry no decision: no error rate is promised for them.
    """

    key: str
    title: str
    orientation: Orientation
    baseline: Measure
    candidate: Measure
    exploratory: bool = True
    note: str = ""
    judge_relative: bool = False
    """Whether a judge had a say in it: then it compares the models as that judge sees them."""
    minus: tuple[str, str] | None = None
    """Of a difference of two other figures, their keys."""

    @property
    def delta(self) -> float | None:
        """Candidate minus baseline, turned so that positive is better; None if a side has no value or nothing is better."""
        if self.baseline.value is None or self.candidate.value is None or self.orientation == "neither":
            return None
        if self.orientation == "zero":
            return abs(self.baseline.value) - abs(self.candidate.value)
        delta = self.candidate.value - self.baseline.value
        return delta if self.orientation == "higher" else -delta


def share(
    key: str,
    title: str,
    orientation: Orientation,
    rows: Iterable[Row],
    counts: Callable[[Prompt, Scored], bool | None],
    *,
    note: str = "",
) -> SecondaryMetric:
    """A rate over each side's own replies: ``counts`` says yes, no, or None where a reply is not in the denominator."""
    sides: list[Measure] = []
    rows = list(rows)
    for told in ([counts(row[0], row[1]) for row in rows], [counts(row[0], row[2]) for row in rows]):
        n = sum(answer is not None for answer in told)
        k = sum(answer is True for answer in told)
        sides.append(Measure(n=n, value=k / n if n else None, k=k))
    return SecondaryMetric(key, title, orientation, sides[0], sides[1], note=note)


def mean(
    key: str,
    title: str,
    orientation: Orientation,
    rows: Iterable[Row],
    amount: Callable[[Prompt, Scored], float | None],
    *,
    note: str = "",
) -> SecondaryMetric:
    """A mean over each side's own replies; ``amount`` is None where a reply is not in the denominator."""
    sides: list[Measure] = []
    rows = list(rows)
    for told in ([amount(row[0], row[1]) for row in rows], [amount(row[0], row[2]) for row in rows]):
        some = [value for value in told if value is not None]
        sides.append(Measure(n=len(some), value=sum(some) / len(some) if some else None))
    return SecondaryMetric(key, title, orientation, sides[0], sides[1], note=note)


def ungraded(rows: Iterable[Row], rubric: str) -> str:
    """How many texts were put to a judge by this rubric without getting a score, for the note of a figure; "" if none."""
    without = sum(its.graded.get(rubric, 0.0) is None for row in rows for its in row[1:])
    return f"; {without} texts got no score" if without else ""


def asked(*metrics: SecondaryMetric) -> list[SecondaryMetric]:
    """Those that count a reply on either side: figures of rubrics that were not asked are left out."""
    return [metric for metric in metrics if metric.baseline.n or metric.candidate.n]


def tagged(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    """The rows by the value of their tag ``name:value``, in the order of the values; rows without it are left out."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for tag in row[0].tags:
            if tag.startswith(f"{name}:"):
                found[tag.removeprefix(f"{name}:")].append(row)
    return dict(sorted(found.items()))


def difference(
    key: str, title: str, orientation: Orientation, first: SecondaryMetric, second: SecondaryMetric, *, note: str
) -> SecondaryMetric:
    """``first`` minus ``second`` on each side; None where one of them has no value. ``n`` counts the replies of both."""
    sides = [
        Measure(n=a.n + b.n, value=None if a.value is None or b.value is None else a.value - b.value)
        for a, b in ((first.baseline, second.baseline), (first.candidate, second.candidate))
    ]
    minus = (first.key, second.key)
    return SecondaryMetric(key, title, orientation, sides[0], sides[1], note=note, minus=minus)


def flip_rate(rows: Sequence[Row], side: Side, told: Callable[[Prompt, Scored], object]) -> Measure:
    """Share of clusters in which what is ``told`` of the scored replies is not always the same.

    Only clusters with two or more replies of which something is told (not None) are in the denominator. Of a question
    that was asked several times the first reply counts: chance between repetitions is no effect of the other form.
    """
    clusters: dict[str, list[object]] = defaultdict(list)
    for prompt, baseline, candidate in rows:
        if prompt.sample:
            continue
        saying = told(prompt, baseline if side == "baseline" else candidate)
        if saying is not None:
            clusters[prompt.unit].append(saying)
    sizes = [sayings for sayings in clusters.values() if len(sayings) >= 2]
    flipped = sum(len(set(sayings)) > 1 for sayings in sizes)
    return Measure(n=len(sizes), value=flipped / len(sizes) if sizes else None, k=flipped)


def flips(
    key: str, title: str, rows: Sequence[Row], told: Callable[[Prompt, Scored], object], *, note: str
) -> SecondaryMetric:
    """The flip rate of both sides as a metric; fewer flips are better."""
    return SecondaryMetric(
        key, title, "lower", flip_rate(rows, "baseline", told), flip_rate(rows, "candidate", told), note=note
    )


def given(value: bool, scored: Scored) -> bool | None:
    """``value`` if the reply was scored, else None: the usual denominator."""
    return None if scored.score is None else value


def labelled(label: str) -> Callable[[Prompt, Scored], bool | None]:
    """Whether a scored reply has this label."""
    return lambda _, its: given(its.label == label, its)


def trace_labelled(label: str) -> Callable[[Prompt, Scored], bool | None]:
    """Whether a scored trace has this label; None without one."""
    return lambda _, its: None if its.trace_score is None else its.trace_label == label
