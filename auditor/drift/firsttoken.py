"""Drift at the first answer token, over many prompts: the one position every logprobs API lets two models share.

The contexts are equal there by construction, so no text has to be teacher-forced. Forward is KL(baseline||candidate),
reverse KL(candidate||baseline); both only as lower bounds, for top-k lists allow no upper one: E2, and E3 where each side
was asked for what only the other listed. JSD and TV are bounded on both sides.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.drift.bounds import Bounds, Coverage, coverage, jsd_bounds, kl_lower_capped, tv_bounds
from auditor.drift.resample import Interval, Mean, cluster_bootstrap
from auditor.drift.shift import SHIFTS, Shift, shift_class
from auditor.drift.topk import Key, TopK

MIN_COVERAGE: Final = 0.8
"""Below this mean listed mass (of the worse side) the JSD interval is wider than about a fifth of its range."""


@dataclass(frozen=True, slots=True)
class FirstTokenRow:
    """One prompt. KL lower bounds and JSD in nats, TV and masses in [0, 1].

    ``targeted``: each side was asked for what only the other listed. Then the bounds are E3 and the masses those of all
    that is known; ``kl_forward_lists`` and ``kl_reverse_lists`` are E2, from the two lists alone.
    """

    prompt: str
    kl_forward: float
    kl_reverse: float
    kl_forward_lists: float
    kl_reverse_lists: float
    targeted: bool
    jsd: Bounds
    tv: Bounds
    coverage: Coverage
    same_top: bool | None
    shift: Shift
    baseline_top: Key | None
    candidate_top: Key | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; keys that are bytes become text with escapes."""
        return {
            "prompt": self.prompt,
            "kl_forward_lower": _number(self.kl_forward),
            "kl_reverse_lower": _number(self.kl_reverse),
            "method": "E3" if self.targeted else "E2",
            "jsd": {"lower": self.jsd.lower, "upper": self.jsd.upper},
            "tv": {"lower": self.tv.lower, "upper": self.tv.upper},
            "coverage": {
                "baseline_mass": self.coverage.p_mass,
                "candidate_mass": self.coverage.q_mass,
                "shared": self.coverage.shared,
                "k": self.coverage.k,
            },
            "same_top": self.same_top,
            "shift": self.shift,
            "baseline_top": _text(self.baseline_top),
            "candidate_top": _text(self.candidate_top),
        }


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A mean known only between two bounds, with one interval that covers both: for the exact mean, too."""

    lower: float
    upper: float
    interval: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"lower": self.lower, "upper": self.upper, "interval": _pair(self.interval)}


@dataclass(frozen=True, slots=True)
class FirstTokenDrift:
    """Drift at the first token over prompts.

    Attributes:
        n: prompts.
        clusters: different ids among them; what the intervals resample.
        level: coverage the intervals aim at.
        targeted: prompts whose bounds are E3; those of the others are E2.
        forward: mean lower bound (E3 or E2) on KL(baseline||candidate) per prompt, nats. The low end of its interval is a
            confidence bound for KL itself; the high end says something about the bound only.
        reverse: the same for KL(candidate||baseline).
        forward_lists: mean of E2 over all prompts, whether or not more was known.
        reverse_lists: the same for KL(candidate||baseline).
        jsd: mean Jensen-Shannon divergence, nats.
        tv: mean total variation.
        baseline_mass: mean probability listed by the baseline, and the smallest.
        candidate_mass: the same for the candidate.
        shared: mean number of keys both lists know.
        k: alternatives asked for (the smallest over prompts and sides).
        same_top: share of prompts whose likeliest token is the same, among those where both are known; None if none.
        same_top_n: how many those are.
        shifts: URIAL shares over all n prompts; the classes of `SHIFTS` sum to 1.
        low_coverage: the lists hold too little mass for "no drift" to be concluded.
        censored: listed entries without a usable number, both sides.
        duplicates: repeated entries, both sides.
        rows: one per prompt, in the order given.
    """

    n: int
    clusters: int
    level: float
    resamples: int
    seed: int
    targeted: int
    forward: Mean
    reverse: Mean
    forward_lists: Mean
    reverse_lists: Mean
    jsd: Enclosure
    tv: Enclosure
    baseline_mass: float
    baseline_mass_min: float
    candidate_mass: float
    candidate_mass_min: float
    shared: float
    k: int
    same_top: Mean | None
    same_top_n: int
    shifts: dict[Shift, float]
    low_coverage: bool
    censored: int
    duplicates: int
    rows: tuple[FirstTokenRow, ...]

    def to_dict(self, protocol: str = "G") -> dict[str, Any]:
        """JSON-ready, shaped like schema ``auditor.drift/1``.

        ``estimate`` is null: top-k lists have no honest point value. ``interval`` is KL's own, [low, null]: open above.
        """
        jsd, seen = self.jsd.to_dict(), self._coverage()
        return {
            "schema": "auditor.drift/1",
            "protocol": protocol,
            "scope": "first_token",
            "unit": "nats",
            "n": self.n,
            "clusters": self.clusters,
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "forward": {
                "kl_per_token": self._kl(self.forward, self.forward_lists),
                "kl_per_sequence": None,
                "jsd_per_token": jsd,
                "coverage": seen,
            },
            "reverse": {
                "kl_per_token": self._kl(self.reverse, self.reverse_lists),
                "kl_per_sequence": None,
                "jsd_per_token": jsd,
                "coverage": seen,
            },
            "tv_per_token": self.tv.to_dict(),
            "same_top": {
                "share": self.same_top.value if self.same_top else None,
                "interval": _pair(self.same_top.interval) if self.same_top else None,
                "n": self.same_top_n,
            },
            "shifts": dict(self.shifts),
            "low_coverage": self.low_coverage,
            "censored": self.censored,
            "duplicates": self.duplicates,
            "noise_floor": None,
            "prompts": [row.to_dict() for row in self.rows],
        }

    def _kl(self, bound: Mean, from_lists: Mean) -> dict[str, Any]:
        return {
            "estimate": None,
            "interval": [bound.interval[0], None] if bound.interval else None,
            "lower_bound": _number(bound.value),
            "lower_bound_interval": _pair(bound.interval),
            "method": self._method,
            "n": self.n,
            "e2": _number(from_lists.value),
        }

    @property
    def _method(self) -> str:
        if not self.targeted:
            return "E2"
        return "E3" if self.targeted == self.n else f"E3 at {self.targeted} of {self.n} prompts, else E2"

    def _coverage(self) -> dict[str, Any]:
        return {
            "baseline_mass": self.baseline_mass,
            "baseline_mass_min": self.baseline_mass_min,
            "candidate_mass": self.candidate_mass,
            "candidate_mass_min": self.candidate_mass_min,
            "shared": self.shared,
            "k": self.k,
            "targeted": self.targeted,
        }


def first_token_drift(
    pairs: Sequence[tuple[str, TopK, TopK]],
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
    min_coverage: float = MIN_COVERAGE,
    completed: Sequence[tuple[TopK, TopK] | None] = (),
) -> FirstTokenDrift:
    """Aggregate first-token lists over prompts.

    Args:
        pairs: (prompt or cluster id, baseline's list, candidate's list). Equal ids are one cluster.
        seed: of the bootstrap.
        resamples: bootstrap resamples.
        level: coverage the intervals aim at.
        min_coverage: mean listed mass of the worse side below which `FirstTokenDrift.low_coverage` is set.
        completed: per pair both lists with what each side said about the other's tokens (`TopK.with_known`), None where
            it was not asked; () for nowhere.

    Raises:
        ValueError: no pairs, another number of ``completed``, or ``level`` outside (0, 1).
    """
    if not pairs:
        msg = "no prompt has a first-token list from both endpoints"
        raise ValueError(msg)
    more = completed or (None,) * len(pairs)
    rows = tuple(
        _row(prompt, baseline, candidate, known)
        for (prompt, baseline, candidate), known in zip(pairs, more, strict=True)
    )
    ids = [row.prompt for row in rows]
    columns = [
        [row.kl_forward for row in rows],
        [row.kl_reverse for row in rows],
        [row.jsd.lower for row in rows],
        [row.jsd.upper for row in rows],
        [row.tv.lower for row in rows],
        [row.tv.upper for row in rows],
        [row.kl_forward_lists for row in rows],
        [row.kl_reverse_lists for row in rows],
    ]
    forward, reverse, *ends = cluster_bootstrap(columns, ids, seed=seed, resamples=resamples, level=level)
    decided = [(row.prompt, float(row.same_top)) for row in rows if row.same_top is not None]
    same_top = None
    if decided:
        (same_top,) = cluster_bootstrap(
            [[same for _, same in decided]],
            [prompt for prompt, _ in decided],
            seed=seed,
            resamples=resamples,
            level=level,
        )
    n = len(rows)
    baseline_masses = [row.coverage.p_mass for row in rows]
    candidate_masses = [row.coverage.q_mass for row in rows]
    tally = Counter(row.shift for row in rows)
    lists = [side for _, baseline, candidate in pairs for side in (baseline, candidate)]
    return FirstTokenDrift(
        n=n,
        clusters=len(set(ids)),
        level=level,
        resamples=resamples,
        seed=seed,
        targeted=sum(row.targeted for row in rows),
        forward=forward,
        reverse=reverse,
        forward_lists=ends[4],
        reverse_lists=ends[5],
        jsd=_enclosure(ends[0], ends[1]),
        tv=_enclosure(ends[2], ends[3]),
        baseline_mass=math.fsum(baseline_masses) / n,
        baseline_mass_min=min(baseline_masses),
        candidate_mass=math.fsum(candidate_masses) / n,
        candidate_mass_min=min(candidate_masses),
        shared=sum(row.coverage.shared for row in rows) / n,
        k=min(row.coverage.k for row in rows),
        same_top=same_top,
        same_top_n=len(decided),
        shifts={shift: tally[shift] / n for shift in SHIFTS},
        low_coverage=math.fsum(row.coverage.least for row in rows) / n < min_coverage,
        censored=sum(len(side.censored) for side in lists),
        duplicates=sum(side.duplicates for side in lists),
        rows=rows,
    )


def _row(prompt: str, baseline: TopK, candidate: TopK, known: tuple[TopK, TopK] | None) -> FirstTokenRow:
    tops = bool(baseline.top) and bool(candidate.top)
    p, q = known or (baseline, candidate)
    return FirstTokenRow(
        prompt=prompt,
        kl_forward=kl_lower_capped(p, q),
        kl_reverse=kl_lower_capped(q, p),
        kl_forward_lists=kl_lower_capped(baseline, candidate),
        kl_reverse_lists=kl_lower_capped(candidate, baseline),
        targeted=known is not None,
        jsd=jsd_bounds(p, q),
        tv=tv_bounds(p, q),
        coverage=coverage(p, q),
        same_top=bool(baseline.top & candidate.top) if tops else None,
        shift=shift_class(baseline, candidate),
        baseline_top=_one(baseline.top),
        candidate_top=_one(candidate.top),
    )


def _enclosure(lower: Mean, upper: Mean) -> Enclosure:
    interval = (lower.interval[0], upper.interval[1]) if lower.interval and upper.interval else None
    return Enclosure(lower=lower.value, upper=upper.value, interval=interval)


def _one(keys: frozenset[Key]) -> Key | None:
    return min(keys, key=repr, default=None)


def _text(key: Key | None) -> str | int | None:
    if key is None or isinstance(key, (str, int)):
        return key
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else repr(key)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _pair(interval: Interval | None) -> list[float] | None:
    return list(interval) if interval else None
