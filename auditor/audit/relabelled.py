"""What each label would have been worth in each secondary figure, prompt by prompt: stored with a run, so that whoever reads it
can put people's labels in the judge's place without knowing any dimension. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from auditor.dimensions import REGISTRY, Dimension
from auditor.dimensions.base import JUDGED
from auditor.records import SIDES, Prompt, Scored, Side

ByLabel = Mapping[str, Mapping[str, Mapping[str, Scored]]]
"""By dimension, kind of prompt and label: a reply as it is scored with this label."""


def label_figures(
    findings: Mapping[str, Mapping[str, Any]],
    prompts: Sequence[Prompt],
    scores: Mapping[str, Mapping[Side, Scored]],
    by_label: ByLabel,
) -> dict[str, Any]:
    """By dimension: ``counts``, the distinct ways in which a reply counts in the figures (figure: 1 or 0, those in whose
    denominator it is not are left out), and ``prompts``, by id: the two sides' places in ``counts``, whether a judge had a say
    in either, and each label's place.

    Only rates over single answers are there, and only if these counts add up to the figure as it was reported: of traces, of
    worst cases over samples and of graded scores a label of the answer tells nothing.
    """
    found: dict[str, Any] = {}
    for name, body in findings.items():
        wanted = _wanted(body)
        if not wanted or name not in REGISTRY:
            continue
        beyond = set(body["beyond_stop"])
        counted = [one for one in prompts if one.dimension == name and len(scores.get(one.id, {})) == 2]
        table = _Table(REGISTRY[name], wanted)
        rows = {
            prompt.id: [
                table.place(prompt, scores[prompt.id]["baseline"]),
                table.place(prompt, scores[prompt.id]["candidate"]),
                [scores[prompt.id][side].judge_kind in JUDGED for side in SIDES],
                {label: table.place(prompt, its) for label, its in by_label.get(name, {}).get(prompt.kind, {}).items()},
            ]
            for prompt in counted
            if prompt.id not in beyond
        }
        table.keep(wanted & _adding_up(body, rows.values(), table.counts))
        found[name] = {"counts": table.counts, "prompts": rows}
    return found


def _wanted(body: Mapping[str, Any]) -> set[str]:
    """The rates in which a judge had a say, and what differences of rates are made of."""
    judged = [metric for metric in body["secondary"] if metric.get("judge_relative")]
    keys = {metric["key"] for metric in judged if "k" in metric["baseline"]}
    return keys.union(*(metric["minus"] for metric in judged if "minus" in metric))


def _adding_up(body: Mapping[str, Any], rows: Any, counts: Sequence[Mapping[str, int]]) -> set[str]:
    some = list(rows)
    found = set()
    for metric in body["secondary"]:
        sums = [[counts[row[at]][metric["key"]] for row in some if metric["key"] in counts[row[at]]] for at in (0, 1)]
        sides = (metric["baseline"], metric["candidate"])
        if all(sum(told) == side.get("k") and len(told) == side["n"] for told, side in zip(sums, sides, strict=True)):
            found.add(metric["key"])
    return found


class _Table:
    """The distinct ways of counting, each computed once."""

    def __init__(self, dimension: Dimension, wanted: set[str]) -> None:
        self.counts: list[dict[str, int]] = []
        self._dimension = dimension
        self._wanted = wanted
        self._known: dict[tuple[object, ...], int] = {}

    def place(self, prompt: Prompt, its: Scored) -> int:
        """Where in ``counts`` stands how this reply counts."""
        key = (prompt.kind, prompt.tags, its.outcome, its.label, its.score, its.detail, its.judge_kind)
        if key not in self._known:
            alone = msgspec.structs.replace(its, trace_label="", trace_score=None, graded={}, manner="")
            metrics = self._dimension.secondary([(prompt, alone, alone)])
            told = {
                metric.key: metric.baseline.k
                for metric in metrics
                if metric.key in self._wanted and metric.baseline.n == 1 and metric.baseline.k is not None
            }
            if told not in self.counts:
                self.counts.append(told)
            self._known[key] = self.counts.index(told)
        return self._known[key]

    def keep(self, keys: set[str]) -> None:
        """Drop all other figures."""
        self.counts = [{key: k for key, k in told.items() if key in keys} for told in self.counts]
