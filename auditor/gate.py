"""Whether a run may pass in CI: results and a policy in, an exit code and its reasons out. Pure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from auditor.errors import PlanError
from auditor.records import DIMENSIONS
from auditor.stats.decide import Decision

PASS, REGRESSION, INDETERMINATE = 0, 1, 3


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gate lets pass.

    ``dimensions`` are those that count. ``regressed``: "any" fails on every proved loss, "material" only on one proved to
    exceed its margin. ``inconclusive``: whether an INCONCLUSIVE dimension is "indeterminate" (exit 3) or is let "pass".
    ``fragile``: what to do with a decision that the unscored pairs could overturn: "accept" it, or call it "indeterminate".
    ``together``: count a loss only if it is also shown when all dimensions are looked at together (Holm); without it each
    dimension may raise a false alarm of its own.
    """

    dimensions: tuple[str, ...] = DIMENSIONS
    regressed: Literal["any", "material"] = "any"
    inconclusive: Literal["indeterminate", "pass"] = "indeterminate"
    fragile: Literal["accept", "indeterminate"] = "accept"
    together: bool = True


class Ruling(NamedTuple):
    """The gate's answer."""

    exit_code: int
    reasons: list[str]


def read_policy(path: Path) -> Policy:
    """Read a policy from TOML. Raises PlanError naming file and fault."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Policy)
    except OSError as error:
        raise PlanError(f"Can't read the policy {path}: {error.strerror}.", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: not valid TOML: {error}.", "Correct that line.") from error
    except msgspec.ValidationError as error:
        raise PlanError(
            f"{path}: {error}.", f"Allowed: {', '.join(field.name for field in msgspec.structs.fields(Policy))}."
        ) from error


def rule(results: dict[str, Any], policy: Policy) -> Ruling:
    """Apply a policy. A proved loss outweighs everything that is unknown; what is unknown never counts as a loss."""
    lost: list[str] = []
    unknown: list[str] = []
    if unfit := sorted(set(policy.dimensions) - set(DIMENSIONS) - {"capability"}):
        raise PlanError(f"The policy names no known dimension with {unfit[0]!r}.", f"Known: {', '.join(DIMENSIONS)}.")
    for name in policy.dimensions:
        if name not in results["dimensions"]:
            unknown.append(f"{name}: not audited")
            continue
        primary = results["dimensions"][name]["primary"]
        decision = Decision(primary["decision"])
        said = f"{name}: {primary['reason']}"
        if policy.fragile == "indeterminate" and primary.get("fragile"):
            unknown.append(f"{said} The policy wants decisions that unscored pairs can't overturn.")
        elif decision is Decision.REGRESSED and (policy.regressed == "any" or primary["material"]):
            if policy.together and primary.get("together") is False:
                unknown.append(f"{said} Looked at together with the other dimensions, that is not yet certain.")
            else:
                lost.append(said)
        elif (decision is Decision.REGRESSED and not primary["within_margin"]) or (
            decision is Decision.INCONCLUSIVE and policy.inconclusive == "indeterminate"
        ):
            unknown.append(said + _cut_short(results, name))
    if results["status"] != "complete":
        done, planned = results["progress"]["pairs"], results["progress"]["planned"]
        unknown.append(f"the run is not complete: {done} of {planned} pairs ({results['status']})")
    if lost:
        return Ruling(REGRESSION, lost)
    return Ruling(INDETERMINATE, unknown) if unknown else Ruling(PASS, ["every dimension holds"])


def _cut_short(results: dict[str, Any], name: str) -> str:
    """Said where a dimension is open only because another one had answered the run's question first."""
    if results["dimensions"][name].get("stopped_by") != "answered":
        return ""
    by = (results.get("stopping") or {}).get("by") or "the others"
    return f" It was not asked to the end because {by} answered the run's question; `auditor run --fixed` asks all."
