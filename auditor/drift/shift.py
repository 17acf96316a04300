"""URIAL's classes: where the candidate's most likely token stands in the baseline's ranking (Lin et al. 2024)."""

from __future__ import annotations

import math
from typing import Final, Literal

from auditor.drift.topk import Key, TopK

Shift = Literal["unshifted", "marginal", "shifted", "undetermined"]
SHIFTS: Final[tuple[Shift, ...]] = ("unshifted", "marginal", "shifted", "undetermined")
"""The candidate's top token is rank 1, rank 2-3 or beyond in the baseline; or the lists can't say."""

_BEYOND: Final = 3


def shift_class(baseline: TopK, candidate: TopK) -> Shift:
    """URIAL's class of the candidate's likeliest token by its rank in the baseline; ties count in its favour.

    "undetermined" instead of a guess where a list is too short, the top token has no usable number, or a sampled token
    stands at an unknown rank.
    """
    tops = candidate.top
    if not tops or tops & baseline.censored:
        return "undetermined"
    return min((_class_of(baseline, key) for key in tops), key=SHIFTS.index)


def _class_of(baseline: TopK, key: Key) -> Shift:
    logprob = baseline.logprobs.get(key)
    if logprob is None:
        # Unlisted means behind every entry at or above the cap; entries below it (a sampled token) prove nothing.
        ahead = sum(1 for v in baseline.logprobs.values() if math.exp(v) >= baseline.cap)
        return "shifted" if ahead >= _BEYOND else "undetermined"
    ahead = sum(1 for v in baseline.logprobs.values() if v > logprob)
    if ahead >= _BEYOND:
        return "shifted"
    unlisted = baseline.tail if baseline.censored else min(baseline.cap, baseline.tail)
    if math.exp(logprob) < unlisted:
        return "undetermined"
    return "marginal" if ahead else "unshifted"
