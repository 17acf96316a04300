"""Per-token drift in the names and quantiles that users of llama.cpp's ``--kl-divergence`` know.

Descriptive statistics over scored positions: no ± of their own (tokens of one reply are not independent; intervals come
from `auditor.drift.resample`). Forward direction: P is the baseline, Q the candidate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.drift.shift import SHIFTS, Shift

QUANTILES: Final[tuple[tuple[str, float], ...]] = (
    ("99.9%", 0.999),
    ("99.0%", 0.99),
    ("95.0%", 0.95),
    ("90.0%", 0.90),
    ("Median", 0.5),
    ("10.0%", 0.10),
    ("5.0%", 0.05),
    ("1.0%", 0.01),
    ("0.1%", 0.001),
)
"""llama.cpp's labels, in its order; Maximum stands before and Minimum after them."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Mean, extremes and quantiles of one quantity over n positions.

    ``quantiles`` maps each label of `QUANTILES` to its value, or to None where n is too small to have one: a 99.9 %
    quantile of 200 numbers would only be the maximum under another name.
    """

    n: int
    mean: float
    maximum: float
    quantiles: dict[str, float | None]
    minimum: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Quantiles:
        """Describe values of any unit. Linear interpolation between order statistics, as llama.cpp and numpy do it.

        Raises:
            ValueError: no values, or one that is not a number.
        """
        ordered = sorted(values)
        if not ordered or any(math.isnan(v) for v in ordered):
            msg = "quantiles need at least one value and no NaN"
            raise ValueError(msg)
        n = len(ordered)
        return cls(
            n=n,
            mean=math.fsum(ordered) / n,
            maximum=ordered[-1],
            quantiles={
                label: _quantile(ordered, share) if n * min(share, 1 - share) >= 1 - 1e-9 or share == 0.5 else None
                for label, share in QUANTILES
            },
            minimum=ordered[0],
        )

    def to_dict(self, mean_label: str = "Mean") -> dict[str, Any]:
        """JSON-ready, in llama.cpp's order: mean, Maximum, quantiles, Minimum."""
        return {
            "n": self.n,
            mean_label: self.mean,
            "Maximum": self.maximum,
            **self.quantiles,
            "Minimum": self.minimum,
        }


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """What happened at scored positions.

    Attributes:
        kld: KL per position in nats (E4 or a lower bound; ``kld_is`` says which), as quantiles.
        kld_is: the estimator's name, shown wherever the numbers are.
        delta_p: q - p of the sampled token, in [-1, 1] (llama.cpp prints percent), as quantiles.
        rms_delta_p: root of the mean of its square.
        delta_logprob: log q - log p of the sampled token, nats, signed, as quantiles.
        same_top: share of positions with the same most likely token, among the ``same_top_n`` where both are known.
        same_top_n: how many those are.
        shifts: URIAL shares; the classes of `SHIFTS` sum to 1. Empty if no class was given.
    """

    kld: Quantiles
    kld_is: str
    delta_p: Quantiles
    rms_delta_p: float
    delta_logprob: Quantiles
    same_top: float | None
    same_top_n: int
    shifts: dict[Shift, float]

    @classmethod
    def of(
        cls,
        kld: Sequence[float],
        logprobs: Sequence[tuple[float, float]],
        *,
        kld_is: str,
        same_top: Sequence[bool | None] = (),
        shifts: Sequence[Shift] = (),
    ) -> TokenSummary:
        """Summarise positions.

        Args:
            kld: one value per position, nats.
            logprobs: (baseline's, candidate's) logprob of the sampled token, nats; one pair per position.
            kld_is: name of the estimator behind ``kld``, e.g. "E4" or "E2 (lower bound)".
            same_top: per position whether the most likely tokens agree; None where a list can't tell.
            shifts: per position URIAL's class.

        Raises:
            ValueError: no positions, or ``kld`` and ``logprobs`` differ in length.
        """
        if len(kld) != len(logprobs):
            msg = f"{len(kld)} divergences for {len(logprobs)} positions"
            raise ValueError(msg)
        moved = [math.exp(q) - math.exp(p) for p, q in logprobs]
        decided = [same for same in same_top if same is not None]
        tally = Counter(shifts)
        return cls(
            kld=Quantiles.of(kld),
            kld_is=kld_is,
            delta_p=Quantiles.of(moved),
            rms_delta_p=math.sqrt(math.fsum(v * v for v in moved) / len(moved)),
            delta_logprob=Quantiles.of(q - p for p, q in logprobs),
            same_top=sum(decided) / len(decided) if decided else None,
            same_top_n=len(decided),
            shifts={shift: tally[shift] / len(shifts) for shift in SHIFTS} if shifts else {},
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with llama.cpp's names."""
        return {
            "KLD": self.kld.to_dict("Mean KLD"),
            "KLD is": self.kld_is,
            "Δp": self.delta_p.to_dict("Mean Δp"),
            "RMS Δp": self.rms_delta_p,
            "Δlog p": self.delta_logprob.to_dict("Mean Δlog p"),
            "Same top p": self.same_top,
            "Same top p n": self.same_top_n,
            "shifts": dict(self.shifts),
        }


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    if ordered[below] == ordered[above]:
        return ordered[below]
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
