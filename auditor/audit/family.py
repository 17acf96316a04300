"""Several pairs audited alike: one instruct model and its descendants, or the checkpoints of one training run.

A family file names them; each pair becomes a run of its own, and all of them a matrix of conversion by dimension. What a
difference may be blamed on depends on how the candidate was made, so every pair declares its parent chain, and a
comparison that mixes steps is said to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from auditor.errors import PlanError
from auditor.plan import Plan, merge
from auditor.records import ALL_DIMENSIONS, CAPABILITY, EndpointSpec
from auditor.stats.decide import Decision
from auditor.stats.multiplicity import holm

SCHEMA = "auditor.family/1"
_ORDER = ("sft", "rl", "distillation", "hybrid", "unknown")
_FOLDER = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Pair(BaseModel):
    """One pair: its name, which is also its folder's, and any setting of a plan; they win over the shared ones."""

    model_config = ConfigDict(extra="allow", strict=True)
    name: _FOLDER


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = "family"
    plan: dict[str, Any] = Field(default_factory=dict)
    pair: list[_Pair] = Field(min_length=1)


class Member(NamedTuple):
    """A pair of the family: its folder's name, its plan, and why its difference is not the conversion's alone."""

    name: str
    plan: Plan
    confounds: tuple[str, ...]


class Family(NamedTuple):
    """What a family file says, the pairs in the order of their conversions."""

    name: str
    members: tuple[Member, ...]
    warnings: tuple[str, ...]


def read_family(path: Path) -> Family:
    """Read and check a family file. Raises PlanError naming the file, the pair and the fix."""
    try:
        said = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PlanError(f"Can't read the family {path}: {error.strerror}.", "Check the path.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(
            f"{path}: not valid TOML: {error}.", "Correct it; docs/dimensions.md shows a family."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PlanError(
            f"{path}: {place}: {first['msg'].lower()}.", "Correct it; docs/dimensions.md shows a family."
        ) from error
    return family_of(
        said.name, said.plan, [dict(pair.model_extra or {}, name=pair.name) for pair in said.pair], str(path)
    )


def family_of(name: str, shared: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]], source: str = "") -> Family:
    """A family from the settings that all pairs share and each pair's own, in the shape of plan files."""
    plans: dict[str, Plan] = {}
    for pair in pairs:
        own = dict(pair)
        key = str(own.pop("name"))
        if key in plans:
            raise PlanError(f"{source}: two pairs are called {key!r}.", "Give each pair a name of its own.")
        plans[key] = Plan.from_mapping(merge(shared, own), source=f"{source}: pair {key}" if source else key)
    ordered = sorted(plans.items(), key=lambda item: _ORDER.index(item[1].conversion))
    members = tuple(Member(key, plan, tuple(_confounds(key, plan, plans))) for key, plan in ordered)
    return Family(name, members, tuple(_unlike(plans)))


def is_model(name: str, spec: EndpointSpec) -> bool:
    """Whether a name in a parent chain means this endpoint: its model's name with or without its owner, or its label."""
    wanted = name.casefold()
    return wanted in {spec.label.casefold(), spec.model.casefold(), spec.model.casefold().rpartition("/")[2]} or (
        wanted.rpartition("/")[2] == spec.model.casefold()
    )


def lineage(plan: Plan) -> str:
    """What keeps a pair's difference from being its conversion's alone, by its declared parents; "" if nothing does, or if
    none are declared.
    """
    baseline = plan.baseline.spec()
    if not plan.parents or is_model(plan.parents[0], baseline):
        return ""
    chain = " ← ".join([plan.candidate.spec().model, *plan.parents])
    if any(is_model(parent, baseline) for parent in plan.parents):
        return (
            f"confounded: it was made from {plan.parents[0]}, not from the baseline ({chain}): the difference is that of all"
            " steps"
        )
    return f"confounded: the baseline is not among its parents ({chain}): more than the {plan.conversion} differs"


def _confounds(key: str, plan: Plan, plans: Mapping[str, Plan]) -> list[str]:
    if not plan.parents:
        return [f"no parents declared: whether {plan.conversion} alone made the difference can't be said"]
    what, nearest = lineage(plan), plan.parents[0]
    if not what:
        return []
    between = [other for other, made in plans.items() if other != key and is_model(nearest, made.candidate.spec())]
    if between:
        what += f"; the pair {between[0]!r} has the steps before, and {nearest} as baseline would show {plan.conversion} alone"
    return [what]


def _unlike(plans: Mapping[str, Plan]) -> list[str]:
    """Settings that differ between the pairs, so that their rows can't be compared with each other."""
    warnings = []
    parts: dict[str, Callable[[Plan], Any]] = {
        "baseline": lambda plan: plan.baseline.spec().label,
        "judge": lambda plan: plan.identity().get("judges") or plan.identity().get("judge"),
        "sampling": lambda plan: plan.identity()["sampling"],
        "dimensions": lambda plan: plan.identity()["dimensions"],
        "seed": lambda plan: plan.run.seed,
    }
    for part, of in parts.items():
        told = {name: of(plan) for name, plan in plans.items()}
        first = next(iter(told.values()))
        others = [name for name, value in told.items() if value != first]
        if others:
            warnings.append(
                f"not alike: {', '.join(others)} differ from the first pair in {part}; compare rows with care"
            )
    return warnings


def matrix(family: Family, results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All pairs' findings (schema ``auditor.family/1``); a pair without results yet has null dimensions.

    ``together`` tells for each loss whether it also holds among all cells of the matrix (Holm): the more pairs are looked
    at, the more losses are found by chance.
    """
    p_values = {
        f"{name}/{key}": body["primary"]["p_loss"]
        for name, found in results.items()
        for key, body in found["dimensions"].items()
        if key != CAPABILITY
    }
    error = min((member.plan.run.error for member in family.members), default=0.05)
    adjusted = holm(p_values, error) if p_values else {}
    return {
        "schema": SCHEMA,
        "family": family.name,
        "warnings": list(family.warnings),
        "pairs": [
            {
                "name": member.name,
                "conversion": member.plan.conversion,
                "baseline": member.plan.baseline.spec().label,
                "candidate": member.plan.candidate.spec().label,
                "parents": list(member.plan.parents),
                "confounds": list(member.confounds),
                **_row(member.name, results.get(member.name), adjusted),
            }
            for member in family.members
        ],
    }


def _row(name: str, found: Mapping[str, Any] | None, adjusted: Mapping[str, Any]) -> dict[str, Any]:
    if found is None:
        return {"status": "not run", "overall": None, "dimensions": None, "drift": None}
    drift = found.get("drift")
    cells = {}
    for key in ALL_DIMENSIONS:
        if key not in found["dimensions"]:
            continue
        primary = found["dimensions"][key]["primary"]
        lost = primary["decision"] == Decision.REGRESSED and key != CAPABILITY
        cells[key] = {
            "baseline": primary["baseline"],
            "candidate": primary["candidate"],
            "delta": primary["delta"],
            "interval": primary["interval"],
            "decision": primary["decision"],
            "unscored": primary["unscored"],
            "together": bool(adjusted[f"{name}/{key}"].rejected) if lost else None,
        }
    return {
        "status": found["status"],
        "overall": found["overall"],
        "dimensions": cells,
        "drift": None if drift is None else drift["forward"]["kl_per_token"],
    }
