"""What the probe finds out about logprobs: how many, of what distribution, in which lists, and how repeatable."""

from __future__ import annotations

import math
import statistics
from typing import Any, Final

import msgspec

from auditor import defaults
from auditor.endpoints.capabilities import Capabilities, LogprobsTemperature, TopList
from auditor.endpoints.probing.prober import STORY, STORY_TOKENS, Prober
from auditor.records import TokenLogprobs, TokenPosition

MOST_ASKED: Final = 100
"""Asked for once the usual 20 came: whether there is more. vLLM and SGLang die of a number larger than their vocabulary, and
no model in use has as few as this."""
SURE: Final = 0.99
"""Above this the rest of a vocabulary can hide in rounding."""
ROUNDING: Final = 1e-5


async def measure_logprobs(prober: Prober, found: Capabilities) -> Capabilities:
    """``found`` with everything about logprobs filled in; 16 requests at most."""
    most, limited, position = await _largest(prober)
    if position is None:
        return msgspec.structs.replace(found, logprobs=False)
    found = msgspec.structs.replace(
        found,
        logprobs=True,
        top_logprobs_max=most,
        top_logprobs_limited=limited,
        token_ids=all(t.id is not None for t in (position.top or (position.sampled,))),
    )
    if not most:
        return found
    if is_cut(position):
        prober.note(
            "the listed alternatives hold all the probability although there must be more tokens: the distribution was cut "
            "(top-k, top-p) before it was reported"
        )
    k = min(most, defaults.TOP_LOGPROBS)
    at = {t: await prober.next_token(k, t) for t in (1.0, 0.5, 0.0)}
    again = await prober.next_token(k, 1.0, sample=1)
    hot = await prober.try_ask(STORY, max_tokens=STORY_TOKENS, temperature=2.0, top_logprobs=min(k, 2), seed=1)
    return msgspec.structs.replace(
        found,
        logprobs_temperature=compare_temperatures(at[1.0], at[0.5], 0.5),
        logprobs_at_temperature_zero=_at_zero(at[1.0], at[0.0]),
        aa_noise=difference(at[1.0], again),
        top_list=shape_of_lists(hot.logprobs if hot else None, min(k, 2)),
    )


async def _largest(prober: Prober) -> tuple[int, bool, TokenPosition | None]:
    """The most alternatives that come, whether more were refused, and a position that shows it; eleven questions at most.

    A server either refuses a number that is too large, or lists fewer without a word: then the list tells its limit at
    once. Where it refuses, bisection between what came and what did not, with the commonest limits first.
    """
    usual = await prober.next_token(defaults.TOP_LOGPROBS)
    if usual is not None and len(usual.top) < defaults.TOP_LOGPROBS:
        return len(usual.top), True, usual
    if usual is not None:
        # More than 20 is rare: one step further settles it for most servers.
        ladder, low, high, best = [MOST_ASKED, defaults.TOP_LOGPROBS + 1], defaults.TOP_LOGPROBS, MOST_ASKED + 1, usual
    else:
        few = await prober.next_token(5) or await prober.next_token(1)
        if few is None:
            bare = await prober.next_token(0)
            return 0, bare is not None, bare
        ladder, low, high, best = [], len(few.top), defaults.TOP_LOGPROBS, few
        if low == 1:
            high = 5
    while high - low > 1:
        k = next((k for k in ladder if low < k < high), (low + high) // 2)
        at = await prober.next_token(k)
        if at is None:
            high = k
        elif len(at.top) < k:
            return max(low, len(at.top)), True, at
        else:
            low, best = k, at
    return low, low < MOST_ASKED, best


def is_cut(position: TokenPosition) -> bool:
    """Whether a list without temperature's doing holds everything: filters left no mass to the other tokens. Pure.

    A few tokens with numbers, summing to 1 within rounding, and the likeliest far from certain: a whole vocabulary is
    never like that.
    """
    masses = [math.exp(t.logprob) for t in position.top if t.logprob is not None]
    return len(masses) >= 2 and max(masses) < SURE and abs(sum(masses) - 1) < ROUNDING


def _values(position: TokenPosition | None) -> dict[Any, float]:
    return {} if position is None else {t.key: t.logprob for t in position.top if t.logprob is not None}


def compare_temperatures(
    base: TokenPosition | None, other: TokenPosition | None, temperature: float
) -> LogprobsTemperature:
    """Whether logprobs at ``temperature`` are those at 1 (raw) or those divided by it and renormalised (scaled). Pure.

    Compared are differences to the likeliest common token, in which the normalising constant cancels. The hypothesis
    that fits clearly better wins (medians in nats over the common tokens; a server's own noise reaches 0.1).
    """
    a, b = _values(base), _values(other)
    common = sorted(a.keys() & b.keys(), key=lambda key: -a[key])
    if len(common) < 2:
        return "unknown"
    top, rest = common[0], common[1:]
    raw = statistics.median(abs(b[key] - a[key]) for key in common)
    scaled = statistics.median(abs((b[key] - b[top]) - (a[key] - a[top]) / temperature) for key in rest)
    if min(raw, scaled) > 0.5 or max(raw, scaled) < 0.2 or max(raw, scaled) < 4 * min(raw, scaled):
        return "unknown"
    return "raw" if raw < scaled else "scaled"


def difference(one: TokenPosition | None, other: TokenPosition | None) -> float | None:
    """The largest difference in nats between the common tokens of two lists for the same question, or None. Pure."""
    a, b = _values(one), _values(other)
    common = a.keys() & b.keys()
    return round(max(abs(a[key] - b[key]) for key in common), 6) if common else None


def _at_zero(base: TokenPosition | None, zero: TokenPosition | None) -> LogprobsTemperature:
    a, b = _values(base), _values(zero)
    common = a.keys() & b.keys()
    if base is None or zero is None:
        return "unknown"
    if len(common) < 2:
        # At T = 0 a scaled distribution is one token with probability 1 and sentinels.
        return "scaled" if len(a) > 1 and max(b.values(), default=-1.0) > -1e-6 else "unknown"
    return "raw" if statistics.median(abs(b[key] - a[key]) for key in common) < 0.2 else "scaled"


def shape_of_lists(logprobs: TokenLogprobs | None, k: int) -> TopList:
    """What happens when the sampled token is not among the ``k`` best, from a reply sampled hot enough to show it. Pure.

    A list of k that always holds the sampled token, also where it is far from the best, has lost its k-th best to it.
    """
    if logprobs is None or k < 1:
        return "unknown"
    positions = [p for p in logprobs.positions if p.sampled.logprob is not None and p.top]
    if any(len(p.top) > k for p in positions):
        return "appended"
    inside = [any(t.key == p.sampled.key for t in p.top) for p in positions]
    if not all(inside):
        return "top"
    unlikely = sum(1 for p in positions if p.sampled.logprob is not None and p.sampled.logprob < -3.0)
    return "sampled_first" if unlikely >= 3 else "unknown"
