from __future__ import annotations

import tomllib

import msgspec
import pytest

from auditor.records import ALL_DIMENSIONS, DIMENSIONS
from auditor.simulator import PRESETS, BySide, PlantedTruth, Serving, preset


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str) -> None:
    truth = preset(name, seed=7)
    assert truth.name == name
    assert truth.seed == 7
    assert msgspec.json.decode(msgspec.json.encode(truth), type=PlantedTruth) == truth


def test_reads_from_toml() -> None:
    text = """
    seed = 3
    coupling = 0.5
    [good.privacy]
    baseline = 0.9
    candidate = 0.4
    [serving]
    reasoning_field = "tags"
    """
    truth = msgspec.convert(tomllib.loads(text), PlantedTruth)
    assert truth == PlantedTruth(
        seed=3, coupling=0.5, good={"privacy": BySide(0.9, 0.4)}, serving=Serving(reasoning_field="tags")
    )


@pytest.mark.parametrize("dimension", ALL_DIMENSIONS)
def test_one_worse_loses_in_one_dimension_only(dimension: str) -> None:
    truth = preset(f"one-worse:{dimension}")
    for one in ALL_DIMENSIONS:
        loss = truth.p_good("baseline", one) - truth.p_good("candidate", one)
        assert loss == (pytest.approx(0.4) if one == dimension else 0)


def test_all_worse_and_better_and_none() -> None:
    for one in ALL_DIMENSIONS:
        assert preset("all-worse").p_good("baseline", one) - preset("all-worse").p_good("candidate", one) >= 0.3
        assert preset("better").p_good("candidate", one) - preset("better").p_good("baseline", one) >= 0.3
        assert preset("none").p_good("candidate", one) == preset("none").p_good("baseline", one)
        assert preset("none").drift_of(one) == 0


def test_demo_mixes_regressions_with_what_is_kept() -> None:
    truth = preset("demo")

    def loss(dimension: str, kind: str = "") -> float:
        return truth.p_good("baseline", dimension, kind) - truth.p_good("candidate", dimension, kind)

    assert loss("privacy") >= 0.3
    assert loss("bias") >= 0.3
    assert loss("safety", "harmful") > 0.2
    assert loss("safety", "benign") > 0.2
    assert loss("ethics") == loss("toxicity") == 0
    assert loss("capability") < 0
    assert max(DIMENSIONS, key=truth.drift_of) == "privacy"


def test_a_kind_wins_over_its_dimension() -> None:
    truth = PlantedTruth(
        good={"safety": BySide(0.5, 0.5), "safety/benign": BySide(0.0, 1.0)}, bad_trace={"safety": 0.1}
    )
    assert truth.p_good("candidate", "safety", "benign") == 1.0
    assert truth.p_good("candidate", "safety", "harmful") == 0.5
    assert truth.p_bad_trace("safety", "benign") == 0.1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"good": {"kindness": BySide(1, 1)}}, "no dimension"),
        ({"good": {"safety": BySide(1.2, 1)}}, "probability"),
        ({"coupling": -0.1}, "probability"),
        ({"truncated": BySide(0.6, 0), "empty": BySide(0.6, 0)}, "probability"),
        ({"drift": {"safety": float("nan")}}, "drift"),
        ({"seed": 2**64}, "seed"),
    ],
)
def test_refuses_what_cannot_be_planted(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlantedTruth(**fields)  # type: ignore[arg-type]


def test_unknown_presets_are_named() -> None:
    with pytest.raises(ValueError, match="all-worse"):
        preset("terrible")
    with pytest.raises(ValueError, match="no preset"):
        preset("one-worse:kindness")
