"""The findings of a whole run from its plan, its order and its scores: pure. The run stores what this gives, and
``auditor results --verify`` gives it again.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, overload

import msgspec

from auditor import defaults
from auditor.audit.course import Course
from auditor.audit.findings import Row, described, finding, judged_of, paired, together
from auditor.dimensions import REGISTRY, figures
from auditor.plan import Plan
from auditor.records import CAPABILITY, SIDES, Prompt, Scored, Side
from auditor.stats.decide import Decision
from auditor.stats.evidence import Terms

Scores = Mapping[str, Mapping[Side, Scored]]
Both = tuple[Scored, Scored]


class Rows(Sequence[Row]):
    """The rows at some places of the order. They are made when they are asked for, and their prompts come without texts, so
    that as little as possible is in memory at a time: what a figure counts hangs on a prompt's kind, not on its words.
    """

    def __init__(self, prompts: Sequence[Prompt], both: Sequence[Both | None], seqs: Sequence[int]) -> None:
        self._prompts = prompts
        self._both = both
        self._seqs = array("L", seqs)

    def __len__(self) -> int:
        return len(self._seqs)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self._row(seq) for seq in self._seqs[place]]
        return self._row(self._seqs[place])

    def _row(self, seq: int) -> Row:
        both = self._both[seq]
        if both is None:
            raise LookupError(f"the pair at place {seq} has no scores")
        prompt = self._prompts[seq]
        return (msgspec.structs.replace(prompt, messages=(), kind=sys.intern(prompt.kind)), *both)


class Conclusion(NamedTuple):
    """``findings`` by dimension; ``stopping`` tells where the run stopped and why; ``counted`` are the ids of the prompts
    that all of it rests on.
    """

    findings: dict[str, dict[str, Any]]
    stopping: dict[str, Any]
    counted: frozenset[str]


def terms_of(plan: Plan, units: Mapping[str, int]) -> dict[str, Terms]:
    """Under which terms each chosen dimension is decided; ``units`` are those of its whole banks."""
    names = plan.chosen_dimensions()
    family = max(1, sum(name != CAPABILITY for name in names))
    return {
        name: Terms(
            margin=plan.margin(name),
            error=plan.run.error,
            max_unscored=plan.run.max_unscored,
            bank=units[name],
            family=1 if name == CAPABILITY else family,
        )
        for name in names
    }


def context(prompt: Prompt) -> bool:
    """Whether this prompt has no right answer: it is asked and described, but no comparison of scores rests on it."""
    return prompt.kind in REGISTRY[prompt.dimension].context_kinds


def conclusion(plan: Plan, prompts: Sequence[Prompt], units: Mapping[str, int], scores: Scores) -> Conclusion:
    """Decide every dimension from the scores by prompt, ``prompts`` in the order of the schedule."""
    terms = terms_of(plan, units)
    course = Course(prompts, terms, plan.run.until, context)
    done: list[Both | None] = [None] * len(prompts)
    # A few hundred kinds of pairs at most: each is kept once.
    kinds: dict[tuple[int, int], Both] = {}
    planned: dict[str, array[int]] = {name: array("L") for name in terms}
    aside = bytearray(len(prompts))
    for seq, prompt in enumerate(prompts):
        planned[prompt.dimension].append(seq)
        aside[seq] = context(prompt)
        found = scores.get(prompt.id, {})
        if len(found) == len(SIDES):
            both = found["baseline"], found["candidate"]
            done[seq] = both = kinds.setdefault((id(both[0]), id(both[1])), both)
            course.put(seq, paired(prompt, *both).delta)
    findings: dict[str, dict[str, Any]] = {}
    counted: set[str] = set()
    for name in terms:
        seqs = course.counted(name)
        rows = Rows(prompts, done, seqs)
        counted.update(row[0].id for row in rows)
        # A size that was fixed but not reached could have been any other: it is treated as what it is, a look on the way.
        watched = plan.run.until == "decided" or not course.exhausted(name)
        dimension = REGISTRY[name]
        deciding = Rows(prompts, done, [seq for seq in seqs if not aside[seq]])
        body = finding(
            dimension.metric,
            deciding,
            judged_of(deciding, terms[name], watched=watched),
            terms[name],
            margin_reason=plan.margin_reason(name),
            level=defaults.LEVEL,
        )
        body["secondary"] = [msgspec.to_builtins(metric) for metric in figures(dimension, rows)]
        body["context"] = described(Rows(prompts, done, [seq for seq in seqs if aside[seq]]))
        body["planned"] = len(planned[name])
        body["asked"] = len(rows)
        body["stopped_by"] = _stopped_by(course, name) if len(rows) < len(planned[name]) else ""
        counting = set(seqs)
        body["beyond_stop"] = [
            prompts[seq].id for seq in planned[name] if done[seq] is not None and seq not in counting
        ]
        findings[name] = body
    trust = {name: body for name, body in findings.items() if name != CAPABILITY}
    joint = together(trust, plan.run.error)
    for name, body in findings.items():
        body["primary"]["together"] = joint.get(name)
    return Conclusion(findings, _stopping(plan, course, findings, len(prompts)), frozenset(counted))


def _stopped_by(course: Course, name: str) -> str:
    """Why not all of a dimension was asked: it was decided, or the run had its answer; "" if neither (yet)."""
    if course.closed(name):
        return "decided"
    return "answered" if course.complete and course.stop is not None else ""


def _stopping(plan: Plan, course: Course, findings: Mapping[str, dict[str, Any]], planned: int) -> dict[str, Any]:
    asked = sum(body["asked"] for body in findings.values())
    stop = course.stop if course.complete else None
    early = stop is not None and asked < planned
    if not early:
        says = ""
    elif stop is not None and stop.answer == "regressed":
        says = (
            f"stopped after {asked} of {planned} pairs: {stop.by} lost more than its margin, which answers the question"
        )
    else:
        says = f"stopped after {asked} of {planned} pairs: every dimension is shown to be within its margin"
    return {
        "until": plan.run.until,
        "error": plan.run.error,
        "early": early,
        "answer": stop.answer if stop else None,
        "by": stop.by if stop else "",
        "asked": asked,
        "planned": planned,
        "beyond_stop": sum(len(body["beyond_stop"]) for body in findings.values()),
        "decided": [name for name, body in findings.items() if body["primary"]["decision"] != Decision.INCONCLUSIVE],
        "says": says,
    }
