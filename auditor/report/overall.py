"""One word for the trust dimensions together, and why: kept apart from the rest of the results because the browser shows it
before anything else.
"""

from __future__ import annotations

from typing import Any

from auditor.records import DIMENSIONS
from auditor.stats.decision import Decision


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
