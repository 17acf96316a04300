"""The noise floor: honest under the null, sharp enough to see a difference, and never "within" for lack of data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from auditor.drift.noise import noise_floor


def test_all_sign_flips_of_few_clusters() -> None:
    found = noise_floor([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], ["a", "b", "c"], seed=0)
    assert found.permutations == 7
    assert found.p_value == pytest.approx(1 / 8)
    assert found.excess.value == pytest.approx(2.0)
    back = noise_floor([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], ["a", "b", "c"], seed=0)
    assert back.p_value == 1.0


def test_p_values_under_the_null_are_not_too_small() -> None:
    rng = np.random.default_rng(0)
    p_values = []
    for run in range(300):
        effect = np.repeat(rng.exponential(1.0, 10), 2)
        a, b = effect * rng.exponential(1.0, 20), effect * rng.exponential(1.0, 20)
        clusters = [i // 2 for i in range(20)]
        p_values.append(noise_floor(a.tolist(), b.tolist(), clusters, seed=run, resamples=20).p_value)
    for alpha in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= alpha) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 300)


def test_drift_above_the_floor_is_seen_and_none_is_bounded() -> None:
    rng = np.random.default_rng(1)
    floor = rng.exponential(0.01, 60)
    more, same = floor + 0.05, rng.exponential(0.01, 60)
    seen = noise_floor(floor.tolist(), more.tolist(), range(60), seed=0)
    assert seen.p_value == pytest.approx(1 / 2001)
    assert not seen.within(0.02)
    assert seen.within(0.2)
    calm = noise_floor(floor.tolist(), same.tolist(), range(60), seed=0)
    assert calm.p_value > 0.01
    assert calm.within(0.02)
    assert calm.floor_p95 == pytest.approx(np.quantile(floor, 0.95))


def test_one_prompt_shows_nothing() -> None:
    found = noise_floor([0.0], [0.0], ["a"], seed=0)
    assert found.p_value == 1.0
    assert not found.within(1e9)
    assert json.loads(json.dumps(found.to_dict()))["excess"]["interval"] is None


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="same prompts"):
        noise_floor([0.0], [0.0, 1.0], ["a"], seed=0)
