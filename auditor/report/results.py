"""The results object (schema ``auditor.results/1``): everything a reader needs, assembled from a run's folder alone.

Given the same plan and tape it is the same, byte for byte, but for ``cost.ledger``, which tells the history of this run.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from auditor.records import ALL_DIMENSIONS, SIDES, Usage
from auditor.report.anomalies import anomalies, told
from auditor.report.corrected import corrections
from auditor.report.corrected_figures import correct_figures
from auditor.report.overall import overall, overall_reason
from auditor.report.overridden import overridden, read_overrides, replaced
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
