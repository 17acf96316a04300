"""What people's labels say about a judged difference: prediction-powered inference per dimension, or "judge-relative"."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean, variance
from typing import Any, Final, NamedTuple

from auditor.records import Scored, Side
from auditor.stats.intervals import two_sided_z
from auditor.stats.ppi import MINIMUM_GOLD, ppi
from auditor.store import Annotations, RunReader
from auditor.store.annotations import FILE

JUDGED: Final = frozenset({"rules", "llm"})

Labels = Mapping[tuple[str, str], str]
LabelScores = Mapping[str, Mapping[str, Mapping[str, float]]]


class _Unit(NamedTuple):
    """One unit of analysis: the judge's mean difference and, if people labelled pairs of it, theirs on the same pairs."""

    judged: bool
    delta: float
    gold: tuple[float, float] | None
    """People's and the judge's mean difference over the labelled pairs."""
    correctable: bool = True
    """Whether a label alone tells the score of every judged pair in it."""


class _Pair(NamedTuple):
    judged: bool
    delta: float
    human: float | None
    told_by_label: bool


def human_labels(reader: RunReader) -> dict[tuple[str, str], str]:
    """People's labels of answers by prompt and side. Overrides are left out: they were not drawn at random."""
    if not (reader.path / FILE).exists():
        return {}
    annotations = Annotations(reader.path)
    try:
        current = annotations.current("label")
    finally:
        annotations.close()
    return {(place[0], place[1]): found.new for place, found in current.items() if place[2] == "answer"}


def corrections(reader: RunReader, dimensions: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each dimension in which a judge had a say: ``judge_relative``, ``labelled`` (pairs) and ``corrected``.

    ``corrected`` is None below 30 labelled units, and where a score hangs on more than the label. Otherwise the mean difference with the judge's error on it subtracted, as
    people's labels show it (PPI, see `auditor.stats.ppi`); units that were scored exactly need no correction and enter with
    their own mean and variance. Units that people labelled in part count with what was labelled.
    """
    labels = human_labels(reader)
    scores: LabelScores = reader.meta("label_scores") or {}
    units = _units(reader, dimensions, labels, scores)
    found: dict[str, dict[str, Any]] = {}
    for name, body in dimensions.items():
        primary = body["primary"]
        if not JUDGED & set(primary["judged_by"]):
            continue
        some = list(units.get(name, {}).values())
        corrected = _corrected(some, primary["level"]) if some else None
        found[name] = {
            "judge_relative": corrected is None,
            "labelled": sum(unit.gold is not None for unit in some),
            "corrected": corrected,
        }
    return found


def _units(
    reader: RunReader, dimensions: Mapping[str, Mapping[str, Any]], labels: Labels, scores: LabelScores
) -> dict[str, dict[str, _Unit]]:
    beyond = {prompt_id for body in dimensions.values() for prompt_id in body.get("beyond_stop", ())}
    sides: dict[str, dict[Side, Scored]] = defaultdict(dict)
    for prompt_id, side, scored in reader.scores():
        sides[prompt_id][side] = scored
    pairs: dict[str, dict[str, list[_Pair]]] = defaultdict(lambda: defaultdict(list))
    for prompt in reader.prompts():
        both = sides.get(prompt.id, {})
        if len(both) < 2 or prompt.id in beyond:
            continue
        one, other = both["baseline"].score, both["candidate"].score
        if one is None or other is None:
            continue
        judged = any(scored.judge_kind in JUDGED for scored in both.values())
        worth = scores.get(prompt.dimension, {}).get(prompt.kind, {})
        people = [worth.get(labels.get((prompt.id, side), "")) for side in ("baseline", "candidate")]
        human = None if people[0] is None or people[1] is None else people[1] - people[0]
        pairs[prompt.dimension][prompt.unit].append(_Pair(judged, other - one, human, bool(worth)))
    return {name: {unit: _unit(some) for unit, some in units.items()} for name, units in pairs.items()}


def _unit(pairs: list[_Pair]) -> _Unit:
    told = [(pair.human, pair.delta) for pair in pairs if pair.human is not None]
    gold = (fmean(human for human, _ in told), fmean(delta for _, delta in told)) if told else None
    return _Unit(
        any(pair.judged for pair in pairs),
        fmean(pair.delta for pair in pairs),
        gold,
        all(pair.told_by_label for pair in pairs if pair.judged),
    )


def _corrected(units: list[_Unit], level: float) -> dict[str, Any] | None:
    gold = [unit.gold for unit in units if unit.gold is not None]
    rest = [unit.delta for unit in units if unit.judged and unit.gold is None]
    exact = [unit.delta for unit in units if not unit.judged]
    if len(gold) < MINIMUM_GOLD or len(rest) < 2 or not all(unit.correctable for unit in units):
        return None
    made = ppi(gold, rest, level)
    share = len(exact) / len(units)
    delta = (1 - share) * made.delta + (share * fmean(exact) if exact else 0.0)
    spread = ((1 - share) * (made.interval.hi - made.interval.lo) / 2) ** 2
    if len(exact) > 1:
        spread += (share * two_sided_z(level)) ** 2 * variance(exact) / len(exact)
    half = math.sqrt(spread)
    return {
        "delta": delta,
        "interval": [max(-1.0, delta - half), min(1.0, delta + half)],
        "level": level,
        "method": made.interval.method,
        "weight": made.weight,
        "gold": made.gold,
        "judged": made.judged,
        "exact": len(exact),
    }
