"""What people's labels say about a judged difference: prediction-powered inference per dimension, or "judge-relative"."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, variance
from typing import Any, Final, NamedTuple

from auditor.records import SIDES, Scored, Side
from auditor.stats.intervals import two_sided_z
from auditor.stats.ppi import MINIMUM_GOLD, ppi
from auditor.store import Annotations, RunReader
from auditor.store.annotations import FILE

JUDGED: Final = frozenset({"rules", "llm"})

Labels = Mapping[tuple[str, str], str]
LabelScores = Mapping[str, Mapping[str, Mapping[str, float]]]


class Unit(NamedTuple):
    """One unit of analysis: the judge's mean difference and, if people labelled pairs of it, theirs on the same pairs."""

    judged: bool
    delta: float
    gold: tuple[float, float] | None
    """People's and the judge's mean difference over the labelled pairs."""
    correctable: bool = True
    """Whether a label alone tells the score of every judged pair in it."""


class Pair(NamedTuple):
    """One pair: whether a judge had a say in it, its difference, people's difference if they labelled what was judged, and
    whether a label alone tells what each judged answer is worth.
    """

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
        corrected = corrected_mean(some, primary["level"]) if some else None
        found[name] = {
            "judge_relative": corrected is None,
            "labelled": sum(unit.gold is not None for unit in some),
            "corrected": corrected,
        }
    return found


def _units(
    reader: RunReader, dimensions: Mapping[str, Mapping[str, Any]], labels: Labels, scores: LabelScores
) -> dict[str, dict[str, Unit]]:
    beyond = {prompt_id for body in dimensions.values() for prompt_id in body.get("beyond_stop", ())}
    sides: dict[str, dict[Side, Scored]] = defaultdict(dict)
    for prompt_id, side, scored in reader.scores():
        sides[prompt_id][side] = scored
    pairs: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for prompt in reader.prompts():
        both = sides.get(prompt.id, {})
        if len(both) < 2 or prompt.id in beyond:
            continue
        one, other = both["baseline"].score, both["candidate"].score
        if one is None or other is None:
            continue
        by_judge = [both[side].judge_kind in JUDGED for side in SIDES]
        kind = scores.get(prompt.dimension, {}).get(prompt.kind, {})
        # What a label is worth hangs on the kind of prompt or, where this reply must also say something, on the reply.
        worth = [both[side].by_label or kind for side in SIDES]
        people = [
            one.get(labels.get((prompt.id, side), "")) if judged else both[side].score
            for one, side, judged in zip(worth, SIDES, by_judge, strict=True)
        ]
        human = None if people[0] is None or people[1] is None or not any(by_judge) else people[1] - people[0]
        pairs[prompt.dimension][prompt.unit].append(Pair(any(by_judge), other - one, human, _told(both, worth)))
    return {name: {unit: unit_of(some) for unit, some in units.items()} for name, units in pairs.items()}


def _told(both: Mapping[Side, Scored], worth: Sequence[Mapping[str, float]]) -> bool:
    """Whether a label tells the score of each answer that a judge judged; the others are as they are, whatever anybody says."""
    return all(bool(one) for one, side in zip(worth, SIDES, strict=True) if both[side].judge_kind in JUDGED)


def unit_of(pairs: list[Pair]) -> Unit:
    """The unit of analysis that these pairs make up."""
    told = [(pair.human, pair.delta) for pair in pairs if pair.human is not None]
    gold = (fmean(human for human, _ in told), fmean(delta for _, delta in told)) if told else None
    return Unit(
        any(pair.judged for pair in pairs),
        fmean(pair.delta for pair in pairs),
        gold,
        all(pair.told_by_label for pair in pairs if pair.judged),
    )


def corrected_mean(units: list[Unit], level: float) -> dict[str, Any] | None:
    """The mean difference over units with the judge's error on it subtracted; None where labels are too few or do not tell.
    Without any judged unit, the plain mean.
    """
    gold = [unit.gold for unit in units if unit.gold is not None]
    rest = [unit.delta for unit in units if unit.judged and unit.gold is None]
    exact = [unit.delta for unit in units if not unit.judged]
    if len(exact) == len(units) > 1:
        half = two_sided_z(level) * math.sqrt(variance(exact) / len(exact))
        return _made(fmean(exact), half, level, "exact", gold=0, judged=0, exact=len(exact))
    if len(gold) < MINIMUM_GOLD or len(rest) < 2 or not all(unit.correctable for unit in units):
        return None
    made = ppi(gold, rest, level)
    share = len(exact) / len(units)
    delta = (1 - share) * made.delta + (share * fmean(exact) if exact else 0.0)
    spread = ((1 - share) * (made.interval.hi - made.interval.lo) / 2) ** 2
    if len(exact) > 1:
        spread += (share * two_sided_z(level)) ** 2 * variance(exact) / len(exact)
    return _made(
        delta,
        math.sqrt(spread),
        level,
        made.interval.method,
        weight=made.weight,
        gold=made.gold,
        judged=made.judged,
        exact=len(exact),
    )


def _made(delta: float, half: float, level: float, method: str, **counts: float) -> dict[str, Any]:
    interval = [max(-1.0, delta - half), min(1.0, delta + half)]
    return {"delta": delta, "interval": interval, "level": level, "method": method, **counts}
