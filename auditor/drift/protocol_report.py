"""From scored texts to the numbers of one direction, every one of them under the name of what it is.

Per token: ratio of sums over prompts, weighted by what was scored. Per sequence: mean over prompts of the sum up to the
token limit, comparable with sequence-level KL computed with the weights. Intervals resample clusters of prompts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.drift.bounds import coverage, jsd_bounds, kl_lower_capped
from auditor.drift.firsttoken import MIN_COVERAGE
from auditor.drift.hybrid import Position
from auditor.drift.noise import noise_floor
from auditor.drift.protocol_sequence import ScoredText, Step
from auditor.drift.resample import Mean, cluster_bootstrap
from auditor.drift.shift import shift_class
from auditor.drift.summary import TokenSummary
from auditor.drift.topk import TopK

MIN_TEXTS: Final = 2
MOVED: Final = 20
"""Tokens named as having moved most."""

COLUMNS: Final = ("kl", "plain", "gap", "k1", "lower", "e2", "jsd_lower", "jsd_upper", "p_mass", "q_mass", "least")


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made."""

    seed: int = 0
    resamples: int = 2000
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class _Row:
    """A step with its numbers, computed once: it is counted in several segments."""

    step: Step
    values: dict[str, float]
    again: dict[str, float] | None

    @property
    def weight(self) -> float:
        """How many positions it stands for."""
        return 1.0 / self.step.pair.inclusion


@dataclass(frozen=True, slots=True)
class _Text:
    """A text, or a part of it."""

    text: ScoredText
    rows: tuple[_Row, ...]

    @property
    def weight(self) -> float:
        """Positions that the scored ones stand for."""
        return math.fsum(row.weight for row in self.rows)

    def total(self, name: str) -> float:
        """Horvitz-Thompson total of one quantity over the positions."""
        return math.fsum(row.values[name] * row.weight for row in self.rows)


def direction(
    texts: Sequence[ScoredText], protocol: str, how: Bootstrap, *, writer: str, reader: str, scored_by: str = ""
) -> dict[str, Any]:
    """One direction of ``auditor.drift/1``: KL(writer‖reader). Needs at least two texts.

    Control positions are in no number but those of ``segments.control``.
    """
    whole = [_measured(text) for text in texts]
    plain = _select(whole, lambda step: not step.control)
    with_lists = all(step.pair.p is not None and step.pair.q is not None for text in texts for step in text.steps)
    body = {"protocol": protocol, "scored_by": scored_by, **_segment(plain, how, with_lists)}
    body["segments"] = {
        name: _segment(some, how, with_lists)
        for name in ("answer", "trace", "control")
        if len(some := _select(whole, lambda step, name=name: step.segment == name)) >= MIN_TEXTS  # type: ignore[misc]
    }
    body["positions"] = {
        name: _segment(some, how, with_lists)["kl_per_token"]
        for name, low, high in (("start", 0.0, 1 / 3), ("middle", 1 / 3, 2 / 3), ("end", 2 / 3, 1.0))
        if len(some := _between(plain, low, high)) >= MIN_TEXTS
    }
    body["dimensions"] = {
        name: {key: part[key] for key in ("n", "kl_per_token", "kl_per_sequence", "jsd_per_token", "low_coverage")}
        for name in dict.fromkeys(one.text.dimension for one in plain if one.text.dimension)
        if len(some := [one for one in plain if one.text.dimension == name]) >= MIN_TEXTS
        and (part := _segment(some, how, with_lists))
    }
    body["summary"] = _tokens(plain, with_lists)
    body["moved"] = _moved(plain, with_lists)
    body["noise_floor"] = _noise(plain, how, with_lists)
    for part in (body, *body["segments"].values()):
        if part.get("coverage"):
            seen = part["coverage"]
            part["coverage"] = {f"{writer}_mass": seen["writer"], f"{reader}_mass": seen["reader"], "k": seen["k"]}
    for moved in body["moved"]:
        moved[writer], moved[reader] = moved.pop("writer"), moved.pop("reader")
    body["texts"] = {
        "n": len(texts),
        "tokens": sum(text.length for text in texts),
        "scored": sum(len(text.steps) for text in texts),
        "cut": sum(not text.ended for text in texts),
    }
    return body


def per_prompt(texts: Sequence[ScoredText]) -> dict[str, float]:
    """Each prompt's drift per token in nats: the lower bound E2 where there are lists, else k3. Control left out."""
    found = {}
    for one in _select([_measured(text) for text in texts], lambda step: not step.control):
        value = one.total("lower") / one.weight
        if math.isnan(value):
            value = one.total("kl") / one.weight
        if math.isfinite(value):
            found[one.text.prompt] = value
    return found


