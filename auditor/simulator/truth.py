"""What is planted in the synthetic pair: everything an audit of it ought to find, known beforehand.

A `PlantedTruth` is frozen, hashable by value and survives a round trip through JSON or TOML
(``msgspec.to_builtins`` / ``msgspec.convert``), so a run can say exactly which truth it was made against.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from auditor.records import ALL_DIMENSIONS, Side
from auditor.simulator.faults import Faults
from auditor.simulator.vocabulary import LARGEST, SIZE, Lexicon, lexicon

BASELINE_MODEL: Final = "synthetic-baseline"
CANDIDATE_MODEL: Final = "synthetic-candidate"
JUDGE_MODEL: Final = "synthetic-judge"
MODEL_OF: Final[Mapping[Side, str]] = MappingProxyType({"baseline": BASELINE_MODEL, "candidate": CANDIDATE_MODEL})

ReasoningField = Literal["reasoning", "reasoning_content", "tags"]

_DEFAULT_GOOD: Final = 0.92
_DEFAULT_DRIFT: Final = 0.15


class BySide(msgspec.Struct, frozen=True):
    """One number per side of the pair."""

    baseline: float = 0.0
    candidate: float = 0.0

    def of(self, side: Side) -> float:
        """The number of one side."""
        return self.baseline if side == "baseline" else self.candidate


class Serving(msgspec.Struct, frozen=True):
    """How the server behaves where real servers differ."""

    reasoning_field: ReasoningField = "reasoning"
    """Where a trace appears: a message field of this name, or ``<think>`` tags inside the content."""
    logprobs: Literal["raw", "scaled"] = "raw"
    """``raw``: logprobs of the model's own distribution; ``scaled``: after the request's temperature."""
    top_logprobs_max: int = 20
    """More than this is answered with a 400."""
    sampled_outside: Literal["omitted", "first", "appended"] = "omitted"
    """A sampled token outside the top k: not listed (llama-server, SGLang), listed first and pushing the k-th out
    (vLLM), or appended as entry k+1 (llama-cpp-python)."""
    text: Literal["planted", "sampled"] = "planted"
    """``planted``: chat replies are written from the planted outcomes; ``sampled``: every token of a chat reply is drawn
    from the next-token distributions, as /v1/completions always does."""
    unseeded: Literal["vary", "repeat"] = "vary"
    """Identical requests without a seed: each gets a fresh draw (by how often it was asked), or always the same."""
    targeted: bool = False
    """Whether it tells the logprob of tokens that are asked for by id, prints tokens as ids on request and has a
    ``/tokenize`` route, as vLLM does."""
    vocabulary: int = SIZE
    """Tokens of the vocabulary."""
    tokenizers: Literal["same", "different"] = "same"
    """``different``: the candidate cuts text into short pieces, with ids of its own; its distributions are over those and
    not the baseline's with a drift."""


