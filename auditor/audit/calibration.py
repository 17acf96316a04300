"""How good a judge is on labelled texts: agreement with intervals, by stratum, where it errs. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from auditor import defaults
from auditor.records import Verdict
from auditor.stats.agreement import Coefficient, agreement

SCHEMA = "auditor.judge-check/1"


class Judged(NamedTuple):
    """A labelled text and what the judge made of it. ``strata`` are the groups it is counted in, each "name: value"."""

    id: str
    strata: tuple[str, ...]
    label: str
    verdict: Verdict


def calibration(rows: Sequence[Judged], labels: Sequence[str], level: float = defaults.LEVEL) -> dict[str, Any]:
    """The report on one judge and rubric (schema ``auditor.judge-check/1``).

    Accuracy, kappa and AC1 are over the texts that got a label; those that did not are counted, and ``accuracy_of_all``
    counts them as wrong. ``confusion[people's label][judge's label]``.
    """
    groups: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        for stratum in row.strata:
            groups[stratum].append(row)
    return {
        "schema": SCHEMA,
        "overall": _agreement(rows, labels, level),
        "strata": {name: _agreement(some, labels, level) for name, some in sorted(groups.items())},
        "confusion": {
            label: dict(
                Counter(
                    row.verdict.label or row.verdict.unscored_reason for row in rows if row.label == label
                ).most_common()
            )
            for label in labels
        },
        "errors": [
            {
                "id": row.id,
                "people": row.label,
                "judge": row.verdict.label,
                "unscored_reason": row.verdict.unscored_reason or None,
                "evidence": row.verdict.evidence,
            }
            for row in rows
            if row.verdict.label != row.label
        ],
    }


def _agreement(rows: Sequence[Judged], labels: Sequence[str], level: float) -> dict[str, Any]:
    pairs = [(row.label, row.verdict.label) for row in rows if row.verdict.label is not None]
    right = sum(a == b for a, b in pairs)
    found: dict[str, Any] = {
        "n": len(rows),
        "unscored": len(rows) - len(pairs),
        "right": right,
        "accuracy": right / len(pairs) if pairs else None,
        "accuracy_of_all": right / len(rows) if rows else None,
        "interval": None,
        "kappa": None,
        "ac1": None,
        "level": level,
    }
    if len(pairs) >= 2:
        met = agreement(pairs, level, labels=labels)
        found["interval"] = [met.raw_interval.lo, met.raw_interval.hi]
        found["kappa"] = None if met.kappa is None else _coefficient(met.kappa)
        found["ac1"] = _coefficient(met.ac1)
    return found


def _coefficient(found: Coefficient) -> dict[str, Any]:
    return {"value": found.value, "interval": [found.interval.lo, found.interval.hi]}
