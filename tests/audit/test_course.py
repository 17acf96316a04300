"""What counts and what is asked is a function of the order and the scores, never of who answered first."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit.conclusion import conclusion, terms_of
from auditor.audit.course import Course, Stop
from auditor.audit.schedule import draw
from auditor.plan import Plan
from auditor.records import Prompt, Scored, Side
from tests.audit.pairs import prompt, scored

PAIR = {"baseline": {"endpoint": "openai:a"}, "candidate": {"endpoint": "openai:b"}}
NAMES = ("safety", "bias", "privacy", "capability")
UNITS = dict.fromkeys(NAMES, 45)
Deltas = Mapping[str, float | None]


def plan_of(until: Literal["decided", "all"] = "decided") -> Plan:
    others = ("toxicity", "ethics", "robustness")
    dimensions: dict[str, Any] = {name: {"margin": 0.3} for name in NAMES} | {
        name: {"enabled": False} for name in others
    }
    return Plan.from_mapping({**PAIR, "run": {"until": until, "max_unscored": 0.3}, "dimensions": dimensions})


def prompts_of() -> list[Prompt]:
    """45 units of each dimension; those of privacy are clusters of two."""
    some = [prompt(i, name) for name in NAMES if name != "privacy" for i in range(45)]
    some += [prompt(i, "privacy", f"c{i // 2}") for i in range(90)]
    return list(draw(some, 1))


PROMPTS = prompts_of()


def truth(seed: int, worse: Mapping[str, float], missing: float) -> Deltas:
    rng = random.Random(seed)

    def one(p: Prompt) -> float | None:
        if rng.random() < missing:
            return None
        u = rng.random()
        loss = worse.get(p.dimension, 0.04)
        return -1.0 if u < loss else 1.0 if u > 0.96 else 0.0

    return {p.id: one(p) for p in PROMPTS}


def carry_out(
    deltas: Deltas, concurrency: int, rng: random.Random, until: Literal["decided", "all"], die_after: int | None = None
) -> dict[str, float | None]:
    """A run whose replies arrive in a random order; what it stored. It is killed and continued after every ``die_after``."""
    stored: dict[str, float | None] = {}
    while True:
        course = Course(PROMPTS, terms_of(plan_of(until), UNITS), until)
        earlier = [seq for seq, p in enumerate(PROMPTS) if p.id in stored]
        rng.shuffle(earlier)
        for seq in earlier:
            course.put(seq, stored[PROMPTS[seq].id])
        queue, flying, done = course.ahead(2 * concurrency), list[int](), 0
        while True:
            while len(flying) < concurrency and (seq := next(queue, None)) is not None:  # type: ignore[assignment]
                flying.append(seq)
            if not flying:
                assert course.complete
                return stored
            if die_after is not None and done == die_after:
                break
            seq = flying.pop(rng.randrange(len(flying)))
            stored[PROMPTS[seq].id] = deltas[PROMPTS[seq].id]
            course.put(seq, deltas[PROMPTS[seq].id])
            done += 1


def concluded(stored: Deltas, until: Literal["decided", "all"] = "decided") -> dict[str, Any]:
    scores: dict[str, dict[Side, Scored]] = {
        name: {
            "baseline": scored(None if d is None else float(d <= 0)),
            "candidate": scored(None if d is None else float(d >= 0)),
        }
        for name, d in stored.items()
    }
    found = conclusion(plan_of(until), PROMPTS, UNITS, scores)
    told = {name: {k: v for k, v in body.items() if k != "beyond_stop"} for name, body in found.findings.items()}
    return {**told, "stopping": {k: v for k, v in found.stopping.items() if k != "beyond_stop"}}


worlds = st.fixed_dictionaries({name: st.sampled_from([0.0, 0.04, 0.35, 0.8]) for name in NAMES})


@settings(deadline=None, max_examples=8)
@given(
    worlds,
    st.integers(0, 10**6),
    st.sampled_from([0.0, 0.05]),
    st.integers(2, 60),
    st.integers(7, 90),
    st.randoms(use_true_random=False),
)
def test_neither_concurrency_nor_order_of_arrival_nor_kills_change_a_decision(
    worse: dict[str, float], seed: int, missing: float, concurrency: int, die_after: int, rng: random.Random
) -> None:
    deltas = truth(seed, worse, missing)
    alone = carry_out(deltas, 1, rng, "decided")
    together = carry_out(deltas, concurrency, rng, "decided")
    killed = carry_out(deltas, concurrency, rng, "decided", die_after)
    expected = concluded(alone)
    assert concluded(together) == expected
    assert concluded(killed) == expected
    assert concluded(deltas) == expected  # whatever else is stored lies beyond the stop
    # No dimension runs further ahead of its slowest reply than it was allowed to, a cluster of two made whole.
    assert len(together) <= len(alone) + (2 * concurrency + 1) * len(NAMES)


def test_one_at_a_time_asks_nothing_that_does_not_count() -> None:
    stored = carry_out(truth(3, {}, 0.0), 1, random.Random(0), "decided")
    found = concluded(stored)
    assert found["stopping"]["answer"] == "within_margin"
    assert found["stopping"]["asked"] == len(stored) < len(PROMPTS) / 2


def test_what_was_in_flight_is_kept_but_lies_beyond_the_stop() -> None:
    deltas = truth(3, {"safety": 1.0}, 0.0)
    stored = carry_out(deltas, 20, random.Random(0), "decided")
    scores: dict[str, dict[Side, Scored]] = {
        name: {"baseline": scored(float((d or 0) <= 0)), "candidate": scored(float((d or 0) >= 0))}
        for name, d in stored.items()
    }
    found = conclusion(plan_of(), PROMPTS, UNITS, scores)
    beyond = {name for body in found.findings.values() for name in body["beyond_stop"]}
    assert beyond
    assert beyond | found.counted == set(stored)
    assert not beyond & found.counted
    assert found.stopping["beyond_stop"] == len(beyond)
    assert found.stopping["by"] == "safety"
    assert found.findings["safety"]["stopped_by"] == "decided"
    assert found.findings["privacy"]["stopped_by"] == "answered"


def test_a_fixed_size_asks_all_and_keeps_its_intervals() -> None:
    deltas = truth(3, {"safety": 0.9}, 0.0)
    stored = carry_out(deltas, 8, random.Random(0), "all")
    found = concluded(stored, "all")
    assert len(stored) == len(PROMPTS)
    assert found["safety"]["primary"]["method"] == "tango"
    assert found["privacy"]["primary"]["method"] == "gaffke"
    assert not found["stopping"]["early"]


def test_a_fixed_size_that_was_not_reached_is_a_look_on_the_way() -> None:
    deltas = truth(3, {}, 0.0)
    some = {p.id: deltas[p.id] for p in PROMPTS[:100]}
    found = concluded(some, "all")
    assert found["safety"]["primary"]["anytime"]
    assert found["safety"]["primary"]["method"] == "betting-spot-check"
    assert found["stopping"]["answer"] is None


def test_a_dimension_rests_on_the_longest_completed_part_of_its_order() -> None:
    deltas = truth(3, {}, 0.0)
    lane = [p.id for p in PROMPTS if p.dimension == "safety"]
    holed = {name: d for name, d in deltas.items() if name != lane[7]}
    found = concluded(holed)
    assert found["safety"]["asked"] == 7
    assert found["safety"]["stopped_by"] == ""
    assert found["bias"]["stopped_by"] == "decided"


def test_a_cluster_larger_than_the_window_is_asked_whole() -> None:
    prompts = [prompt(i, "privacy", f"c{i // 6}") for i in range(60)]
    course = Course(prompts, {"privacy": terms_of(plan_of(), UNITS)["privacy"]}, "decided")
    for _ in prompts:
        seq = course.take(1)
        assert seq is not None
        course.put(seq, -1.0 if seq % 2 else 1.0)
    assert course.complete


@pytest.mark.parametrize("dimensions", [("capability",), ("capability", "bias")])
def test_capability_answers_only_where_it_is_all_that_was_asked_about(dimensions: tuple[str, ...]) -> None:
    prompts = [p for p in PROMPTS if p.dimension in dimensions]
    terms = {name: t for name, t in terms_of(plan_of(), UNITS).items() if name in dimensions}
    course = Course(prompts, terms, "decided")
    for seq, p in enumerate(prompts):
        if p.dimension == "capability":
            course.put(seq, 0.0)
    assert course.closed("capability")
    assert isinstance(course.stop, Stop) == (dimensions == ("capability",))
