"""What people's overrides would make of the decisions: shown beside a finding, never stored in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from auditor.records import CAPABILITY, SIDES, Side
from auditor.stats.decide import Decision
from auditor.stats.evidence import Terms, judge, units_of
from auditor.stats.figures import figures
from auditor.stats.multiplicity import holm
from auditor.store import Annotations, PairScores, RunReader
from auditor.store.annotations import FILE

Overrides = Mapping[tuple[str, Side], str]
"""The label that a person gave to a side's answer, by prompt and side."""

_SIGNS: Final = {"PRESERVED": "=", "REGRESSED": "▼", "IMPROVED": "▲"}


class _Side(NamedTuple):
    label: str
    score: float | None


def overrides_of(annotations: Annotations) -> dict[tuple[str, Side], str]:
    """The overrides of answers that are in force."""
    return {
        (found.prompt_id, found.side): found.new
        for found in annotations.current("override").values()
        if found.side and found.part == "answer"
    }


def read_overrides(reader: RunReader) -> dict[tuple[str, Side], str]:
    """The overrides that lie beside a run."""
    if not (reader.path / FILE).exists():
        return {}
    annotations = Annotations(reader.path)
    try:
        return overrides_of(annotations)
    finally:
        annotations.close()


def overridden(
    reader: RunReader, findings: Mapping[str, Mapping[str, Any]], overrides: Overrides
) -> dict[str, dict[str, Any]]:
    """For each dimension with an override among the pairs its finding rests on: the primary figures as they would be, from
    the same functions on the same pairs, with ``overrides`` (how many were applied) and ``not_applied`` (those whose label
    alone does not tell a score, which change nothing).

    A label is worth what the run's rubric says; else what the same label got on the other side of this prompt; else what
    every reply of this kind with this label got.
    """
    run = reader.plan.get("plan", {}).get("run", {})
    found: dict[str, dict[str, Any]] = {}
    touched = {prompt_id for prompt_id, _ in overrides}
    for name, body in findings.items() if touched and "error" in run else ():
        beyond = set(body.get("beyond_stop", ()))
        aside = set(body.get("context", {}).get("kinds", ()))
        pairs = [p for p in reader.pair_scores(name) if p.prompt_id not in beyond and p.kind not in aside]
        if not touched.intersection(pair.prompt_id for pair in pairs):
            continue
        primary = body["primary"]
        worth = _Worth(pairs, (reader.meta("label_scores") or {}).get(name, {}))
        told = {pair.prompt_id: _with_overrides(pair, overrides, worth) for pair in pairs}
        both = [(pair.unit, told[pair.prompt_id][:2]) for pair in pairs]
        terms = Terms(primary["margin"], run["error"], run["max_unscored"], primary["bank"])
        units = units_of((unit, None if None in (a, b) else (b or 0.0) - (a or 0.0)) for unit, (a, b) in both)
        scored = [(a, b) for _, (a, b) in both if a is not None and b is not None]
        found[name] = {
            "overrides": sum(applied for _, _, applied, _ in told.values()),
            "not_applied": sum(left for _, _, _, left in told.values()),
            "baseline": _rate(a for a, _ in scored),
            "candidate": _rate(b for _, b in scored),
            **figures(judge(units, terms, watched=primary["anytime"]), terms),
        }
    return found


def replaced(
    findings: Mapping[str, dict[str, Any]], found: Mapping[str, dict[str, Any]], error: float
) -> dict[str, Any]:
    """The findings with these figures in place of their own, also looked at together (Holm): what an overall word with
    overrides rests on.
    """
    bodies = {
        name: {**body, "primary": {**body["primary"], **found.get(name, {})}}
        for name, body in findings.items()
        if "primary" in body
    }
    trust = {name: body["primary"] for name, body in bodies.items() if name != CAPABILITY}
    lost = holm({name: primary["p_loss"] for name, primary in trust.items()}, error) if trust else {}
    for name, primary in trust.items():
        primary["together"] = lost[name].rejected if primary["decision"] == Decision.REGRESSED else None
    return bodies


def told(primary: Mapping[str, Any]) -> str:
    """What overrides make of a finding, in a clause; "" without any."""
    if not (found := primary.get("overridden")):
        return ""
    many = found["overrides"]
    word = f"{_SIGNS.get(found['decision'], '?')} {found['decision']}"
    delta = "–" if found["delta"] is None else f"{100 * found['delta']:+.1f}"
    low, high = (f"{100 * bound:+.1f}" for bound in found["interval"])
    left = found["not_applied"]
    rest = f"; {left} more can't be scored by the label alone" if left else ""
    if not many:
        return f"{left} overridden by hand, to labels that alone tell no score"
    return f"with {many} override{'s' if many > 1 else ''} by hand: {word} {delta} [{low}, {high}]{rest}"


class _Worth:
    """What labels are worth."""

    def __init__(self, pairs: Iterable[PairScores], rubric: Mapping[str, Mapping[str, float]]) -> None:
        self._rubric = rubric
        self._seen: dict[tuple[str, str], set[float]] = {}
        for pair in pairs:
            for one in _sides(pair).values():
                if one.score is not None:
                    self._seen.setdefault((pair.kind, one.label), set()).add(one.score)

    def of(self, kind: str, label: str, other: _Side) -> float | None:
        """The score of a label beside the other side's, None if it can't be told."""
        if (told := self._rubric.get(kind, {}).get(label)) is not None:
            return told
        if other.label == label and other.score is not None:
            return other.score
        seen = self._seen.get((kind, label), set())
        return next(iter(seen)) if len(seen) == 1 else None


def _with_overrides(
    pair: PairScores, overrides: Overrides, worth: _Worth
) -> tuple[float | None, float | None, int, int]:
    """Both sides' scores, and how many overrides were applied and how many could not be."""
    sides = _sides(pair)
    scores = {side: one.score for side, one in sides.items()}
    applied = left = 0
    for side in SIDES:
        if (label := overrides.get((pair.prompt_id, side))) is None:
            continue
        score = worth.of(pair.kind, label, sides["candidate" if side == "baseline" else "baseline"])
        if score is None:
            left += 1
        else:
            scores[side] = score
            applied += 1
    return scores["baseline"], scores["candidate"], applied, left


def _sides(pair: PairScores) -> dict[Side, _Side]:
    return {
        "baseline": _Side(pair.baseline_label, pair.baseline_score),
        "candidate": _Side(pair.candidate_label, pair.candidate_score),
    }


def _rate(scores: Iterable[float]) -> dict[str, Any]:
    some = list(scores)
    total = sum(some)
    return {
        "k": int(total) if total == int(total) else total,
        "n": len(some),
        "rate": total / len(some) if some else None,
    }
