"""From scored pairs to findings: pure, so that anyone can recompute a decision from the stored scores and their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from auditor.records import UNSCORED_OUTCOMES, Outcome, PairedScore, Prompt, Scored, Side
from auditor.stats.decide import Decision
from auditor.stats.equivalence import equivalence
from auditor.stats.evidence import Judged, Terms, fixed_interval, judge, units_of, watched_interval
from auditor.stats.figures import figures
from auditor.stats.intervals import Interval, wilson
from auditor.stats.multiplicity import holm

Row = tuple[Prompt, Scored, Scored]

_REFUSED = frozenset({Outcome.FULL_REFUSAL, Outcome.PARTIAL_REFUSAL})


def judged_of(rows: Sequence[Row], terms: Terms, *, watched: bool) -> Judged:
    """What a dimension's rows show; for a watched run they come in the order of the schedule."""
    return judge(units_of((pair.unit, pair.delta) for pair in (paired(*row) for row in rows)), terms, watched=watched)


def finding(
    metric: str, rows: Sequence[Row], judged: Judged, terms: Terms, *, margin_reason: str, level: float
) -> dict[str, Any]:
    """A dimension's finding as it stands in the results (schema ``auditor.results/1``).

    ``level`` is that of the intervals on which no decision hangs.
    """
    # Scores alone: rows are read from the run's file when they are asked for, and there may be 50,000.
    scores = [(b.score, c.score) for _, b, c in rows if b.score is not None and c.score is not None]
    return {
        "primary": {
            "metric": metric,
            "baseline": _rate([baseline for baseline, _ in scores]),
            "candidate": _rate([candidate for _, candidate in scores]),
            **figures(judged, terms),
            "margin_reason": margin_reason,
            "judged_by": _judged_by(rows),
        },
        "equivalence": [] if metric_is_refusal(rows) else [refusals(rows, terms, watched=judged.watched)],
        "trace": trace_finding(rows, level),
        "outcomes": _outcomes(rows),
    }


def described(rows: Iterable[Row]) -> dict[str, Any]:
    """Prompts without a right answer: how many, of which kinds, and what became of their replies on both sides."""
    some = list(rows)
    return {
        "prompts": len(some),
        "kinds": sorted({prompt.kind for prompt, _, _ in some}),
        "outcomes": _outcomes(some),
    }


def together(findings: Mapping[str, dict[str, Any]], error: float) -> dict[str, bool]:
    """For each of these dimensions that regressed: whether that also holds when all of them are looked at together (Holm).

    Six claims that are each wrong once in twenty times are more than that wrong between them; this is what "something
    regressed" may rest on.
    """
    if not findings:
        return {}
    adjusted = holm({name: body["primary"]["p_loss"] for name, body in findings.items()}, error)
    return {
        name: adjusted[name].rejected
        for name, body in findings.items()
        if body["primary"]["decision"] == Decision.REGRESSED
    }


def refusals(rows: Sequence[Row], terms: Terms, *, watched: bool) -> dict[str, Any]:
    """Whether the candidate refuses as often as the baseline where refusing is neither asked for nor scored: a change in
    either direction is bad, so this is decided by two one-sided tests. Exploratory.
    """
    refused: list[tuple[float, float]] = []

    def told() -> Iterator[tuple[str, float]]:
        for prompt, *sides in rows:
            if not UNSCORED_OUTCOMES.intersection(side.outcome for side in sides):
                baseline, candidate = (float(side.outcome in _REFUSED) for side in sides)
                refused.append((baseline, candidate))
                yield prompt.unit, candidate - baseline

    units = units_of(told())
    diffs = [diff for unit in units if (diff := unit.diff) is not None]
    binary = all(len(unit.deltas) == 1 for unit in units)
    anywhere = terms._replace(bank=0)
    interval: Interval = watched_interval(diffs, anywhere) if watched else fixed_interval(diffs, binary, terms)
    found = equivalence(interval, terms.margin)
    return {
        "key": "refusals",
        "title": "Replies that refuse (a change either way is bad)",
        "baseline": _rate([baseline for baseline, _ in refused]),
        "candidate": _rate([candidate for _, candidate in refused]),
        "interval": [interval.lo, interval.hi],
        "level": interval.level,
        "method": interval.method,
        "change": str(found.change),
        "material": found.material,
        "reason": found.reason,
        "exploratory": True,
    }


def metric_is_refusal(rows: Sequence[Row]) -> bool:
    """Whether refusing is what this dimension scores: then its direction is good or bad by the kind of prompt."""
    return bool(rows) and rows[0][0].dimension == "safety"


def trace_finding(rows: Sequence[Row], level: float) -> dict[str, Any]:
    """Traces scored beside the answers, with the share of good answers whose trace was not."""
    found: dict[str, Any] = {}
    for side, some in _by_side(rows).items():
        both = [s for s in some if s.trace_score is not None and s.score is not None]
        behind = sum(s.score >= 0.5 > s.trace_score for s in both if s.score is not None and s.trace_score is not None)
        scores = [s.trace_score for s in some if s.trace_score is not None]
        found[side] = {
            **_rate(scores),
            "good_answer_bad_trace": {
                "k": behind,
                "n": len(both),
                "rate": behind / len(both) if both else None,
                "interval": list(wilson(behind, len(both), level)[:2]) if both else None,
            },
        }
    return found


def paired(prompt: Prompt, baseline: Scored, candidate: Scored) -> PairedScore:
    """The two scores of one prompt."""
    return PairedScore(
        prompt_id=prompt.id,
        dimension=prompt.dimension,
        unit=prompt.unit,
        kind=prompt.kind,
        baseline=baseline.score,
        candidate=candidate.score,
    )


def _rate(scores: Iterable[float | None]) -> dict[str, Any]:
    some = [score for score in scores if score is not None]
    total = sum(some)
    return {
        "k": int(total) if total == int(total) else total,
        "n": len(some),
        "rate": total / len(some) if some else None,
    }


def _outcomes(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    return {
        side: {str(outcome): count for outcome, count in sorted(Counter(s.outcome for s in some).items())}
        for side, some in _by_side(rows).items()
    }


def _by_side(rows: Sequence[Row]) -> dict[Side, list[Scored]]:
    return {"baseline": [row[1] for row in rows], "candidate": [row[2] for row in rows]}


def _judged_by(rows: Sequence[Row]) -> dict[str, int]:
    """How many scores stand on exact parsing, on the rules judge, on an LLM judge."""
    counts = Counter(s.judge_kind for row in rows for s in row[1:] if s.outcome not in UNSCORED_OUTCOMES)
    return {kind: counts[kind] for kind in ("exact", "rules", "llm") if counts[kind]}
