"""The bench computes the rules a second time, in arrays: hold the two together, and enumerate the main promise."""

import numpy as np
import pytest

from auditor.stats import eprocess, intervals
from benchmarks.statistics import engines


@pytest.mark.parametrize("bank", [None, 40, 55])
@pytest.mark.parametrize("delta0", [-0.1, 0.0, 0.07])
def test_paths(bank: int | None, delta0: float) -> None:
    diffs = np.random.default_rng(1).choice([-1.0, -0.5, 0.0, 0.0, 0.0, 0.25, 1.0], size=(20, 40))
    found = engines.log_e_paths(diffs, delta0, bank)
    for run, path in zip(diffs, found, strict=True):
        expected = np.log(list(eprocess.e_values(run.tolist(), delta0, bank=bank)))
        assert path == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("towards_loss", [False, True])
@pytest.mark.parametrize("delta0", [-0.1, 0.0])
def test_rules(delta0: float, towards_loss: bool) -> None:
    n = 60
    better, worse = (grid.ravel() for grid in np.meshgrid(np.arange(0, 30, 2), np.arange(0, 30, 2)))
    betting = engines.betting(delta0, towards_loss)(better, worse, n)
    tango = engines.tango(delta0, towards_loss)(better, worse, n)
    for at, (b, c) in enumerate(zip(better.tolist(), worse.tolist(), strict=True)):
        ties = n - b - c
        e_value = (
            eprocess.e_value_counts(c, b, ties, -delta0)
            if towards_loss
            else eprocess.e_value_counts(b, c, ties, delta0)
        )
        found = intervals.tango(b, c, n, 0.9)
        assert betting[at] == (e_value >= 20)
        assert tango[at] == (found.hi < delta0 if towards_loss else found.lo > delta0)


@pytest.mark.parametrize(("p_better", "margin"), [(0.0, 0.05), (0.0, 0.2), (0.1, 0.1), (0.3, 0.2)])
def test_false_preserved_with_a_look_after_every_prompt_is_enumerated_below_its_limit(
    p_better: float, margin: float
) -> None:
    false, _ = engines.exact_rate(p_better, p_better + margin, 100, engines.betting(-margin))
    watched, _ = engines.exact_rate(p_better, p_better + margin, 100, engines.wald(-margin), first=10)
    assert 0.0 < false <= 0.05
    assert watched > 0.15


@pytest.mark.parametrize("discordance", [0.05, 0.3, 0.8])
def test_false_regressed_with_a_look_after_every_prompt_is_enumerated_below_its_limit(discordance: float) -> None:
    false, _ = engines.exact_rate(discordance / 2, discordance / 2, 100, engines.betting(0.0, towards_loss=True))
    assert 0.0 < false <= 0.05
