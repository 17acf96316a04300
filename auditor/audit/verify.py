"""Recomputing every decision of a run from what is stored: the frozen plan, the order, the scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.audit.conclusion import conclusion
from auditor.audit.preflight import chosen_banks, schedule
from auditor.errors import BankError, RunError
from auditor.plan import Plan
from auditor.records import Scored, Side
from auditor.store import RunReader

DECIDING = ("primary", "planned", "asked", "stopped_by", "beyond_stop")
"""The parts of a finding that are its decision and what it rests on."""
_TOLERANCE = 1e-9


class Verified:
    """What came out: ``decisions`` that were recomputed, ``differences`` as "place: stored, recomputed", ``notes``."""

    def __init__(self) -> None:
        self.decisions: dict[str, str] = {}
        self.differences: list[str] = []
        self.notes: list[str] = []


def verify(path: Path) -> Verified:
    """Compare a run's stored findings with those that its stored scores give. Raises RunError where there is nothing to
    compare.
    """
    reader = RunReader(path)
    try:
        frozen, stored = reader.plan, reader.findings()
        stopping, prompts = reader.meta("stopping"), reader.prompts()
        scores: dict[str, dict[Side, Scored]] = {}
        for prompt_id, side, scored in reader.scores():
            scores.setdefault(prompt_id, {})[side] = scored
    finally:
        reader.close()
    stored.pop("drift", None)
    if not stored or stopping is None or "units" not in frozen:
        raise RunError(f"{path} holds no decision yet.", "Decisions are made when the run ends or is cut short.")
    plan = Plan.model_validate(frozen["plan"])
    found = conclusion(plan, prompts, frozen["units"], scores)
    verified = Verified()
    for name in sorted(stored.keys() | found.findings.keys()):
        if name not in stored or name not in found.findings:
            verified.differences.append(f"{name}: {'not' if name not in stored else 'only'} stored")
            continue
        verified.decisions[name] = found.findings[name]["primary"]["decision"]
        for part in DECIDING:
            verified.differences += _differences(stored[name].get(part), found.findings[name][part], f"{name}.{part}")
    verified.differences += _differences(stopping, found.stopping, "stopping")
    _check_order(plan, frozen, [prompt.id for prompt in prompts], verified)
    return verified


def _check_order(plan: Plan, frozen: Mapping[str, Any], stored: list[str], verified: Verified) -> None:
    """The stored order must be the one that the seed draws, where the banks are still the ones that were drawn from."""
    try:
        banks = chosen_banks(plan)
    except BankError as error:
        verified.notes.append(f"The order could not be checked: {error.what}")
        return
    if {bank.name: bank.hash for some in banks.values() for bank in some} != frozen.get("banks"):
        verified.notes.append("The order could not be checked: the banks have changed since the run.")
    elif stored != [prompt.id for prompt in schedule(plan, banks)]:
        verified.differences.append(f"order: the stored order is not the one that seed {plan.run.seed} draws")
    else:
        verified.notes.append(f"The order is the one that seed {plan.run.seed} draws.")


def _differences(stored: Any, found: Any, place: str) -> list[str]:
    """Every leaf that differs, numbers by more than rounding."""
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        # A later version may say more; whatever was said must still be so.
        keys = sorted(stored)
        return [text for key in keys for text in _differences(stored[key], found.get(key), f"{place}.{key}")]
    if isinstance(stored, list) and isinstance(found, list | tuple) and len(stored) == len(found):
        both = enumerate(zip(stored, found, strict=True))
        return [text for i, (a, b) in both for text in _differences(a, b, f"{place}[{i}]")]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, found))
    same = math.isclose(stored, found, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) if numbers else stored == found
    return [] if same else [f"{place}: stored {stored!r}, recomputed {found!r}"]
