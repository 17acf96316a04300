"""What a dimension's evidence says, as the numbers and the sentence that every reader shows: the run that stores a finding
and whoever recomputes one (`auditor results --verify`, people's overrides) get them from here.
"""

from __future__ import annotations

import re
from typing import Any

from auditor.stats.evidence import Judged, Terms, e_values_of, p_of_loss


def figures(judged: Judged, terms: Terms) -> dict[str, Any]:
    """Difference, interval, counts, decision and reason, by the names of schema ``auditor.results/1``.

    ``delta`` and ``interval`` are shares (candidate minus baseline, in [-1, 1]); ``n`` counts pairs, ``units`` what they
    were grouped into.
    """
    diffs, missing, decided = judged.diffs, judged.missing, judged.decided
    return {
        "delta": sum(diffs) / len(diffs) if diffs else None,
        "interval": [judged.interval.lo, judged.interval.hi],
        "level": judged.interval.level,
        "method": judged.interval.method,
        "anytime": judged.watched,
        "n": judged.pairs - judged.unscored,
        "units": len(diffs),
        "bank": terms.bank,
        "better": sum(d > 0 for d in diffs),
        "worse": sum(d < 0 for d in diffs),
        "unscored": judged.unscored,
        "margin": terms.margin,
        "decision": str(decided.decision),
        "material": decided.material,
        "within_margin": decided.within_margin,
        "certifiable": decided.certifiable,
        "needed_n": decided.needed_n,
        "fragile": missing.fragile and not missing.over_limit,
        "worst_case": _worst_case(judged),
        "about": judged.about,
        "reason": _reason(judged),
        "p_loss": p_of_loss(judged, terms),
        "e_values": e_values_of(judged, terms) if judged.watched else None,
    }


def _reason(judged: Judged) -> str:
    """One sentence for everybody: what was found, whom it is about, what it hangs on."""
    reason = judged.decided.reason
    if judged.pairs - judged.unscored != len(judged.diffs):
        # Prompts made from one template are one piece of evidence, and that is what was counted.
        reason = re.sub(r"\b(\d+|one) prompts\b", r"\1 groups of like prompts", reason)
    if judged.about == "this bank" and "this bank" not in reason:
        reason = f"{reason.removesuffix('.')}, on this bank."
    if judged.missing.fragile and not judged.missing.over_limit:
        many = f"{judged.unscored} pairs" if judged.unscored > 1 else "one pair"
        reason = f"{reason.removesuffix('.')}; fragile: the {many} that could not be scored could change this."
    return reason


def _worst_case(judged: Judged) -> dict[str, Any] | None:
    """What the unscored pairs could have made of it, None where there are none."""
    if not judged.unscored:
        return None
    missing = judged.missing
    return {
        "against": {"decision": str(missing.against.decision), "interval": list(missing.against_interval[:2])},
        "in_favour": {"decision": str(missing.in_favour.decision), "interval": list(missing.in_favour_interval[:2])},
    }
