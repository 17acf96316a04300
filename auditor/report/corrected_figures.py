"""Secondary figures with people's labels in the judge's place, where a label tells what a reply counts for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import hypot
from typing import Any

from auditor.records import SIDES
from auditor.report.corrected import Labels, Pair, corrected_mean, human_labels, unit_of
from auditor.store import RunReader

_SIGN = {"higher": 1.0, "lower": -1.0}
_LEVEL = 0.95


def correct_figures(reader: RunReader, dimensions: Mapping[str, Mapping[str, Any]]) -> None:
    """Set ``corrected`` and ``judge_relative`` of every secondary figure in which a judge had a say.

    ``corrected`` is None below 30 labelled units among those that the figure counts, and for figures that hang on more than the
    label of an answer: they stay judge-relative. Otherwise ``delta`` (candidate minus baseline, positive is better) and
    ``interval`` by prediction-powered inference, as for the primary metric; of a difference of two rates over different prompts,
    that of their corrected differences.
    """
    labels = human_labels(reader)
    table = (reader.meta("label_figures") or {}) if labels else {}
    units = {prompt.id: prompt.unit for prompt in reader.prompts()} if labels else {}
    for name, body in dimensions.items():
        found = _corrected(table.get(name, {}), labels, units) if labels else {}
        for metric in body.get("secondary", ()):
            if metric.get("judge_relative"):
                metric["corrected"] = _oriented(metric, found)
                metric["judge_relative"] = metric["corrected"] is None


def _corrected(table: Mapping[str, Any], labels: Labels, units: Mapping[str, str]) -> dict[str, dict[str, Any] | None]:
    """By figure: candidate minus baseline as it is counted, corrected; None where labels are too few."""
    counts: list[dict[str, int]] = table.get("counts", [])
    pairs: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for prompt_id, place_of_pair in table.get("prompts", {}).items():
        one, other, judged, by_label = table["pairs"][place_of_pair]
        people = [
            by_label.get(labels.get((prompt_id, side), "")) if its else place
            for side, its, place in zip(SIDES, judged, (one, other), strict=True)
        ]
        for key in counts[one].keys() & counts[other].keys():
            told = [counts[place].get(key) for place in people if place is not None]
            whole = len(told) == 2 and None not in told and any(judged)
            human = float(told[1] - told[0]) if whole else None
            delta = float(counts[other][key] - counts[one][key])
            pairs[key][units[prompt_id]].append(Pair(any(judged), delta, human, bool(by_label)))
    return {key: corrected_mean([unit_of(some) for some in its.values()], _LEVEL) for key, its in pairs.items()}


def _oriented(metric: Mapping[str, Any], found: Mapping[str, dict[str, Any] | None]) -> dict[str, Any] | None:
    sign = _SIGN.get(metric["orientation"])
    if sign is None:
        return None
    if "minus" not in metric:
        made = found.get(metric["key"])
        return made and made | {
            "delta": sign * made["delta"],
            "interval": sorted(sign * bound for bound in made["interval"]),
        }
    first, second = (found.get(key) for key in metric["minus"])
    if not first or not second:
        return None
    delta = sign * (first["delta"] - second["delta"])
    half = hypot(*((made["interval"][1] - made["interval"][0]) / 2 for made in (first, second)))
    return {
        "delta": delta,
        "interval": [delta - half, delta + half],
        "level": _LEVEL,
        "method": f"{first['method']} - {second['method']}",
        "gold": first["gold"] + second["gold"],
        "judged": first["judged"] + second["judged"],
        "exact": first["exact"] + second["exact"],
    }


def backing_of(metric: Mapping[str, Any]) -> str:
    """What stands behind a secondary figure, said beside it; "" where no judge had a say."""
    if corrected := metric.get("corrected"):
        low, high = (100 * bound for bound in corrected["interval"])
        return f"corrected by {corrected['gold']} labelled pairs: {100 * corrected['delta']:+.1f} [{low:+.1f}, {high:+.1f}]"
    return "judge-relative" if metric.get("judge_relative") else ""
