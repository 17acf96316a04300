"""E4: an unbiased, never negative estimate of KL from truncated lists and teacher-forced text, with k1 and k3 beside it.

At one context, y is sampled from P (temperature 1, nothing truncated) and S holds the keys whose probability under both
models follows from the context alone:

    D = sum over S of [p log(p/q) - p + q]  +  1{y not in S} (r - 1 - log r),      r = q(y) / p(y)

E[D] = KL(P||Q): proof in docs/drift.md. The terms r - 1 and q - p cancel in expectation; they keep D >= 0 and make it
steady where the models are close, but where they are far apart r is heavy-tailed. Left out (``control`` = 0) the
estimate stays unbiased, may be negative, and has about k1's spread at worst. Summed over the positions of a sampled sequence it is unbiased for the
sequence-level KL by the chain rule. All values in nats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.drift.bounds import jsd_bounds, kl_lower_capped
from auditor.drift.topk import Key, TopK


@dataclass(frozen=True, slots=True)
class Position:
    """One sampled position, scored by both models.

    Attributes:
        sampled: key of the token that the first model (P) sampled.
        p_logprob: its logprob under P, nats.
        q_logprob: its logprob under Q, nats.
        p: P's list at this context, if any.
        q: Q's list at this context, if any.
        inclusion: probability that this position was chosen to be scored.
    """

    sampled: Key
    p_logprob: float
    q_logprob: float
    p: TopK | None = None
    q: TopK | None = None
    inclusion: float = 1.0

    @property
    def kl(self) -> float:
        """E4 in nats, or k3 where no list is there (S is empty then)."""
        return self._hybrid(1.0)

    @property
    def kl_plain(self) -> float:
        """E4 without its control variate, or k1 where no list is there."""
        return self._hybrid(0.0)

    def _hybrid(self, control: float) -> float:
        p_known: dict[Key, float] = {}
        q_known: dict[Key, float] = {}
        if self.p is not None:
            p_known = {key: v for key, v in self.p.logprobs.items() if key in self.p.stable}
        if self.q is not None:
            q_known = {key: v for key, v in self.q.logprobs.items() if key in self.q.stable}
        return hybrid(p_known, q_known, self.sampled, self.p_logprob, self.q_logprob, control=control)


@dataclass(frozen=True, slots=True)
class SequenceDrift:
    """Sums over the positions of one sampled sequence, in nats; sums divided by ``length`` are per token.

    Attributes:
        length: positions of the sequence, scored or not.
        scored: positions that were scored.
        kl: E4, unbiased for the sequence-level KL up to this length, never negative.
        kl_plain: the same without the control variate: unbiased, may be negative, steadier for models far apart.
        largest: share of ``kl`` that its largest single position contributes; near 1 over a long sequence means that
            one rare token carries the sum, and then that the spread seen so far understates the true one.
        lower: sum of the lower bounds E2; its mean over sequences is a lower bound on the sequence-level KL.
        k1: sum of -log r, for comparison.
        k3: sum of r - 1 - log r, for comparison.
        jsd_lower: sum of the per-position lower bounds.
        jsd_upper: sum of the per-position upper bounds; both None where a scored position has no list on a side.
    """

    length: int
    scored: int
    kl: float
    kl_plain: float
    largest: float
    lower: float | None
    k1: float
    k3: float
    jsd_lower: float | None
    jsd_upper: float | None

    @property
    def kl_per_token(self) -> float:
        """E4 divided by the sequence's length. Average over prompts with the lengths as weights for a corpus rate."""
        return self.kl / self.length

    @classmethod
    def of(cls, positions: Iterable[Position], *, length: int | None = None) -> SequenceDrift:
        """Add up one sequence. Subsampled positions are weighted by 1 / inclusion (Horvitz-Thompson).

        Args:
            positions: the scored positions.
            length: positions of the whole sequence; by default as many as were scored.

        Raises:
            ValueError: no positions, more of them than ``length``, or an inclusion probability outside (0, 1].
        """
        scored = tuple(positions)
        whole = len(scored) if length is None else length
        if not scored or whole < len(scored) or any(not 0.0 < x.inclusion <= 1.0 for x in scored):
            msg = f"{len(scored)} scored positions of {whole}: need at least one, inclusion probabilities in (0, 1]"
            raise ValueError(msg)
        lists = [(x.p, x.q, x.inclusion) for x in scored if x.p is not None and x.q is not None]
        lower = jsd_lower = jsd_upper = None
        if len(lists) == len(scored):
            jsd = [(jsd_bounds(p, q), share) for p, q, share in lists]
            lower = math.fsum(kl_lower_capped(p, q) / share for p, q, share in lists)
            jsd_lower = math.fsum(b.lower / share for b, share in jsd)
            jsd_upper = math.fsum(b.upper / share for b, share in jsd)
        terms = [x.kl / x.inclusion for x in scored]
        total = math.fsum(terms)
        return cls(
            length=whole,
            scored=len(scored),
            kl=total,
            kl_plain=math.fsum(x.kl_plain / x.inclusion for x in scored),
            largest=max(terms) / total if 0.0 < total < math.inf else 0.0 if total == 0.0 else 1.0,
            lower=lower,
            k1=math.fsum(k1(x.p_logprob, x.q_logprob) / x.inclusion for x in scored),
            k3=math.fsum(k3(x.p_logprob, x.q_logprob) / x.inclusion for x in scored),
            jsd_lower=jsd_lower,
            jsd_upper=jsd_upper,
        )


