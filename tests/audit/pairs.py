"""Prompts, scores and terms for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.audit.findings import Row
from auditor.records import Message, Outcome, Prompt, Scored
from auditor.stats.evidence import Terms


def terms(bank: int = 200, *, margin: float = 0.1, max_unscored: float = 0.2, family: int = 1) -> Terms:
    return Terms(margin=margin, error=0.05, max_unscored=max_unscored, bank=bank, family=family)


def prompt(number: int, dimension: str = "safety", cluster: str | None = None) -> Prompt:
    return Prompt(f"{dimension}/{number:03}", dimension, "b", "k", (Message("user", "?"),), cluster=cluster)


def scored(score: float | None, trace: float | None = None, outcome: Outcome = Outcome.ANSWERED) -> Scored:
    if score is None:
        return Scored(Outcome.UNPARSED, "x", None, trace_score=trace)
    return Scored(outcome, "x", score, trace_score=trace, judge_kind="exact")


def row(number: int, a: float | None, b: float | None, cluster: str | None = None, trace: float | None = None) -> Row:
    return prompt(number, cluster=cluster), scored(a), scored(b, trace)


def rows_of(deltas: Sequence[float | None]) -> list[Row]:
    """One row for each difference of -1, 0, 1 or None."""
    return [
        row(i, None if d is None else float(d <= 0), None if d is None else float(d >= 0)) for i, d in enumerate(deltas)
    ]
