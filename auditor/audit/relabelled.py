"""What each label would have been worth in each secondary figure, prompt by prompt: stored with a run, so that whoever reads it
can put people's labels in the judge's place without knowing any dimension. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from auditor.dimensions import REGISTRY, Dimension
from auditor.dimensions.metrics import JUDGED
from auditor.records import SIDES, Prompt, Scored, Side

ByLabel = Mapping[str, Mapping[str, Mapping[str, Scored]]]
"""By dimension, kind of prompt and label: a reply as it is scored with this label."""

_PairKey = tuple[int, int, tuple[bool, ...], tuple[tuple[str, int], ...]]


def label_figures(
    findings: Mapping[str, Mapping[str, Any]],
    prompts: Iterable[Prompt],
    scores: Mapping[str, Mapping[Side, Scored]],
    by_label: ByLabel,
) -> dict[str, Any]:
    """By dimension: ``counts``, the distinct ways in which a reply counts in the figures (figure: 1 or 0, those in whose
    denominator it is not are left out); ``pairs``, the distinct pairs of replies: the two sides' places in ``counts``, whether
    a judge had a say in either, and each label's place; ``prompts``: the place in ``pairs`` by id.

    Only rates over single answers are there, and only if these counts add up to the figure as it was reported: of traces, of
    worst cases over samples and of graded scores a label of the answer tells nothing.
    """
    tables = {
        name: _Table(REGISTRY[name], wanted, by_label.get(name, {}), body)
        for name, body in findings.items()
        if name in REGISTRY and (wanted := _wanted(body))
    }
    for prompt in prompts:
        table = tables.get(prompt.dimension)
        if table is not None and len(both := scores.get(prompt.id, {})) == len(SIDES):
            table.put(prompt, both)
    return {name: table.told() for name, table in tables.items()}


def _wanted(body: Mapping[str, Any]) -> set[str]:
    """The rates in which a judge had a say, and what differences of rates are made of."""
    judged = [metric for metric in body["secondary"] if metric.get("judge_relative")]
    keys = {metric["key"] for metric in judged if "k" in metric["baseline"]}
    return keys.union(*(metric["minus"] for metric in judged if "minus" in metric))


class _Table:
    """One dimension's distinct ways of counting, each computed once."""

    def __init__(
        self,
        dimension: Dimension,
        wanted: set[str],
        by_label: Mapping[str, Mapping[str, Scored]],
        body: Mapping[str, Any],
    ) -> None:
        self._dimension = dimension
        self._wanted = wanted
        self._by_label = by_label
        self._secondary: Sequence[Mapping[str, Any]] = body["secondary"]
        self._beyond = set(body["beyond_stop"])
        self._counts: list[dict[str, int]] = []
        self._known: dict[tuple[object, ...], int] = {}
        self._pairs: dict[_PairKey, int] = {}
        self._prompts: dict[str, int] = {}

    def put(self, prompt: Prompt, both: Mapping[Side, Scored]) -> None:
        """Add a pair, unless it lies beyond where the dimension stopped."""
        if prompt.id in self._beyond:
            return
        labels = self._by_label.get(prompt.kind, {})
        pair = (
            self._place(prompt, both["baseline"]),
            self._place(prompt, both["candidate"]),
            tuple(both[side].judge_kind in JUDGED for side in SIDES),
            tuple((label, self._place(prompt, its)) for label, its in labels.items()),
        )
        self._prompts[prompt.id] = self._pairs.setdefault(pair, len(self._pairs))

    def told(self) -> dict[str, Any]:
        """What is stored of it."""
        keys = self._wanted & self._adding_up()
        return {
            "counts": [{key: k for key, k in told.items() if key in keys} for told in self._counts],
            "pairs": [[one, other, judged, dict(labels)] for one, other, judged, labels in self._pairs],
            "prompts": self._prompts,
        }

    def _place(self, prompt: Prompt, its: Scored) -> int:
        """Where among the counts stands how this reply counts."""
        key = (prompt.kind, prompt.tags, its.outcome, its.label, its.score, its.detail, its.judge_kind)
        if key not in self._known:
            alone = msgspec.structs.replace(its, trace_label="", trace_score=None, graded={}, manner="")
            metrics = self._dimension.secondary([(prompt, alone, alone)])
            told = {
                metric.key: metric.baseline.k
                for metric in metrics
                if metric.key in self._wanted and metric.baseline.n == 1 and metric.baseline.k is not None
            }
            if told not in self._counts:
                self._counts.append(told)
            self._known[key] = self._counts.index(told)
        return self._known[key]

    def _adding_up(self) -> set[str]:
        often = Counter(self._prompts.values())
        sides = ([pair[0] for pair in self._pairs], [pair[1] for pair in self._pairs])
        found = set()
        for metric in self._secondary:
            sums = [self._sum(metric["key"], ways, often) for ways in sides]
            if sums == [(metric[side].get("k"), metric[side]["n"]) for side in SIDES]:
                found.add(metric["key"])
        return found

    def _sum(self, key: str, ways: Sequence[int], often: Counter[int]) -> tuple[int, int]:
        """How many replies of one side count, and among how many; ``ways`` are its places in the counts, by pair."""
        k = n = 0
        for pair, way in enumerate(ways):
            told = self._counts[way]
            if key in told:
                k += told[key] * often[pair]
                n += often[pair]
        return k, n
