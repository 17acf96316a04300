from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from auditor.drift.hybrid import Position
from auditor.drift.protocol_report import Bootstrap, direction, per_prompt
from auditor.drift.protocol_sequence import ScoredText, Step
from auditor.drift.topk import TopK
from auditor.records import Part
from tests.drift.support import synthetic_pair, top_list

HOW = Bootstrap(resamples=200)
SIDES = {"writer": "baseline", "reader": "candidate"}


def step(
    index: int,
    pair: Position,
    *,
    part: Part = "answer",
    control: bool = False,
    again: Position | None = None,
) -> Step:
    tops = (("yes", 0.5), ("no", 0.75))
    return Step(index, part, control, f"t{index}", pair, again, tops)


def position(seed: int, shift: float = 0.5, k: int = 20, inclusion: float = 1.0) -> Position:
    p, q = synthetic_pair(200, shift, seed=seed)
    y = int(np.random.default_rng(seed).choice(len(p), p=p))
    return Position(y, math.log(p[y]), math.log(q[y]), p=top_list(p, k), q=top_list(q, k), inclusion=inclusion)


def bare(p: float, q: float) -> Position:
    return Position("x", math.log(p), math.log(q))


def text(name: str, steps: Sequence[Step], dimension: str = "safety", length: int | None = None) -> ScoredText:
    return ScoredText(name, name, dimension, length or len(steps), True, tuple(steps))


def test_sums_per_sequence_and_ratios_of_sums_per_token() -> None:
    texts = [text("a", [step(0, bare(0.5, 0.25))]), text("b", [step(t, bare(0.5, 0.5)) for t in range(3)])]
    body = direction(texts, "S", HOW, **SIDES)
    one = 0.5 - 1 - math.log(0.5)
    assert body["kl_per_token"]["kl"]["value"] == pytest.approx(one / 4)
    assert body["kl_per_sequence"]["kl"]["value"] == pytest.approx(one / 2)
    assert body["kl_per_token"]["kl"]["method"] == "k3"
    assert body["kl_per_token"]["kl_plain"] == {
        "method": "k1",
        "value": pytest.approx(math.log(2) / 4),
        "interval": body["kl_per_token"]["kl_plain"]["interval"],
    }
    assert body["kl_per_token"]["lower_bound"] is None
    assert body["jsd_per_token"] is None
    assert body["kl_per_token"]["largest"] == pytest.approx(1.0)


def test_control_positions_are_in_no_number_but_their_own() -> None:
    plain = [text(name, [step(0, position(i)), step(1, position(i + 9))]) for i, name in enumerate("abc")]
    marked = [
        text(one.prompt, [*one.steps, step(2, position(50 + i, shift=3.0), control=True)])
        for i, one in enumerate(plain)
    ]
    body, reference = direction(marked, "F", HOW, **SIDES), direction(plain, "F", HOW, **SIDES)
    for key in ("kl_per_token", "kl_per_sequence", "jsd_per_token", "coverage", "summary", "dimensions", "tokens"):
        assert body[key] == reference[key]
    assert body["segments"]["control"]["tokens"] == 3
    assert body["segments"]["answer"]["tokens"] == 6
    assert set(body["coverage"]) == {"baseline_mass", "candidate_mass", "k"}


def test_parts_places_and_dimensions() -> None:
    texts = [
        text(
            name,
            [step(t, position(10 * i + t), part="trace" if t < 3 else "answer") for t in range(6)],
            dimension="safety" if i < 3 else "privacy",
        )
        for i, name in enumerate("abcdef")
    ]
    body = direction(texts, "F", HOW, **SIDES)
    assert (body["segments"]["trace"]["tokens"], body["segments"]["answer"]["tokens"]) == (18, 18)
    assert set(body["positions"]) == {"start", "middle", "end"}
    assert set(body["dimensions"]) == {"safety", "privacy"}
    assert body["dimensions"]["safety"]["n"] == 3
    halves = [body["segments"][part]["kl_per_sequence"]["kl"]["value"] for part in ("trace", "answer")]
    assert sum(halves) == pytest.approx(body["kl_per_sequence"]["kl"]["value"])
    assert list(per_prompt(texts)) == list("abcdef")


