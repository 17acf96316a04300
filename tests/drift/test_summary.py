"""llama.cpp's names and quantiles, checked against numpy."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.drift.summary import QUANTILES, Quantiles, TokenSummary


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_quantiles_agree_with_numpy(values: list[float]) -> None:
    found = Quantiles.of(values)
    assert found.minimum == min(values)
    assert found.maximum == max(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-6)
    for label, share in QUANTILES:
        value = found.quantiles[label]
        if value is not None:
            assert value == pytest.approx(np.quantile(values, share), abs=1e-6)


@pytest.mark.parametrize(
    ("n", "shown"), [(1, {"Median"}), (10, {"90.0%", "Median", "10.0%"}), (1000, {x for x, _ in QUANTILES})]
)
def test_quantiles_that_n_cannot_support_are_missing(n: int, shown: set[str]) -> None:
    found = Quantiles.of(range(n))
    assert {label for label, value in found.quantiles.items() if value is not None} == shown


def test_infinite_divergences_survive() -> None:
    found = Quantiles.of([0.0, math.inf, math.inf])
    assert found.maximum == math.inf
    assert found.quantiles["Median"] == math.inf


def test_token_summary() -> None:
    pairs = [(math.log(0.5), math.log(0.25)), (math.log(0.1), math.log(0.2))]
    summary = TokenSummary.of([0.2, 0.4], pairs, kld_is="E4", same_top=[True, None], shifts=["unshifted", "shifted"])
    assert summary.delta_p.mean == pytest.approx((-0.25 + 0.1) / 2)
    assert summary.rms_delta_p == pytest.approx(math.sqrt((0.0625 + 0.01) / 2))
    assert summary.delta_logprob.minimum == pytest.approx(-math.log(2))
    assert summary.delta_logprob.maximum == pytest.approx(math.log(2))
    assert (summary.same_top, summary.same_top_n) == (1.0, 1)
    assert summary.shifts == {"unshifted": 0.5, "marginal": 0.0, "shifted": 0.5, "undetermined": 0.0}
    data = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert data["KLD"]["Mean KLD"] == pytest.approx(0.3)
    assert list(data["KLD"])[:3] == ["n", "Mean KLD", "Maximum"]
    assert list(data["KLD"])[-1] == "Minimum"
    assert data["KLD is"] == "E4"
    assert data["RMS Δp"] == summary.rms_delta_p


def test_nothing_given_is_nothing_claimed() -> None:
    summary = TokenSummary.of([0.1], [(-1.0, -1.0)], kld_is="E2")
    assert summary.same_top is None
    assert summary.shifts == {}


def test_unusable_input_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        Quantiles.of([])
    with pytest.raises(ValueError, match="no NaN"):
        Quantiles.of([math.nan])
    with pytest.raises(ValueError, match="2 divergences for 1"):
        TokenSummary.of([0.1, 0.2], [(-1.0, -1.0)], kld_is="E2")
