"""What an audit will cost and what it can see, before a call is made. Pure but for the tables that it is given."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor.audit import drift_cost
from auditor.audit.pilot import Pilot
from auditor.audit.preflight import units
from auditor.audit.prices import price, price_table
from auditor.audit.sight import sight
from auditor.audit.tokens import PER_MESSAGE, Counting, rule_of_thumb
from auditor.banks import Bank
from auditor.dimensions import REGISTRY
from auditor.endpoints import PROBE_MAX_CALLS
from auditor.plan import EndpointPlan, Plan
from auditor.records import SIDES, Prompt, Side

JUDGE_OVERHEAD_TOKENS: Final = 600
JUDGE_REPLY_TOKENS: Final = 120

Sides = dict[str, dict[str, Any]]


def estimate(
    plan: Plan,
    banks: Mapping[str, list[Bank]],
    schedule: Sequence[Prompt],
    *,
    counting: Counting | None = None,
    pilot: Mapping[Side, Pilot] | None = None,
) -> dict[str, Any]:
    """Prompts, calls, tokens, money, time, and the smallest change that each dimension can see.

    Two sums: ``sides`` for everything that is scheduled, with replies of full length (an upper bound for replies);
    ``expected`` for a spot-check of two models that did not change, where every dimension stops as soon as it is decided.
    Tokens are those of ``counting``, or of the server itself with a ``pilot``. Money is in US dollars, null where the price
    of a model is not known; time is in seconds, null without a pilot.
    """
    counting = counting or rule_of_thumb()
    sizes = units(banks)
    dimensions = {name: sight(plan, name, schedule, sizes[name]) for name in banks}
    whole = _sides(plan, schedule, counting, pilot, typical=False)
    expected = _expected(plan, schedule, dimensions)
    some = None if expected is None else _sides(plan, expected, counting, pilot, typical=True)
    return {
        "schema": "auditor.estimate/1",
        "method": _method(counting, pilot),
        "prompts": len(schedule),
        "sides": whole,
        "calls": _calls(whole),
        "usd_at_most": _usd(whole),
        "seconds_at_most": _seconds(plan, len(schedule), pilot),
        "until": plan.run.until,
        "expected": None
        if expected is None or some is None
        else {
            "prompts": len(expected),
            "calls": _calls(some),
            "usd": _usd(some),
            "seconds": _seconds(plan, len(expected), pilot),
            "says": "if the models differ by chance alone; a large loss is seen sooner, one near the margin later",
        },
        "prices": price_table(),
        "dimensions": dimensions,
    }


def _sides(
    plan: Plan, prompts: Sequence[Prompt], counting: Counting, pilot: Mapping[Side, Pilot] | None, *, typical: bool
) -> Sides:
    once = sum(prompt.sample == 0 for prompt in prompts)
    first, more = drift_cost.first_token(plan, once), drift_cost.beyond(plan, once)
    drift = min(plan.drift.prompts, once) if plan.drift.enabled else 0
    longest_prompt = max((_tokens(prompt, counting, template=True) for prompt in prompts[:drift]), default=0)
    sides: Sides = {}
    longest = 0.0
    for side in SIDES:
        its = plan.baseline if side == "baseline" else plan.candidate
        flown = pilot.get(side) if pilot else None
        scale = flown.chars_per_token if flown else None
        how = rule_of_thumb(scale) if scale else counting
        # A pilot counts the template with the text; the other ways have to add it.
        incoming = sum(_tokens(prompt, how, template=scale is None) for prompt in prompts)
        some = sum(_tokens(prompt, how, template=scale is None) for prompt in prompts[:drift])
        early, late = (first.least, more.least) if typical else (first.most, more.most)
        incoming += math.ceil(some * early / drift) if drift else 0
        incoming += late * (longest_prompt + plan.drift.tokens)
        most = plan.sampling_for(its).max_tokens
        length = flown.reply_tokens if typical and flown and flown.reply_tokens is not None else most
        longest = max(longest, length)
        # Of a drift text's requests those that write have many tokens, those that score have one.
        outgoing = math.ceil(length * len(prompts)) + early + late + 3 * drift * plan.drift.tokens * bool(late)
        calls = len(prompts) + early + late + PROBE_MAX_CALLS
        sides[side] = _seat(its, calls, incoming, outgoing)
        sides[side]["drift_calls"] = {
            "first_token": {"least": first.least, "most": first.most},
            "beyond": {"least": more.least, "most": more.most},
        }
    asked, further = judged_texts(plan, prompts)
    for number, judge in enumerate(plan.bench(), start=1):
        if not judge.is_rules:
            calls = sum(asked.values()) + sum(further.values())
            incoming = math.ceil(calls * (JUDGE_OVERHEAD_TOKENS + longest))
            name = "judge" if number == 1 else f"judge-{number}"
            sides[name] = _seat(judge, calls, incoming, calls * JUDGE_REPLY_TOKENS)
            sides[name] |= {"by_rubric": dict(asked), "by_further_rubric": dict(further)}
    return sides


def judged_texts(plan: Plan, prompts: Sequence[Prompt]) -> tuple[Counter[str], Counter[str]]:
    """How many texts of both sides a judge may be asked about at most, by rubric: those that scores hang on, and the further
    ones. Each is one call but for the few that are asked again.
    """
    asked: Counter[str] = Counter()
    further: Counter[str] = Counter()
    for prompt in prompts:
        for use in REGISTRY[prompt.dimension].uses.get(prompt.kind, ()):
            if not use.further:
                asked[use.rubric] += len(SIDES) * len(use.parts)
            elif plan.run.further_rubrics:
                further[use.rubric] += len(SIDES) * len(use.parts)
    return asked, further


def _seat(plan: EndpointPlan, calls: int, incoming: int, outgoing: int) -> dict[str, Any]:
    return {
        "endpoint": plan.spec().label,
        "calls": calls,
        "prompt_tokens": incoming,
        "reply_tokens_at_most": outgoing,
        "usd_at_most": price(plan.spec(), incoming, outgoing),
    }


def _expected(plan: Plan, schedule: Sequence[Prompt], dimensions: Mapping[str, dict[str, Any]]) -> list[Prompt] | None:
    """The part of the schedule that is asked if nothing changed; None for a size fixed in advance."""
    if plan.run.until == "all":
        return None
    seen: dict[str, dict[str, None]] = {name: {} for name in dimensions}
    asked = []
    for prompt in schedule:
        so_far = seen[prompt.dimension]
        most = dimensions[prompt.dimension]["decides_after"]["typical"]
        if prompt.unit in so_far or most is None or len(so_far) < most:
            so_far[prompt.unit] = None
            asked.append(prompt)
    return asked


def _method(counting: Counting, pilot: Mapping[Side, Pilot] | None) -> str:
    if pilot and all(its.chars_per_token for its in pilot.values()):
        how = f"prompt tokens as {min(its.replies for its in pilot.values())} replies of each server counted them"
    else:
        how = f"prompt tokens are {counting.label}"
    return f"{how}; at most: replies of full length, every answer and trace judged by every rubric that may be asked"


def _seconds(plan: Plan, prompts: int, pilot: Mapping[Side, Pilot] | None) -> float | None:
    """The slower side's replies, ``concurrency`` at a time; judging happens meanwhile and is not counted."""
    if not pilot:
        return None
    slowest = [its.seconds for its in pilot.values()]
    known = [seconds for seconds in slowest if seconds is not None]
    return max(known) * prompts / plan.run.concurrency if len(known) == len(slowest) else None


def _tokens(prompt: Prompt, counting: Counting, *, template: bool) -> int:
    return sum(counting.count(message.content) + (PER_MESSAGE if template else 0) for message in prompt.messages)


def _calls(sides: Sides) -> int:
    return sum(side["calls"] for side in sides.values())


def _usd(sides: Sides) -> float | None:
    known = [side["usd_at_most"] for side in sides.values() if side["usd_at_most"] is not None]
    return sum(known) if len(known) == len(sides) else None
