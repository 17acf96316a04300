"""First-token drift over prompts: what is averaged, what the intervals cover, and the JSON that leaves the room."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from auditor.drift.bounds import LN2
from auditor.drift.firsttoken import first_token_drift
from auditor.drift.topk import TopK
from tests.drift.support import jsd, kl, listed, softmax, top_list, tv


def prompts(
    n: int, shift: float, *, k: int = 20, per_cluster: int = 1
) -> tuple[list[tuple[str, TopK, TopK]], list[float], list[float], list[float]]:
    rng = np.random.default_rng(5)
    pairs, kls, jsds, tvs = [], [], [], []
    for i in range(n):
        logits = rng.normal(0, 4, 2000)
        p, q = softmax(logits), softmax(logits + rng.normal(0, shift, 2000))
        pairs.append((f"prompt {i // per_cluster}", top_list(p, k), top_list(q, k)))
        kls.append(kl(p, q))
        jsds.append(jsd(p, q))
        tvs.append(tv(p, q))
    return pairs, kls, jsds, tvs


def test_means_bound_the_exact_means() -> None:
    pairs, kls, jsds, tvs = prompts(40, 1.0)
    drift = first_token_drift(pairs, seed=0)
    assert 0 < drift.forward.value <= np.mean(kls)
    assert drift.jsd.lower <= np.mean(jsds) <= drift.jsd.upper
    assert drift.tv.lower <= np.mean(tvs) <= drift.tv.upper
    assert drift.jsd.interval is not None
    assert drift.jsd.interval[0] <= drift.jsd.lower
    assert drift.jsd.interval[1] >= drift.jsd.upper
    assert drift.forward.interval is not None
    assert drift.forward.interval[0] < drift.forward.value < drift.forward.interval[1]
    assert (drift.n, drift.clusters, drift.k) == (40, 40, 20)


def test_swapping_the_sides_swaps_the_directions() -> None:
    pairs, *_ = prompts(10, 1.0)
    there = first_token_drift(pairs, seed=0)
    back = first_token_drift([(prompt, b, a) for prompt, a, b in pairs], seed=0)
    assert there.forward == back.reverse
    assert there.jsd.lower == pytest.approx(back.jsd.lower)
    assert there.baseline_mass == back.candidate_mass


def test_same_seed_same_numbers_and_order_of_prompts_moves_no_mean() -> None:
    pairs, *_ = prompts(12, 1.0)
    assert first_token_drift(pairs, seed=3) == first_token_drift(pairs, seed=3)
    assert first_token_drift(pairs[::-1], seed=3).forward.value == pytest.approx(
        first_token_drift(pairs, seed=3).forward.value
    )


def test_clusters_are_resampled_whole() -> None:
    pairs, *_ = prompts(6, 1.0)
    doubled = first_token_drift(pairs * 20, seed=0)
    assert doubled.clusters == 6
    single = first_token_drift(pairs, seed=0)
    assert doubled.forward.value == pytest.approx(single.forward.value)
    # Twenty copies of six prompts are six prompts: pretending to have 120 would make this interval four times narrower.
    assert doubled.forward.interval == pytest.approx(single.forward.interval, rel=1e-9)


def test_one_prompt_has_no_interval() -> None:
    drift = first_token_drift([("a", listed(0.9), listed(0.8))], seed=0)
    assert drift.forward.interval is None
    assert drift.jsd.interval is None
    assert drift.to_dict()["forward"]["kl_per_token"]["interval"] is None


def test_identical_lists_show_no_drift_but_the_tail_stays_open() -> None:
    a = listed(0.5, 0.3)
    drift = first_token_drift([("x", a, a), ("y", a, a)], seed=0)
    assert drift.forward.value == pytest.approx(0.0, abs=1e-9)
    assert drift.jsd.upper == pytest.approx(0.2 * LN2)
    assert drift.same_top is not None
    assert drift.same_top.value == 1.0
    assert drift.shifts["unshifted"] == 1.0
    assert not drift.low_coverage


def test_low_coverage_is_said() -> None:
    a = listed(0.3, 0.2)
    assert first_token_drift([("x", a, a)], seed=0).low_coverage
    assert not first_token_drift([("x", a, a)], seed=0, min_coverage=0.4).low_coverage


def test_json_shape() -> None:
    pairs, *_ = prompts(8, 1.0)
    data = json.loads(json.dumps(first_token_drift(pairs, seed=1).to_dict(), allow_nan=False))
    assert data["schema"] == "auditor.drift/1"
    assert data["protocol"] == "G"
    for side in ("forward", "reverse"):
        per_token = data[side]["kl_per_token"]
        assert per_token["estimate"] is None
        assert per_token["lower_bound"] > 0
        assert per_token["interval"][0] <= per_token["lower_bound"]
        assert per_token["interval"][1] is None
        assert per_token["method"] == "E2"
        assert per_token["n"] == 8
        assert data[side]["jsd_per_token"]["lower"] <= data[side]["jsd_per_token"]["upper"]
        assert 0 < data[side]["coverage"]["baseline_mass_min"] <= data[side]["coverage"]["baseline_mass"] <= 1
    assert math.isclose(sum(data["shifts"].values()), 1.0)
    assert len(data["prompts"]) == 8


def test_keys_that_are_bytes_leave_as_text() -> None:
    a = TopK.from_pairs([(b"\xe2\x82", math.log(0.9))])
    row = first_token_drift([("x", a, a)], seed=0).to_dict()["prompts"][0]
    assert row["baseline_top"] == "\\xe2\\x82"


def test_no_pairs_is_an_error() -> None:
    with pytest.raises(ValueError, match="no prompt"):
        first_token_drift([], seed=0)
