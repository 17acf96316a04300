"""What the published string rules make of a run's stored replies, beside its findings and never part of a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from auditor.dimensions.paper import PaperPair, compare, pair_of
from auditor.plan import Plan
from auditor.records import SIDES, Prompt, Reply, Scored, Side
from auditor.store import RunReader


def published(
    path: Path,
    plan: Plan,
    prompts: Iterable[Prompt],
    scores: Mapping[str, Mapping[Side, Scored]],
    counted: frozenset[str],
) -> dict[str, dict[str, Any]]:
    """By dimension, the comparison under the published rules on the prompts that the findings rest on; empty unless the
    plan asks for it.
    """
    if plan.scoring != "paper":
        return {}
    known = {prompt.id: prompt for prompt in prompts if prompt.id in counted}
    pairs: dict[str, list[PaperPair]] = {name: [] for name in plan.chosen_dimensions()}
    for prompt_id, replies in _both(path):
        if (prompt := known.get(prompt_id)) is None:
            continue
        if (pair := pair_of(prompt, dict(scores[prompt_id]), replies, plan.conversion)) is not None:
            pairs[prompt.dimension].append(pair)
    return {name: compare(name, some, plan.conversion) for name, some in pairs.items()}


def _both(path: Path) -> Iterable[tuple[str, dict[Side, Reply]]]:
    """Both replies of a prompt at a time, so that a long run's replies are never in memory together."""
    reader = RunReader(path)
    try:
        waiting: dict[str, dict[Side, Reply]] = {}
        for prompt_id, side, reply in reader.replies():
            waiting.setdefault(prompt_id, {})[side] = reply
            if len(waiting[prompt_id]) == len(SIDES):
                yield prompt_id, waiting.pop(prompt_id)
    finally:
        reader.close()
