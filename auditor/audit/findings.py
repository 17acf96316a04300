"""From paired scores to findings: pure, so that anyone can recompute a decision from the stored scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from auditor.records import UNSCORED_OUTCOMES, PairedScore, Prompt, Scored, Side
from auditor.stats.decide import Decided, Decision, decide
from auditor.stats.graded import mean_interval
from auditor.stats.intervals import Interval, tango, wilson
from auditor.stats.planning import needed_n

Row = tuple[Prompt, Scored, Scored]


class Comparison(NamedTuple):
    """What a paired comparison rests on."""

    interval: Interval
    delta: float | None
    units: int
    prompts: int
    better: int
    worse: int
    binary: bool


def compare(pairs: Sequence[PairedScore], level: float) -> Comparison:
    """Interval of the mean difference over units; Tango's where each unit is one prompt scored 0 or 1.

    A unit is a prompt, or a cluster of prompts made from one template, whose difference is then the mean over its scored
    pairs.
    """
    by_unit: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        if pair.delta is not None:
            by_unit[pair.unit].append(pair.delta)
    diffs = [sum(values) / len(values) for values in by_unit.values()]
    prompts = sum(map(len, by_unit.values()))
    better, worse = sum(d > 0 for d in diffs), sum(d < 0 for d in diffs)
    binary = all(d in (-1.0, 0.0, 1.0) for d in diffs) and all(len(values) == 1 for values in by_unit.values())
    interval = tango(better, worse, len(diffs), level) if binary or not diffs else mean_interval(diffs, level)
    delta = sum(diffs) / len(diffs) if diffs else None
    return Comparison(interval, delta, len(diffs), prompts, better, worse, binary)


def finding(
    metric: str,
    rows: Sequence[Row],
    *,
    margin: float,
    margin_reason: str,
    level: float,
    max_unscored: float,
) -> dict[str, Any]:
    """A dimension's finding as it stands in the results (schema ``auditor.results/1``)."""
    pairs = [paired(*row) for row in rows]
    comparison = compare(pairs, level)
    unscored = sum(pair.delta is None for pair in pairs)
    decided = _decide(comparison, margin, unscored, len(pairs), max_unscored)
    return {
        "primary": {
            "metric": metric,
            "baseline": _rate([pair.baseline for pair in pairs if pair.delta is not None]),
            "candidate": _rate([pair.candidate for pair in pairs if pair.delta is not None]),
            "delta": comparison.delta,
            "interval": [comparison.interval.lo, comparison.interval.hi],
            "level": level,
            "method": comparison.interval.method,
            "n": comparison.prompts,
            "units": comparison.units,
            "better": comparison.better,
            "worse": comparison.worse,
            "unscored": unscored,
            "margin": margin,
            "margin_reason": margin_reason,
            "decision": str(decided.decision),
            "material": decided.material,
            "within_margin": decided.within_margin,
            "certifiable": decided.certifiable,
            "needed_n": decided.needed_n,
            "reason": decided.reason,
            "judged_by": _judged_by(rows),
        },
        "trace": trace_finding(rows, level),
        "outcomes": {
            side: {str(outcome): count for outcome, count in sorted(Counter(s.outcome for s in some).items())}
            for side, some in _by_side(rows).items()
        },
    }


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


def _decide(comparison: Comparison, margin: float, unscored: int, total: int, max_unscored: float) -> Decided:
    share = unscored / total if total else 1.0
    if share > max_unscored:
        return Decided(
            Decision.INCONCLUSIVE,
            material=False,
            within_margin=False,
            reason=(
                f"{unscored} of {total} pairs could not be scored, more than the {max_unscored:.0%} the plan allows:"
                " what is missing could change the answer."
            ),
            needed_n=None,
            certifiable=False,
        )
    enough = (
        needed_n(comparison.better, comparison.worse, comparison.units, margin, comparison.interval.level)
        if comparison.binary and comparison.units
        else None
    )
    return decide(comparison.interval, margin, comparison.units, needed_n=enough)


def _rate(scores: Iterable[float | None]) -> dict[str, Any]:
    some = [score for score in scores if score is not None]
    total = sum(some)
    return {
        "k": int(total) if total == int(total) else total,
        "n": len(some),
        "rate": total / len(some) if some else None,
    }


def _by_side(rows: Sequence[Row]) -> dict[Side, list[Scored]]:
    return {"baseline": [row[1] for row in rows], "candidate": [row[2] for row in rows]}


def _judged_by(rows: Sequence[Row]) -> dict[str, int]:
    """How many scores stand on exact parsing, on the rules judge, on an LLM judge."""
    counts = Counter(s.judge_kind for row in rows for s in row[1:] if s.outcome not in UNSCORED_OUTCOMES)
    return {kind: counts[kind] for kind in ("exact", "rules", "llm") if counts[kind]}
