"""Protocol G beyond the first token: greedy replies, compared for as long as both models say the same.

Contexts are equal only until the first difference, so nothing later can be compared, and the contexts that can are those of
one greedy text: a description of drift along it, not an estimate of a sequence's KL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.drift.bounds import jsd_bounds, kl_lower_capped
from auditor.drift.protocol_keys import as_topk, common_kind, key_of
from auditor.drift.protocol_report import Bootstrap
from auditor.drift.resample import Mean, cluster_bootstrap
from auditor.drift.topk import TopK
from auditor.records import Ask, Message, Reply, Sampling, Side

WHAT: Final = "greedy common prefix: lower bounds at contexts both models share; no estimate of a sequence's KL"
MIN_PROMPTS: Final = 2


@dataclass(frozen=True, slots=True)
class CommonPrefix:
    """Both lists at every position up to and with the first difference."""

    prompt: str
    unit: str
    pairs: tuple[tuple[TopK, TopK], ...]
    same: int
    """Positions at which both models said the same."""
    whole: bool
    """They never differed."""


def greedy_ask(messages: tuple[Message, ...], *, top_logprobs: int, max_tokens: int, sample: int = 0) -> Ask:
    """The question: the likeliest reply. Only for servers whose logprobs at temperature 0 are the model's own."""
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=max_tokens, seed=0)
    return Ask(messages=messages, sampling=sampling, sample=sample, top_logprobs=top_logprobs)


def common_prefix(
    prompt: str, unit: str, baseline: Reply, candidate: Reply, k: int, displaces: Mapping[Side, bool]
) -> CommonPrefix | str:
    """What two greedy replies share, or why they can't be compared."""
    if baseline.logprobs is None or candidate.logprobs is None:
        return "no logprobs"
    first, second = baseline.logprobs.positions, candidate.logprobs.positions
    if not first or not second:
        return "no logprobs"
    kind = common_kind(first, second)
    pairs: list[tuple[TopK, TopK]] = []
    same = 0
    for one, other in zip(first, second, strict=False):
        try:
            pairs.append(
                (
                    as_topk(one, kind, k, displaces=displaces["baseline"]),
                    as_topk(other, kind, k, displaces=displaces["candidate"]),
                )
            )
        except ValueError as error:
            return str(error)
        if key_of(one.sampled, kind) != key_of(other.sampled, kind):
            break
        same += 1
    whole = same == len(first) == len(second)
    return CommonPrefix(prompt, unit, tuple(pairs), same, whole)


def describe(found: Sequence[CommonPrefix], how: Bootstrap) -> dict[str, Any] | None:
    """Bounds per token along common prefixes, both directions, with intervals over prompts; None for fewer than two."""
    if len(found) < MIN_PROMPTS:
        return None
    weights = [float(len(one.pairs)) for one in found]
    columns = [
        [sum(kl_lower_capped(p, q) for p, q in one.pairs) / len(one.pairs) for one in found],
        [sum(kl_lower_capped(q, p) for p, q in one.pairs) / len(one.pairs) for one in found],
        [sum(jsd_bounds(p, q).lower for p, q in one.pairs) / len(one.pairs) for one in found],
        [sum(jsd_bounds(p, q).upper for p, q in one.pairs) / len(one.pairs) for one in found],
    ]
    forward, reverse, low, high = cluster_bootstrap(
        columns,
        [one.unit for one in found],
        seed=how.seed,
        resamples=how.resamples,
        level=how.level,
        weights=weights,
    )
    ends = [low.interval[0], high.interval[1]] if low.interval and high.interval else None
    return {
        "what": WHAT,
        "n": len(found),
        "positions": int(sum(weights)),
        "same_tokens_mean": sum(one.same for one in found) / len(found),
        "never_differed": sum(one.whole for one in found),
        "forward": _bound(forward),
        "reverse": _bound(reverse),
        "jsd_per_token": {"lower": low.value, "upper": high.value, "interval": ends},
    }


def _bound(mean: Mean) -> dict[str, Any]:
    return {
        "lower_bound": mean.value,
        "lower_bound_interval": list(mean.interval) if mean.interval else None,
        "method": "E2",
    }