def test_drawn_positions_stand_for_the_others() -> None:
    whole = [text(name, [step(t, position(t + i)) for t in range(4)]) for i, name in enumerate("ab")]
    twice = [
        text(one.prompt, [step(s.index, position(s.index + i, inclusion=0.5)) for s in one.steps], length=8)
        for i, one in enumerate(whole)
    ]
    full, drawn = direction(whole, "F", HOW, **SIDES), direction(twice, "P", HOW, **SIDES)
    assert drawn["tokens"] == 2 * full["tokens"]
    assert drawn["kl_per_token"]["estimate"] == pytest.approx(full["kl_per_token"]["estimate"])
    assert drawn["kl_per_sequence"]["estimate"] == pytest.approx(2 * full["kl_per_sequence"]["estimate"])


def test_the_plain_estimate_is_quoted_where_the_two_differ_by_more_than_chance() -> None:
    """Where the reader is far likelier elsewhere, the rare tokens that carry the control variate are missed."""
    calm = [text(f"{i}", [step(0, bare(0.5, 0.5 + 0.01 * (-1) ** i))]) for i in range(40)]
    body = direction(calm, "S", HOW, **SIDES)
    assert not body["kl_per_token"]["estimators_differ"]
    assert body["kl_per_token"]["method"] == "k3"
    wild = [text(f"{i}", [step(0, bare(0.5, 1e-4 * (1 + i % 3)))]) for i in range(40)]
    body = direction(wild, "S", HOW, **SIDES)
    assert body["kl_per_token"]["estimators_differ"]
    assert body["kl_per_token"]["method"] == "k1"
    assert body["kl_per_token"]["estimate"] == body["kl_per_token"]["kl_plain"]["value"]
    assert body["kl_per_token"]["kl"]["value"] < body["kl_per_token"]["estimate"]


def test_the_noise_floor_stands_on_the_same_texts() -> None:
    texts = [
        text(name, [step(0, position(i), again=position(i, shift=0.0))]) for i, name in enumerate("abcdefghijklmn")
    ]
    noise = direction(texts, "F", HOW, **SIDES)["noise_floor"]
    assert noise["of"] == "E2 per token"
    assert noise["floor"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert noise["pair"]["value"] > 0
    assert noise["p_value"] < 0.05


def test_the_tokens_that_moved_most_come_first_with_what_both_said() -> None:
    texts = [text(name, [step(0, position(i, 0.1)), step(1, position(i, 2.0))]) for i, name in enumerate("abc")]
    moved = direction(texts, "F", HOW, **SIDES)["moved"]
    assert [row["position"] for row in moved[:3]] == [1, 1, 1]
    assert [row["kl_lower"] for row in moved] == sorted((row["kl_lower"] for row in moved), reverse=True)
    assert moved[0]["before"] == "t0"
    assert moved[0]["baseline"] == {"token": "yes", "probability": 0.5}
    assert moved[0]["candidate"] == {"token": "no", "probability": 0.75}


def test_too_little_mass_is_said() -> None:
    low = [text(name, [step(0, position(i, k=1))]) for i, name in enumerate("abc")]
    assert direction(low, "F", HOW, **SIDES)["low_coverage"] is True
    whole = TopK.from_pairs([("x", math.log(0.6)), ("y", math.log(0.4))])
    high = [text(name, [step(0, Position("x", math.log(0.6), math.log(0.6), p=whole, q=whole))]) for name in "ab"]
    assert direction(high, "F", HOW, **SIDES)["low_coverage"] is False


def test_what_was_not_scored_is_left_open_in_what_stood_before() -> None:
    from auditor.drift.protocol_report import _before

    steps = tuple(Step(i, "answer", False, t, Position(t, -1.0, -1.0)) for i, t in ((0, "A"), (1, " b"), (4, " e")))
    text = ScoredText("q", "q", "", 8, True, steps)
    assert _before(text, 4) == "A b…"
    assert _before(text, 6) == "A b… e…"
    assert _before(text, 1) == "A"
    assert _before(text, 0) == ""