def hybrid(
    p_known: Mapping[Any, float],
    q_known: Mapping[Any, float],
    sampled: Key,
    p_logprob: float,
    q_logprob: float,
    *,
    control: float = 1.0,
) -> float:
    """E4 at one position, in nats; >= 0 with the full control variate.

    Args:
        p_known: logprobs under P of keys that are known *from the context alone* (`TopK.stable`).
        q_known: the same under Q. S is what both hold. A key that is known only because it was sampled must be in
            neither: it would make S depend on the sample and bias the estimate.
        sampled: the key sampled from P.
        p_logprob: its logprob under P.
        q_logprob: its logprob under Q.
        control: weight of the control variate, fixed beforehand or by the context, never by the sample; any value is
            unbiased. 1 is E4; 0 is exact over S plus k1 outside.

    Returns:
        The estimate; infinite only if r overflows a double.

    Raises:
        ValueError: a logprob that is not a number or above 0 by more than rounding.
    """
    terms = [math.exp(v) * _term(v, q_known[key], control) for key, v in p_known.items() if key in q_known]
    _check(p_logprob, q_logprob)
    if not (sampled in p_known and sampled in q_known):
        terms.append(_term(p_logprob, q_logprob, control))
    return math.fsum(terms)


def k1(p_logprob: float, q_logprob: float) -> float:
    """-log r at the sampled token: unbiased, negative about half the time, high variance."""
    _check(p_logprob, q_logprob)
    return p_logprob - q_logprob


def k3(p_logprob: float, q_logprob: float) -> float:
    """r - 1 - log r at the sampled token: unbiased, >= 0, heavy-tailed where Q is much likelier than P (Schulman)."""
    _check(p_logprob, q_logprob)
    return _term(p_logprob, q_logprob, 1.0)


def _term(p_logprob: float, q_logprob: float, control: float) -> float:
    """control (q/p - 1) - log(q/p). expm1 keeps it exact where the two agree to many digits."""
    log_r = q_logprob - p_logprob
    if control == 0.0:
        return -log_r
    try:
        value = control * math.expm1(log_r) - log_r
    except OverflowError:
        return math.inf
    return max(value, 0.0) if control == 1.0 else value


def _check(*logprobs: float) -> None:
    if any(math.isnan(v) or math.isinf(v) or v > 1e-3 for v in logprobs):
        msg = f"not logarithms of probabilities: {logprobs}"
        raise ValueError(msg)
