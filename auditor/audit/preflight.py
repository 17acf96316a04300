"""What is settled before a run spends anything: prompts, order, the frozen plan, and what the endpoints can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from auditor import __version__
from auditor.audit.conclusion import context
from auditor.audit.schedule import Stakes, draw
from auditor.banks import Bank, PackedPrompts, default_banks, load_bank, load_file
from auditor.endpoints import Capabilities
from auditor.errors import AuthenticationFailed, BankError, EndpointError, ModelNotFound, NotAnApi, RunError
from auditor.judging import load_rubric, rubric_names
from auditor.plan import SCHEMA, Plan
from auditor.records import Prompt
from auditor.stats.evidence import least_units
from auditor.store import RunFolder


def chosen_banks(plan: Plan) -> dict[str, list[Bank]]:
    """The banks of every chosen dimension. Raises BankError if one is missing, empty, or of another dimension."""
    chosen: dict[str, list[Bank]] = {}
    for dimension in plan.chosen_dimensions():
        names = plan.dimension(dimension).banks or list(default_banks(dimension))
        if not names:
            raise BankError(f"No bank is shipped for {dimension}.", f"Name one under [dimensions.{dimension}] banks.")
        chosen[dimension] = [_bank(name, dimension) for name in names]
    return chosen


def schedule(plan: Plan, banks: Mapping[str, list[Bank]]) -> Sequence[Prompt]:
    """The prompts in the order in which they will be asked; repetitions of one follow each other."""
    prompts = PackedPrompts.joined(bank.prompts for some in banks.values() for bank in some)
    sizes = units(banks)
    stakes = {
        name: Stakes(plan.dimension(name).limit, least_units(plan.margin(name), plan.run.error, sizes[name]))
        for name in banks
    }
    samples = {name: plan.dimension(name).samples for name in banks}
    return draw(prompts, plan.run.seed, stakes, samples)


def units(banks: Mapping[str, list[Bank]]) -> dict[str, int]:
    """How many units of analysis (prompts, or clusters made from one template) the banks of each dimension hold; prompts
    without a right answer make none.
    """
    return {
        name: len({prompt.unit for bank in some for prompt in bank.prompts if not context(prompt)})
        for name, some in banks.items()
    }


def freeze(plan: Plan, banks: Mapping[str, list[Bank]], folder: RunFolder) -> bool:
    """Write the plan into a new run, or check that an existing one was made from the same; True if it is continued.

    Raises RunError naming the first difference.
    """
    frozen = {
        "schema": SCHEMA,
        "auditor": __version__,
        "plan": plan.identity(),
        "banks": {bank.name: bank.hash for some in banks.values() for bank in some},
        "rubrics": {name: load_rubric(name).hash for name in rubric_names()},
        "units": units(banks),
    }
    existing = folder.plan_json()
    if existing is None:
        folder.freeze(msgspec.json.format(msgspec.json.encode(frozen), indent=2) + b"\n")
        return False
    before = msgspec.json.decode(existing)
    for part in ("plan", "banks", "rubrics"):
        if (place := _difference(before.get(part), frozen[part], part)) is not None:
            raise RunError(
                f"{folder.path} holds a run of another plan: {place}.",
                "Name another folder with --out, or use the plan that made this run.",
            )
    return True


def check_pair(baseline: Capabilities, candidate: Capabilities) -> list[str]:
    """Warnings about the pair that a reader of the results should see."""
    warnings = []
    for side, capabilities in (("baseline", baseline), ("candidate", candidate)):
        if capabilities.protocol == "T":
            warnings.append(f"The {side} returns no logprobs: drift can't be measured, everything else can.")
        warnings += [f"{side}: {anomaly}" for anomaly in capabilities.anomalies]
    return warnings


def fatal(error: EndpointError) -> bool:
    """Whether this fault of an endpoint will meet every other question, too."""
    return isinstance(error, AuthenticationFailed | ModelNotFound | NotAnApi)


def _bank(name: str, dimension: str) -> Bank:
    bank = load_file(Path(name)) if name.endswith(".jsonl") else load_bank(name)
    if bank.dimension != dimension:
        raise BankError(
            f"The bank {name} belongs to {bank.dimension}, not to {dimension}.",
            f"Move it to [dimensions.{bank.dimension}] banks.",
        )
    return bank


def _difference(before: Any, after: Any, place: str) -> str | None:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if (found := _difference(before.get(key), after.get(key), f"{place}.{key}")) is not None:
                return found
        return None
    return None if before == after else f"{place} was {before!r} and is now {after!r}"
