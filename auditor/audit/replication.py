"""Replaying a published audit on any pair: its decoding and sets as a plan, its figures beside those of the run."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from auditor.errors import PlanError
from auditor.plan import Plan, merge, parse_endpoint
from auditor.records import ALL_DIMENSIONS, Conversion

SCHEMA = "auditor.replication/1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Set(_Part):
    """What the paper asked in one dimension, the import format that reads it, the own banks that stand in for it."""

    paper: str
    format: str = ""
    stand_in: list[str]


class KnownPair(_Part):
    """A pair of the paper, with the candidate's parent chain, nearest first."""

    conversion: Conversion
    baseline: str
    candidate: str
    parents: list[str]
    note: str = ""


class Published(_Part):
    """A figure of the paper in percent, by "instruct" and conversion, and where the run's own stands."""

    title: str
    dimension: str
    ours: str
    good: Literal["higher", "lower"]
    values: dict[str, float]
    note: str = ""


class Preset(_Part):
    """A paper's audit as data. ``values_from`` says how its figures are known."""

    name: str
    source: str
    values_from: str
    plan: dict[str, Any]
    extra_body: dict[str, Any] = Field(default_factory=dict)
    sets: dict[str, Set]
    pairs: list[KnownPair]
    published: list[Published]


def preset_names() -> list[str]:
    """The presets that are shipped."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files("auditor").joinpath("presets").iterdir()
        if entry.name.endswith(".toml")
    )


def load_preset(name: str) -> Preset:
    """A shipped preset. Raises PlanError if there is none of that name."""
    if name not in preset_names():
        raise PlanError(f"There is no preset called {name!r}.", f"Use one of {', '.join(preset_names())}.")
    return Preset.model_validate(
        tomllib.loads((files("auditor").joinpath("presets") / f"{name}.toml").read_text(encoding="utf-8"))
    )


def plan_of(preset: Preset, given: Mapping[str, Any], banks: Mapping[str, list[str]]) -> Plan:
    """The preset as a plan for the pair in ``given`` (in the shape of a plan file; it wins); ``banks`` by dimension replace
    the stand-ins. Raises PlanError.
    """
    dimensions = {
        name: {"banks": banks.get(name) or preset.sets[name].stand_in} if name in preset.sets else {"enabled": False}
        for name in ALL_DIMENSIONS
    }
    whole = merge(merge(preset.plan, {"dimensions": dimensions}), given)
    for side in ("baseline", "candidate"):
        seat = dict(whole.get(side, {}))
        # Hosted services refuse settings that they do not know; servers of one's own take this one.
        if "base_url" in seat or parse_endpoint(str(seat.get("endpoint", ""))).base_url:
            whole[side] = seat | {"extra_body": {**preset.extra_body, **seat.get("extra_body", {})}}
    return Plan.from_mapping(whole)


def replicated(preset: Preset, results: Mapping[str, Any], banks: Mapping[str, list[str]]) -> dict[str, Any]:
    """The published figures beside those of a run (schema ``auditor.replication/1``); shares from 0 to 1, null where one of
    them is not there.
    """
    conversion = results["pair"]["conversion"] or "unknown"
    return {
        "schema": SCHEMA,
        "preset": preset.name,
        "source": preset.source,
        "values_from": preset.values_from,
        "conversion": conversion,
        "sets": {
            name: {
                "paper": one.paper,
                "used": banks.get(name) or one.stand_in,
                "stand_in": name not in banks,
                "format": one.format,
            }
            for name, one in preset.sets.items()
        },
        "figures": [
            {
                "title": figure.title,
                "dimension": figure.dimension,
                "good": figure.good,
                "published": {
                    "baseline": _share(figure.values.get("instruct")),
                    "candidate": _share(figure.values.get(conversion)),
                },
                "run": {side: _run(figure.ours, results, figure.dimension, side) for side in ("baseline", "candidate")},
                "note": figure.note,
            }
            for figure in preset.published
        ],
    }


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _run(place: str, results: Mapping[str, Any], dimension: str, side: str) -> float | None:
    body = results["dimensions"].get(dimension)
    if body is None:
        return None
    if place == "primary":
        found: float | None = body["primary"][side]["rate"]
        return found
    if place.startswith("paper:"):
        paper = body.get("paper") or {}
        if paper.get("rules") is None:
            return None
        told = paper[side]
        if place == "paper:rate":
            rate: float | None = told["rate"]
            return rate
        return told["refusals"] / told["replies"] if told["replies"] else None
    metric = next((one for one in body["secondary"] if one["key"] == place), None)
    return None if metric is None else metric[side]["value"]