class PlantedTruth(msgspec.Struct, frozen=True, kw_only=True):
    """The whole plant. Keys of the mappings are dimensions; ``good`` and ``bad_trace`` also take "dimension/kind", which
    wins over the dimension.

    Attributes:
        name: the preset it came from, for people.
        seed: all randomness follows from it; the same seed and requests give the same replies.
        good: probability of a good reply per side.
        coupling: share of prompts on which both sides use the same uniform draw; at 1 with equal probabilities both
            sides are good or bad on exactly the same prompts.
        own_coupling: dimensions that have a coupling of their own.
        stratified: spread the draws evenly over the prompts of one kind, so that the counts over a bank equal the planted
            probabilities to within one prompt per kind; False draws each prompt independently.
        truncated, empty, filtered: probability of these outcomes per side; together at most 1.
        weak: share of the replies that comply with a harmful request without anything usable in them.
        bad_trace: probability that the trace is bad although the answer is good, on sides that have traces.
        traces: which sides think aloud.
        drift: standard deviation, in nats, of the candidate's planted shift of the logits; the KL divergence of the next
            token is on average about two thirds of half its square (a head that holds much mass can't shift far).
        other_drift: the same for prompts outside the banks.
        judge_accuracy: probability that the judge's label is the planted one; 1 where not given.
        serving, faults: how the server behaves.

    Raises ValueError for an unknown dimension or a number outside its range.
    """

    name: str = ""
    seed: int = 0
    good: dict[str, BySide] = {}
    coupling: float = 0.98
    own_coupling: dict[str, float] = {}
    stratified: bool = True
    truncated: BySide = BySide()
    empty: BySide = BySide()
    filtered: BySide = BySide()
    weak: BySide = BySide()
    bad_trace: dict[str, float] = {}
    traces: tuple[Side, ...] = ("candidate",)
    drift: dict[str, float] = {}
    other_drift: float = _DEFAULT_DRIFT
    judge_accuracy: dict[str, float] = {}
    serving: Serving = Serving()
    faults: Faults = Faults()

    def __post_init__(self) -> None:
        """Refuse a truth that can't be planted."""
        for field in ("good", "own_coupling", "bad_trace", "drift", "judge_accuracy"):
            for key in getattr(self, field):
                if key.partition("/")[0] not in ALL_DIMENSIONS:
                    raise ValueError(f"{field}: {key!r} is no dimension; known: {', '.join(ALL_DIMENSIONS)}")
        if not SIZE <= self.serving.vocabulary <= LARGEST:
            raise ValueError(f"a vocabulary has from {SIZE} to {LARGEST} tokens")
        if not -(2**63) <= self.seed < 2**63:
            raise ValueError("the seed must fit into 64 bits")
        chances = [self.coupling, *self.own_coupling.values(), *self.bad_trace.values(), *self.judge_accuracy.values()]
        for both in (self.truncated, self.empty, self.filtered, self.weak, *self.good.values()):
            chances += [both.baseline, both.candidate]
        for side in ("baseline", "candidate"):
            chances.append(self.truncated.of(side) + self.empty.of(side) + self.filtered.of(side))
        if not all(0 <= chance <= 1 for chance in chances):
            raise ValueError("every probability, and the sum of truncated, empty and filtered, must be in [0, 1]")
        if not all(math.isfinite(size) and 0 <= size <= 5 for size in (*self.drift.values(), self.other_drift)):
            raise ValueError("drift is a standard deviation in nats, from 0 to 5")

    def lexicon(self, side: Side) -> Lexicon:
        """The vocabulary of one side."""
        pieces = side == "candidate" and self.serving.tokenizers == "different"
        return lexicon("pieces" if pieces else "words", self.serving.vocabulary)

    def p_good(self, side: Side, dimension: str, kind: str = "") -> float:
        """Probability of a good reply to a prompt of this dimension and kind."""
        planted = self.good.get(f"{dimension}/{kind}") or self.good.get(dimension)
        return _DEFAULT_GOOD if planted is None else planted.of(side)

    def coupling_of(self, dimension: str) -> float:
        """Share of this dimension's prompts on which both sides use the same draw."""
        return self.own_coupling.get(dimension, self.coupling)

    def p_bad_trace(self, dimension: str, kind: str = "") -> float:
        """Probability that the trace is bad although the answer is good."""
        return self.bad_trace.get(f"{dimension}/{kind}", self.bad_trace.get(dimension, 0.0))

    def drift_of(self, dimension: str | None) -> float:
        """Standard deviation of the planted shift in nats; None for prompts outside the banks."""
        return self.other_drift if dimension is None else self.drift.get(dimension, _DEFAULT_DRIFT)


_EQUAL: Final[Mapping[str, float]] = MappingProxyType(
    {
        "safety": 0.95,
        "toxicity": 0.95,
        "bias": 0.9,
        "ethics": 0.85,
        "privacy": 0.95,
        "robustness": 0.85,
        "capability": 0.7,
    }
)


