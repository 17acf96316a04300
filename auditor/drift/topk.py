"""A truncated next-token distribution, as an API returns it, and what it does and does not say.

All probabilities inside are natural-log probabilities (nats) at one context. The list is *data about* a full
distribution: some probabilities known, every unlisted one at most `TopK.cap`, a few keys known to be unknown.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

Key = Hashable
"""What tells outcomes apart: a token id, else bytes, else a string. Must mean the same outcome in both lists."""

CENSORED_AT: Final = -9000.0
"""Servers write -9999 or -3.4e38 where they have no number; no real logprob of a float32 softmax comes near."""
MAX_EXCESS: Final = 1e-3
"""Listed probabilities may sum to at most 1 + this. More means scaled temperature, duplicates or a broken server."""
SMALLEST: Final = -700.0
"""Logprobs below this are read as this: exp() stays above underflow, and a larger q or cap only weakens a bound."""
ROUNDING: Final = 1e-6
"""Default accuracy of a returned logprob in nats: what float32 log-softmax gives."""


@dataclass(frozen=True, slots=True)
class TopK:
    """A truncated next-token list at one context. Build it with `TopK.from_pairs`.

    Attributes:
        logprobs: key -> logprob (nats), every probability that is known, the sampled token's among them.
        k: how many alternatives were asked for.
        cap: an upper bound on the probability of every key that is in neither ``logprobs`` nor ``censored``.
        ranked: True if the list is known to be the true top of the distribution; False if the sampled token may have
            pushed the k-th best out (then ``cap`` is the smallest of the *other* entries).
        stable: the keys whose presence follows from the context alone, whatever was sampled. Only these may enter an
            estimator that averages over the sampled token (E4).
        sampled: the sampled key, if told.
        sampled_logprob: its logprob in nats, if known.
        censored: keys that were listed without a usable number; their probability is unknown and not capped.
        duplicates: how many repeated entries were met.
        excess: by how much the listed probabilities exceeded 1 (at most `MAX_EXCESS`; the tail is then 0).
        rounding: accuracy of each logprob in nats.
    """

    logprobs: Mapping[Key, float]
    k: int
    cap: float
    ranked: bool
    stable: frozenset[Key]
    sampled: Key | None = None
    sampled_logprob: float | None = None
    censored: frozenset[Key] = frozenset()
    duplicates: int = 0
    excess: float = 0.0
    rounding: float = ROUNDING

    @classmethod
    def from_pairs(
        cls,
        pairs: Iterable[tuple[Key, float | None]],
        *,
        k: int | None = None,
        sampled: Key | None = None,
        sampled_logprob: float | None = None,
        displaces: bool = True,
        rounding: float = ROUNDING,
    ) -> TopK:
        """Read a list of (key, logprob in nats) in any order.

        Args:
            pairs: the entries. ``None``, NaN, -inf and sentinels (<= `CENSORED_AT`) are censored: dropped and counted.
            k: alternatives asked for; by default the number of different entries.
            sampled: the sampled token's key. Leave out when the list is a plain top-k that no sampled token entered.
            sampled_logprob: its logprob where the server gives it beside the list.
            displaces: whether the server may put the sampled token *in place of* the k-th best (vLLM chat does).
                The default is the safe reading. With False and ``k`` given, k + 1 entries mean "top-k plus the
                sampled token" and k entries mean "top-k".
            rounding: accuracy of the returned logprobs in nats.

        Raises:
            ValueError: a logprob above `MAX_EXCESS`, probabilities that sum to more than 1 + `MAX_EXCESS`, or
                ``k`` < 1.
        """
        if k is not None and k < 1:
            msg = f"k must be at least 1, got {k}"
            raise ValueError(msg)
        known, censored, duplicates = _distinct(pairs, sampled)
        listed = len(known) + len(censored)
        asked = k if k is not None else max(listed, 1)
        beside = sampled is not None and sampled not in known and sampled not in censored
        if sampled is not None and sampled not in known and sampled_logprob is not None and _usable(sampled_logprob):
            known[sampled] = _checked(sampled_logprob)
            censored.discard(sampled)
        mass = math.fsum(math.exp(v) for v in known.values())
        if mass > 1 + MAX_EXCESS:
            msg = f"listed probabilities sum to {mass:.6f} > 1: duplicated entries, scaled temperature or not a top-k"
            raise ValueError(msg)

        others = {key: v for key, v in known.items() if key != sampled}
        lowest_other = min(others.values(), default=0.0)
        may_displace = sampled is not None and (displaces or k is None)
        appended = beside or (not may_displace and listed > asked)
        in_rank = sampled is None or known.get(sampled, -math.inf) > lowest_other
        top = others if appended or (may_displace and not in_rank) else known
        if may_displace:
            stable = _stable_under_displacement(others if beside else known)
        else:
            stable = frozenset(others if appended else known)
        return cls(
            logprobs=known,
            k=asked,
            cap=math.exp(min(top.values(), default=0.0)),
            ranked=not may_displace or beside or in_rank,
            stable=stable,
            sampled=sampled,
            sampled_logprob=known.get(sampled) if sampled is not None else None,
            censored=frozenset(censored),
            duplicates=duplicates,
            excess=max(mass - 1.0, 0.0),
            rounding=rounding,
        )

    def with_known(self, answers: Mapping[Any, float | None], *, by_context: bool = False) -> TopK:
        """This list and what the same model said about keys that it was asked for.

        The list's own numbers win. Keys that somebody chose say nothing about the others, so the cap stays the list's.

        Args:
            answers: logprobs in nats; those without a usable number are left out.
            by_context: the keys that were asked for follow from the context alone, so they may enter E4 (`stable`).

        Raises:
            ValueError: list and answers together sum to more than 1 + `MAX_EXCESS`.
        """
        usable = {key: _checked(v) for key, v in answers.items() if v is not None and _usable(v)}
        # A key that is listed because it was sampled must be stable as well, or S would depend on the sample.
        stable = self.stable | usable.keys() if by_context else self.stable
        new = usable.keys() - self.logprobs.keys()
        if not new:
            return replace(self, stable=stable)
        known = {**usable, **self.logprobs}
        mass = math.fsum(math.exp(v) for v in known.values())
        if mass > 1 + MAX_EXCESS:
            msg = f"the list and the tokens asked for sum to {mass:.6f} > 1: the endpoint's two answers do not fit"
            raise ValueError(msg)
        return replace(
            self,
            logprobs=known,
            stable=stable,
            censored=self.censored - new,
            excess=max(self.excess, mass - 1.0),
        )

    @property
    def mass(self) -> float:
        """Probability that the list accounts for, in [0, 1]."""
        return min(math.fsum(math.exp(v) for v in self.logprobs.values()), 1.0)

    @property
    def tail(self) -> float:
        """Probability of everything else, 1 - mass, in [0, 1]."""
        return 1.0 - self.mass

    @property
    def tail_slack(self) -> float:
        """How far the true tail may lie from `tail`, given the accuracy of the logprobs and the excess seen."""
        return max(self.rounding, self.excess)

    @property
    def top(self) -> frozenset[Key]:
        """The most likely key or keys (ties), or nothing if an unlisted key could be likelier still."""
        if not self.logprobs:
            return frozenset()
        best = max(self.logprobs.values())
        unlisted = self.tail if self.censored else min(self.cap, self.tail)
        if math.exp(best) < unlisted:
            return frozenset()
        return frozenset(key for key, v in self.logprobs.items() if v == best)

    def limit(self, key: Key) -> float:
        """Upper bound on the probability of a key that is not in `logprobs`; infinite (no bound) if censored."""
        return math.inf if key in self.censored else self.cap


def _usable(logprob: float | None) -> bool:
    return logprob is not None and not math.isnan(logprob) and logprob > CENSORED_AT


def _checked(logprob: float) -> float:
    if logprob > MAX_EXCESS:
        msg = f"a logprob of {logprob:.6f} nats is not the logarithm of a probability"
        raise ValueError(msg)
    return min(max(float(logprob), SMALLEST), 0.0)


def _distinct(pairs: Iterable[tuple[Key, float | None]], sampled: Key | None) -> tuple[dict[Key, float], set[Key], int]:
    known: dict[Key, float] = {}
    censored: set[Key] = set()
    seen: set[Key] = set()
    duplicates = 0
    for key, logprob in pairs:
        if key in seen:
            duplicates += 1
            # The sampled token repeated with its own value is harmless. Anything else may be two ids behind one
            # string: then neither value, nor the sum (there may be a third), is the key's probability.
            if not (key == sampled and logprob == known.get(key)):
                known.pop(key, None)
                censored.add(key)
            continue
        seen.add(key)
        if logprob is None or not _usable(logprob):
            censored.add(key)
        else:
            known[key] = _checked(logprob)
    return known, censored, duplicates


def _stable_under_displacement(known: Mapping[Key, float]) -> frozenset[Key]:
    """Keys strictly above the second-smallest entry.

    The list holds t1..t(k-1) and either t(k) or the sampled token, so the second-smallest value is p(t(k-1)) whatever
    was sampled, and "strictly above it" is a condition on the context alone even when engines' half-precision logits
    tie. Dropping only the smallest entry would let a tie at the edge decide by the sampled token.
    """
    if len(known) < 2:
        return frozenset()
    edge = sorted(known.values())[1]
    return frozenset(key for key, v in known.items() if v > edge)
