"""URIAL's classes are told where the lists tell them, and nowhere else."""

from __future__ import annotations

import math

import pytest

from auditor.drift.shift import SHIFTS, shift_class
from auditor.drift.topk import TopK
from tests.drift.support import listed


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [("a", "unshifted"), ("b", "marginal"), ("c", "marginal"), ("d", "shifted"), ("z", "shifted")],
)
def test_urial_classes(candidate: str, expected: str) -> None:
    baseline = TopK.from_pairs([(key, math.log(x)) for key, x in zip("abcd", (0.4, 0.3, 0.1, 0.05), strict=True)])
    assert shift_class(baseline, TopK.from_pairs([(candidate, math.log(0.9))])) == expected


def test_urial_class_that_the_lists_cannot_decide() -> None:
    top = TopK.from_pairs([("z", math.log(0.9))])
    assert shift_class(listed(0.6, 0.2), top) == "undetermined"
    assert shift_class(listed(0.6, 0.2), TopK.from_pairs([])) == "undetermined"
    # The sampled token entered from below: its rank is 3 or worse.
    late = TopK.from_pairs([("a", math.log(0.6)), ("b", math.log(0.2)), ("z", math.log(0.001))], k=3, sampled="z")
    assert shift_class(late, top) == "undetermined"
    tied = TopK.from_pairs([("a", math.log(0.4)), ("b", math.log(0.4))])
    assert shift_class(TopK.from_pairs([("b", math.log(0.5)), ("c", math.log(0.3))]), tied) == "unshifted"
    assert SHIFTS[-1] == "undetermined"
