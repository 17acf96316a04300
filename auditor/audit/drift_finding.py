"""The drift finding of a run: what was measured, and how it goes with each prompt's loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from auditor import defaults
from auditor.records import SIDES, Scored, Side


def with_beyond(
    drift: dict[str, Any] | None,
    bounds: Mapping[str, float],
    beyond: dict[str, Any] | None,
    scores: Mapping[str, Mapping[Side, Scored]],
    seed: int,
) -> dict[str, Any] | None:
    """The drift finding of a run: the first token's, ``beyond`` it, and how both go with the loss of each prompt."""
    if drift is None and beyond is None:
        return None
    losses = {
        name: both["baseline"].score - both["candidate"].score
        for name, both in scores.items()
        if len(both) == len(SIDES) and both["baseline"].score is not None and both["candidate"].score is not None
    }
    whole = dict(drift or {})
    whole["association"] = association(bounds, losses, seed)
    whole["beyond"] = None
    if beyond is not None:
        whole["beyond"] = {**beyond["body"], "association": association(beyond["values"], losses, seed)}
    return whole


def association(values: Mapping[str, float], losses: Mapping[str, float], seed: int) -> dict[str, Any] | None:
    """Spearman's rank correlation between prompts' drift and their loss (baseline's score minus candidate's).

    An association, whatever its size: nothing here says that drift made the loss. None where fewer than three prompts have
    both, or one of the two does not vary.
    """
    import numpy as np

    from auditor.stats.rank import spearman

    both = [name for name in values if name in losses]
    try:
        found = spearman(
            [values[name] for name in both],
            [losses[name] for name in both],
            np.random.default_rng(seed),
            defaults.LEVEL,
        )
    except ValueError:
        return None
    ends = [found.interval.lo, found.interval.hi]
    return {
        "what": "rank correlation of a prompt's drift with its loss; an association, not a cause",
        "method": "spearman",
        "value": found.value if math.isfinite(found.value) else None,
        "interval": ends if all(map(math.isfinite, ends)) else None,
        "level": defaults.LEVEL,
        "n": found.n,
    }