def _pairs(change: Mapping[str, float]) -> dict[str, BySide]:
    return {
        dimension: BySide(good, round(min(1.0, max(0.0, good + change.get(dimension, 0.0))), 6))
        for dimension, good in _EQUAL.items()
    }


def none(seed: int = 0) -> PlantedTruth:
    """The conversion changed nothing: equal probabilities, coupled draws, equal distributions."""
    return PlantedTruth(
        name="none",
        seed=seed,
        good=_pairs({}),
        coupling=1.0,
        drift=dict.fromkeys(ALL_DIMENSIONS, 0.0),
        other_drift=0.0,
    )


def one_worse(dimension: str, seed: int = 0, loss: float = 0.4) -> PlantedTruth:
    """One dimension loses ``loss`` of its good replies, the others nothing. Raises ValueError if it is unknown."""
    if dimension not in ALL_DIMENSIONS:
        raise ValueError(f"{dimension!r} is no dimension; known: {', '.join(ALL_DIMENSIONS)}")
    return PlantedTruth(
        name=f"one-worse:{dimension}",
        seed=seed,
        good=_pairs({dimension: -loss}),
        drift={key: 0.6 if key == dimension else 0.1 for key in ALL_DIMENSIONS},
    )


def all_worse(seed: int = 0, loss: float = 0.4) -> PlantedTruth:
    """Every dimension, capability included, loses ``loss`` of its good replies."""
    return PlantedTruth(
        name="all-worse",
        seed=seed,
        good=_pairs(dict.fromkeys(ALL_DIMENSIONS, -loss)),
        drift=dict.fromkeys(ALL_DIMENSIONS, 0.6),
    )


def better(seed: int = 0) -> PlantedTruth:
    """The conversion helped: the baseline is good 60 % of the time everywhere, the candidate 90 %."""
    return PlantedTruth(
        name="better",
        seed=seed,
        good=dict.fromkeys(ALL_DIMENSIONS, BySide(0.6, 0.9)),
        drift=dict.fromkeys(ALL_DIMENSIONS, 0.3),
    )


def demo(seed: int = 0) -> PlantedTruth:
    """A plausible mixture: privacy clearly worse (and traces that leak more than answers), bias worse, safety worse on
    both of its kinds, toxicity and ethics kept, robustness a little worse on uncoupled replies (so that a bank of this
    size leaves it open), capability better.
    """
    good = _pairs({"privacy": -0.4, "bias": -0.32, "robustness": -0.05, "capability": 0.2}) | {
        "safety/harmful": BySide(0.97, 0.62),
        "safety/benign": BySide(0.95, 0.68),
    }
    return PlantedTruth(
        name="demo",
        seed=seed,
        good=good,
        own_coupling={"robustness": 0.0},
        truncated=BySide(0.0, 0.01),
        empty=BySide(0.0, 0.005),
        bad_trace={
            "privacy/protect": 0.35,
            "privacy/agent": 0.35,
            "safety/harmful": 0.2,
            "toxicity": 0.02,
            "bias/stereotype": 0.08,
        },
        drift={
            "safety": 0.55,
            "toxicity": 0.2,
            "bias": 0.45,
            "ethics": 0.15,
            "privacy": 0.9,
            "robustness": 0.3,
            "capability": 0.5,
        },
        other_drift=0.2,
    )


PRESETS: Final[Mapping[str, Callable[[int], PlantedTruth]]] = MappingProxyType(
    {
        "none": none,
        "all-worse": all_worse,
        "better": better,
        "demo": demo,
        **{f"one-worse:{key}": partial(one_worse, key) for key in ALL_DIMENSIONS},
    }
)
"""By the name a user writes: none, one-worse:DIMENSION, all-worse, better, demo."""


def preset(name: str, seed: int = 0) -> PlantedTruth:
    """The truth planted under a preset's name. Raises ValueError naming the known ones."""
    make = PRESETS.get(name)
    if make is None:
        raise ValueError(f"no preset is called {name!r}; known: {', '.join(PRESETS)}")
    return make(seed)
