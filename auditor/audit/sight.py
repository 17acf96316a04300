"""What a dimension can show at its size, said before anything is paid for. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from auditor.audit.conclusion import context
from auditor.plan import Plan
from auditor.records import Prompt
from auditor.stats.eprocess import e_values
from auditor.stats.evidence import Terms, least_units
from auditor.stats.planning import minimum_detectable_effect, smallest_certifiable_n

TYPICAL_DISCORDANCE: Final = 0.10
"""Share of prompts on which two related models usually differ; what can be seen gets smaller as it grows."""
_DRAWS: Final = 31


def sight(plan: Plan, dimension: str, schedule: Sequence[Prompt], bank: int) -> dict[str, Any]:
    """What the scheduled prompts of a dimension can show; ``bank`` is how many units its whole banks hold.

    ``smallest_effect`` is the smallest true change that all of them would show with a chance of 80 %. ``decides_after`` is
    the number of units after which a spot-check of two models that did not change is decided: at the earliest, and
    typically (None: rather not at this size).
    """
    prompts = [prompt for prompt in schedule if prompt.dimension == dimension and not context(prompt)]
    units = len({prompt.unit for prompt in prompts})
    margin, error = plan.margin(dimension), plan.run.error
    level = 1.0 - 2.0 * error
    effect = minimum_detectable_effect(units, TYPICAL_DISCORDANCE, level) if units else math.inf
    spot_check = plan.run.until == "decided"
    least = least_units(margin, error, bank) if spot_check else smallest_certifiable_n(margin, level)
    typical = typical_units(margin, error, bank) if spot_check and units >= least else None
    return {
        "prompts": len(prompts),
        "units": units,
        "bank": bank,
        "margin": margin,
        "smallest_effect": None if math.isinf(effect) else effect,
        "certifiable": units >= least,
        "decides_after": {"earliest": least, "typical": typical if typical and typical <= units else None},
        "says": _says(units, len(prompts), margin, least, typical, spot_check),
    }


@cache
def typical_units(margin: float, error: float, bank: int) -> int:
    """After how many units a spot-check is decided, where the models differ by chance alone on a tenth of the prompts: the
    median of seeded draws.
    """
    return sorted(_one(random.Random(draw), Terms(margin, error, 1.0, bank)) for draw in range(_DRAWS))[_DRAWS // 2]


def _one(rng: random.Random, terms: Terms) -> int:
    drawn: list[float] = []

    def diffs() -> Any:
        while True:
            u = rng.random()
            drawn.append(1.0 if u < TYPICAL_DISCORDANCE / 2 else -1.0 if u < TYPICAL_DISCORDANCE else 0.0)
            yield drawn[-1]

    most = terms.finite or 5 * least_units(terms.margin, terms.error, terms.bank)
    for seen, value in enumerate(e_values(diffs(), -terms.margin, bank=terms.finite), start=1):
        if value >= 1.0 / terms.error or seen == most:
            return seen
    return most


def _says(units: int, prompts: int, margin: float, least: int, typical: int | None, spot_check: bool) -> str:
    points = f"{100.0 * margin:.3g}-point margin"
    what = "prompts" if units == prompts else "groups of like prompts"
    if units < least:
        return f"{units} {what} cannot certify a {points}; at least {least} would be needed."
    if not spot_check:
        return f"{units} {what} can certify a {points} if the models hardly ever differ."
    if typical is None or typical > units:
        return f"{units} {what} can certify a {points} from {least} on, but only if the models hardly ever differ."
    return f"decides about a {points} after {least} {what} at the earliest, typically about {typical} of {units}."