def _segment(texts: Sequence[_Text], how: Bootstrap, with_lists: bool) -> dict[str, Any]:
    if len(texts) < MIN_TEXTS:
        return {"n": len(texts), "kl_per_token": None, "kl_per_sequence": None, "jsd_per_token": None}
    names = COLUMNS if with_lists else COLUMNS[:4]
    sums = {name: [text.total(name) for text in texts] for name in names}
    weights = [text.weight for text in texts]
    clusters = [one.text.unit for one in texts]

    def means(*, per_token: bool) -> dict[str, Mean]:
        made = cluster_bootstrap(
            [[s / w if per_token else s for s, w in zip(sums[name], weights, strict=True)] for name in names],
            clusters,
            seed=how.seed,
            resamples=how.resamples,
            level=how.level,
            weights=weights if per_token else None,
        )
        return dict(zip(names, made, strict=True))

    token, sequence = means(per_token=True), means(per_token=False)
    total = math.fsum(sums["kl"])
    largest = max(row.values["kl"] * row.weight for text in texts for row in text.rows)
    share = largest / total if 0.0 < total < math.inf else 0.0  # NaN compares false
    bound = _bound_method(texts)
    body: dict[str, Any] = {
        "n": len(texts),
        "clusters": len(set(clusters)),
        "tokens": math.fsum(weights),
        "kl_per_token": _kl(token, len(texts), share, with_lists, bound),
        "kl_per_sequence": _kl(sequence, len(texts), share, with_lists, bound),
        "jsd_per_token": None,
        "coverage": None,
        "low_coverage": None,
    }
    if with_lists:
        low, high = token["jsd_lower"], token["jsd_upper"]
        ends = [low.interval[0], high.interval[1]] if low.interval and high.interval else None
        body["jsd_per_token"] = {"lower": low.value, "upper": high.value, "interval": ends}
        body["coverage"] = {"writer": token["p_mass"].value, "reader": token["q_mass"].value, "k": _k(texts)}
        body["low_coverage"] = token["least"].value < MIN_COVERAGE
    return body


def _bound_method(texts: Sequence[_Text]) -> str:
    told = [row.step.lists is not None for text in texts for row in text.rows]
    return "E3" if all(told) else f"E3 at {sum(told)} of {len(told)} positions, else E2" if any(told) else "E2"


def _kl(means: dict[str, Mean], n: int, largest: float, with_lists: bool, bound: str) -> dict[str, Any]:
    full, plain, gap = means["kl"], means["plain"], means["gap"]
    # Both have the same expectation. Where their means differ by more than chance, rare tokens that carry the control
    # variate were missed, and then E4 is too low without its standard error showing it.
    unknown = math.isnan(full.value)
    differ = not unknown and gap.interval is not None and not gap.interval[0] <= 0.0 <= gap.interval[1]
    quoted = plain if differ else full
    names = ("E4", "E4 without control variate") if with_lists else ("k3", "k1")
    if unknown:
        names = ("none: tokens outside the lists have no number, only bounds hold",) * 2
    lower = means.get("lower")
    return {
        "estimate": _number(quoted.value),
        "interval": _pair(quoted),
        "lower_bound": _number(lower.value) if lower else None,
        "lower_bound_interval": _pair(lower) if lower else None,
        "lower_bound_method": bound if lower else None,
        "e2": _number(means["e2"].value) if lower else None,
        "method": names[1] if differ else names[0],
        "n": n,
        "kl": {"method": names[0], "value": _number(full.value), "interval": _pair(full)},
        "kl_plain": {"method": names[1], "value": _number(plain.value), "interval": _pair(plain)},
        "estimators_differ": differ,
        "k1": {"value": _number(means["k1"].value), "interval": _pair(means["k1"])},
        "largest": None if unknown else largest,
    }


def _tokens(texts: Sequence[_Text], with_lists: bool) -> dict[str, Any] | None:
    """llama.cpp's and URIAL's numbers. Positions count alike, also where only some were scored."""
    pairs = [row.step.pair for text in texts for row in text.rows]
    if not pairs or any(math.isnan(x.p_logprob + x.q_logprob) for x in pairs):
        return None
    known = [(x.p, x.q) for x in pairs if x.p is not None and x.q is not None]
    summary = TokenSummary.of(
        [row.values["kl"] for text in texts for row in text.rows],
        [(x.p_logprob, x.q_logprob) for x in pairs],
        kld_is="E4" if with_lists else "k3",
        same_top=[bool(p.top & q.top) if p.top and q.top else None for p, q in known],
        shifts=[shift_class(p, q) for p, q in known],
    )
    return summary.to_dict()


