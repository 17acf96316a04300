"""What an audit will cost and what it can see, before a call is made. Pure but for the price table that ships with
genai-prices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor import defaults
from auditor.banks import Bank
from auditor.plan import Plan
from auditor.records import EndpointSpec, Prompt
from auditor.stats.planning import minimum_detectable_effect, smallest_certifiable_n

CHARS_PER_TOKEN: Final = 4
"""A rule of thumb for English; every number built on it is labelled an estimate."""
TYPICAL_DISCORDANCE: Final = 0.10
"""Share of prompts on which two related models usually differ; the smallest visible change grows with it."""
JUDGE_OVERHEAD_TOKENS: Final = 600
JUDGE_REPLY_TOKENS: Final = 120
PROBE_CALLS: Final = 16


def estimate(plan: Plan, banks: Mapping[str, Sequence[Bank]], schedule: Sequence[Prompt]) -> dict[str, Any]:
    """Prompts, calls, tokens, money and the smallest effect per dimension.

    Token counts assume ``CHARS_PER_TOKEN`` characters per token and replies of full length: an upper bound for replies.
    Money is in US dollars, null where the price of a model is not known.
    """
    drift = min(plan.drift.prompts, len(schedule)) if plan.drift.enabled else 0
    prompt_tokens = sum(_tokens(prompt) for prompt in schedule)
    first_tokens = sum(_tokens(prompt) for prompt in schedule[:drift])
    sides: dict[str, Any] = {}
    for name, side in (("baseline", plan.baseline), ("candidate", plan.candidate)):
        incoming = prompt_tokens + first_tokens
        outgoing = plan.sampling_for(side).max_tokens * len(schedule) + drift
        sides[name] = {
            "endpoint": side.spec().label,
            "calls": len(schedule) + drift + PROBE_CALLS,
            "prompt_tokens": incoming,
            "reply_tokens_at_most": outgoing,
            "usd_at_most": price(side.spec(), incoming, outgoing),
        }
    if not plan.judge.is_rules:
        judged = 4 * len(schedule)
        reply = max(plan.sampling_for(plan.baseline).max_tokens, plan.sampling_for(plan.candidate).max_tokens)
        incoming = judged * (JUDGE_OVERHEAD_TOKENS + reply)
        sides["judge"] = {
            "endpoint": plan.judge.spec().label,
            "calls": judged,
            "prompt_tokens": incoming,
            "reply_tokens_at_most": judged * JUDGE_REPLY_TOKENS,
            "usd_at_most": price(plan.judge.spec(), incoming, judged * JUDGE_REPLY_TOKENS),
        }
    return {
        "schema": "auditor.estimate/1",
        "method": f"estimate: {CHARS_PER_TOKEN} characters per token, replies of full length, every reply judged twice",
        "prompts": len(schedule),
        "sides": sides,
        "calls": sum(side["calls"] for side in sides.values()),
        "usd_at_most": _sum([side["usd_at_most"] for side in sides.values()]),
        "dimensions": {name: _sight(plan, name, schedule) for name in banks},
    }


def price(spec: EndpointSpec, prompt_tokens: int, reply_tokens: int) -> float | None:
    """US dollars by the price table that ships with genai-prices, or None for a server that is not in it."""
    if not spec.dialect or spec.base_url:
        return None
    from genai_prices import Usage, calc_price

    try:
        usage = Usage(input_tokens=prompt_tokens, output_tokens=reply_tokens)
        return float(calc_price(usage, model_ref=spec.model, provider_id=spec.dialect).total_price)
    except LookupError:
        return None


def _sight(plan: Plan, dimension: str, schedule: Sequence[Prompt]) -> dict[str, Any]:
    """What this many prompts can and can't show."""
    units = len({prompt.unit for prompt in schedule if prompt.dimension == dimension})
    margin = plan.margin(dimension)
    least = smallest_certifiable_n(margin, defaults.LEVEL)
    effect = minimum_detectable_effect(units, TYPICAL_DISCORDANCE, defaults.LEVEL) if units else math.inf
    return {
        "prompts": sum(prompt.dimension == dimension for prompt in schedule),
        "units": units,
        "margin": margin,
        "smallest_effect": None if math.isinf(effect) else effect,
        "certifiable": units >= least,
        "says": (
            f"{units} units can certify a {100 * margin:.0f}-point margin if the models hardly ever differ."
            if units >= least
            else f"{units} units cannot certify a {100 * margin:.0f}-point margin; at least {least} would be needed."
        ),
    }


def _tokens(prompt: Prompt) -> int:
    return math.ceil(sum(len(message.content) for message in prompt.messages) / CHARS_PER_TOKEN) + 4


def _sum(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
