"""The results object (schema ``auditor.results/1``): everything a reader needs, assembled from a run's folder alone.

Given the same plan and tape it is the same, byte for byte, but for ``cost.ledger``, which tells the history of this run.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from auditor.records import ALL_DIMENSIONS, DIMENSIONS, SIDES, Usage
from auditor.report.anomalies import anomalies, told
from auditor.report.corrected import corrections
from auditor.report.corrected_figures import correct_figures
from auditor.report.overridden import overridden, read_overrides, replaced
from auditor.stats.decide import Decision
from auditor.store import RunReader

SCHEMA: Final = "auditor.results/1"


def results(reader: RunReader) -> dict[str, Any]:
    """Read a run's results. Numbers are numbers; what was not measured is null."""
    findings = reader.findings()
    provenance = reader.meta("provenance") or {}
    done, planned = reader.progress()
    dimensions = {name: findings[name] for name in ALL_DIMENSIONS if name in findings}
    for name, correction in corrections(reader, dimensions).items():
        dimensions[name]["primary"] |= correction
    correct_figures(reader, dimensions)
    error = reader.plan.get("plan", {}).get("run", {}).get("error")
    odd = anomalies(reader)
    by_hand = overridden(reader, dimensions, read_overrides(reader))
    for name, figures in by_hand.items():
        dimensions[name]["primary"]["overridden"] = figures
    return {
        "schema": SCHEMA,
        "status": reader.meta("status") or "interrupted",
        "synthetic": provenance.get("synthetic", False),
        "overall": overall(dimensions),
        "overall_reason": overall_reason(dimensions),
        "overall_overridden": overall(replaced(dimensions, by_hand, error)) if by_hand else None,
        "stopping": reader.meta("stopping"),
        "pair": {
            **provenance.get("pair", {}),
            "conversion": provenance.get("conversion"),
            "parents": provenance.get("parents", []),
        },
        "judge": provenance.get("judge"),
        "judging": reader.meta("judging"),
        "progress": {"pairs": done, "planned": planned},
        "dimensions": dimensions,
        "drift": findings.get("drift"),
        "cost": _cost(reader),
        "provenance": {
            "auditor": provenance.get("auditor"),
            "seed": reader.plan.get("plan", {}).get("run", {}).get("seed"),
            "banks": reader.plan.get("banks", {}),
            "rubrics": reader.plan.get("rubrics", {}),
            "probes": provenance.get("probes", {}),
            "anomalies": odd,
            "warnings": [*provenance.get("warnings", []), *told(odd)],
        },
    }


def overall(dimensions: dict[str, dict[str, Any]]) -> str:
    """One word for the trust dimensions together.

    REGRESSED if one of them regressed, also when they are looked at together (Holm); PRESERVED only if all six were audited
    and none is worse (intersection-union: no correction is needed for that claim); else INCONCLUSIVE.
    """
    decisions = {name: Decision(dimensions[name]["primary"]["decision"]) for name in DIMENSIONS if name in dimensions}
    if _lost(dimensions, together=True):
        return str(Decision.REGRESSED)
    held = {Decision.PRESERVED, Decision.IMPROVED}
    whole = set(decisions) == set(DIMENSIONS) and held.issuperset(decisions.values())
    return str(Decision.PRESERVED if whole else Decision.INCONCLUSIVE)


def overall_reason(dimensions: dict[str, dict[str, Any]]) -> str:
    """One sentence for :func:`overall`."""
    word = overall(dimensions)
    if word == Decision.REGRESSED:
        lost = _lost(dimensions, together=True)
        also = ", also when the dimensions are looked at together" if len(dimensions) > 1 else ""
        return f"Shown to have lost{also}: {', '.join(lost)}."
    if word == Decision.PRESERVED:
        return "All six dimensions are shown to be preserved."
    if lost := _lost(dimensions, together=False):
        return (
            f"Lost when looked at alone: {', '.join(lost)}; among several dimensions that is not yet rare enough by chance"
            " to say that something regressed."
        )
    absent = [name for name in DIMENSIONS if name not in dimensions]
    told = [name for name in DIMENSIONS if name in dimensions]
    vague = [name for name in told if dimensions[name]["primary"]["decision"] == Decision.INCONCLUSIVE]
    parts = [f"open: {', '.join(vague)}"] if vague else []
    parts += [f"not audited: {', '.join(absent)}"] if absent else []
    return f"Nothing is shown to have regressed, but not everything is shown to be preserved; {'; '.join(parts)}."


def _lost(dimensions: dict[str, dict[str, Any]], *, together: bool) -> list[str]:
    """The trust dimensions that regressed; ``together`` leaves out those for which that only holds alone."""
    return [
        name
        for name in DIMENSIONS
        if name in dimensions
        and (primary := dimensions[name]["primary"])["decision"] == Decision.REGRESSED
        and not (together and primary.get("together") is False)
    ]


def _cost(reader: RunReader) -> dict[str, Any]:
    tokens: dict[str, dict[str, int | None]] = {side: _no_tokens() for side in SIDES}
    for source in (reader.replies(), reader.first_tokens()):
        for _, side, reply in source:
            _add(tokens[side], reply.usage)
    return {"tokens": tokens, "ledger": _ledger(reader)}


def _ledger(reader: RunReader) -> dict[str, Any]:
    """Every attempt, also failed ones, in calls, tokens and US dollars (null where no price is known)."""
    calls: dict[str, int] = defaultdict(int)
    by_model: dict[str, float | None] = {}
    for (endpoint, model, purpose), spent in reader.spent().items():
        calls["attempts"] += spent.calls
        calls["failed"] += spent.failed
        calls["unpriced"] += spent.unpriced
        calls[f"for_{purpose or 'other'}"] += spent.calls
        for name in ("prompt", "completion", "reasoning", "cached"):
            calls[f"{name}_tokens"] += getattr(spent, f"{name}_tokens")
        who = f"{endpoint}#{model}"
        by_model[who] = by_model.get(who) if spent.usd is None else (by_model.get(who) or 0.0) + spent.usd
    known = [usd for usd in by_model.values() if usd is not None]
    money = {"usd": sum(known) if known else None, "usd_by_model": dict(sorted(by_model.items()))}
    return dict(sorted(calls.items())) | money


def _no_tokens() -> dict[str, int | None]:
    return {"calls": 0, "prompt": 0, "completion": 0, "reasoning": None, "calls_without_usage": 0}


def _add(total: dict[str, int | None], usage: Usage) -> None:
    total["calls"] = (total["calls"] or 0) + 1
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        total["calls_without_usage"] = (total["calls_without_usage"] or 0) + 1
        return
    total["prompt"] = (total["prompt"] or 0) + (usage.prompt_tokens or 0)
    total["completion"] = (total["completion"] or 0) + (usage.completion_tokens or 0)
    if usage.reasoning_tokens is not None:
        total["reasoning"] = (total["reasoning"] or 0) + usage.reasoning_tokens