def _moved(texts: Sequence[_Text], with_lists: bool) -> list[dict[str, Any]]:
    """The positions with the largest proven divergence (without lists: change of the given token)."""
    rows = [
        (row.values["lower"] if with_lists else abs(row.values["k1"]), text.text, row.step)
        for text in texts
        for row in text.rows
    ]
    rows.sort(key=lambda row: (-row[0], row[1].prompt, row[2].index))
    return [
        {
            "prompt": text.prompt,
            "position": step.index,
            "part": step.part,
            "before": _before(text, step.index),
            "token": step.token,
            "kl_lower": _number(value) if with_lists else None,
            "delta_logprob": _number(step.pair.q_logprob - step.pair.p_logprob),
            "writer": _said(step.tops[0]),
            "reader": _said(step.tops[1]),
        }
        for value, text, step in rows[:MOVED]
    ]


def _before(text: ScoredText, index: int) -> str:
    """The end of what stood before a position; "…" where tokens in between were not scored."""
    parts, last = [], -1
    for step in (*(s for s in text.steps if s.index < index), None):
        place = index if step is None else step.index
        parts.append("…" if place > last + 1 else "")
        parts.append("" if step is None else step.token)
        last = place
    return "".join(parts)[-60:]


def _noise(texts: Sequence[_Text], how: Bootstrap, with_lists: bool) -> dict[str, Any] | None:
    """A/A beside A/B on the same texts and positions; of the lower bound E2 where there are lists."""
    name = "e2" if with_lists else "kl"
    pair, floor, units = [], [], []
    for text in texts:
        again = [(row.again[name], row.weight) for row in text.rows if row.again is not None]
        if len(again) == len(text.rows):
            pair.append(text.total(name) / text.weight)
            floor.append(math.fsum(value * weight for value, weight in again) / text.weight)
            units.append(text.text.unit)
    if len(units) < MIN_TEXTS:
        return None
    found = noise_floor(floor, pair, units, seed=how.seed, resamples=how.resamples, level=how.level)
    return {"of": "E2 per token" if with_lists else "k3 per token", **found.to_dict()}


def _measured(text: ScoredText) -> _Text:
    rows = tuple(
        _Row(step, _values(step.pair, step.lists), None if step.again is None else _values(step.again))
        for step in text.steps
    )
    return _Text(text, rows)


def _values(x: Position, lists: tuple[TopK, TopK] | None = None) -> dict[str, float]:
    k1 = x.p_logprob - x.q_logprob
    full, plain = (math.nan, math.nan) if math.isnan(k1) else (x.kl, x.kl_plain)
    values = {"kl": full, "plain": plain, "gap": full - plain, "k1": k1}
    if x.p is None or x.q is None:
        return values | dict.fromkeys(COLUMNS[4:], math.nan)
    jsd, seen = jsd_bounds(x.p, x.q), coverage(x.p, x.q)
    lower = kl_lower_capped(x.p, x.q)
    return values | {
        "lower": lower,
        "e2": kl_lower_capped(*lists) if lists else lower,
        "jsd_lower": jsd.lower,
        "jsd_upper": jsd.upper,
        "p_mass": seen.p_mass,
        "q_mass": seen.q_mass,
        "least": seen.least,
    }


def _select(texts: Sequence[_Text], keep: Callable[[Step], bool]) -> list[_Text]:
    return [_Text(one.text, rows) for one in texts if (rows := tuple(row for row in one.rows if keep(row.step)))]


def _between(texts: Sequence[_Text], low: float, high: float) -> list[_Text]:
    return [
        _Text(one.text, rows)
        for one in texts
        if (rows := tuple(row for row in one.rows if low <= row.step.index / one.text.length < high))
    ]


def _k(texts: Sequence[_Text]) -> int:
    lists = [x for text in texts for row in text.rows for x in (row.step.pair.p, row.step.pair.q)]
    return min(x.k for x in lists if x is not None)


def _said(top: tuple[str, float] | None) -> dict[str, Any] | None:
    return None if top is None else {"token": top[0], "probability": top[1]}


def _pair(mean: Mean) -> list[float] | None:
    return list(mean.interval) if mean.interval and all(map(math.isfinite, mean.interval)) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
