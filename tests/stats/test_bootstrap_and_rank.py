import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from auditor.stats.bootstrap import bootstrap, cluster_bootstrap
from auditor.stats.rank import kendall, spearman


def varies(values: list[int]) -> bool:
    """Say whether even most resamples still vary, without which no interval exists."""
    return max(values.count(value) for value in set(values)) <= len(values) - 3


scores = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=6, max_size=25).filter(
    lambda pairs: varies([x for x, _ in pairs]) and varies([y for _, y in pairs])
)


@given(scores)
@settings(max_examples=40, deadline=None)
def test_rank_correlations_agree_with_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    rho = spearman(x, y, np.random.default_rng(1), resamples=100)
    tau = kendall(x, y, np.random.default_rng(1), resamples=100)
    assert rho.value == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert tau.value == pytest.approx(kendalltau(x, y).statistic, abs=1e-12)
    assert -1 - 1e-12 <= rho.interval.lo <= rho.interval.hi <= 1 + 1e-12


def test_the_same_seed_gives_the_same_interval() -> None:
    x = list(range(30))
    y = [(7 * i) % 30 for i in range(30)]
    assert spearman(x, y, np.random.default_rng(3)) == spearman(x, y, np.random.default_rng(3))
    assert kendall(x, y, np.random.default_rng(3)).interval.method == "kendall"


def test_clusters_widen_the_interval() -> None:
    rng = np.random.default_rng(5)
    clusters = [[float(value)] * 10 for value in rng.normal(size=40)]
    apart = [[value] for cluster in clusters for value in cluster]
    whole = cluster_bootstrap(clusters, np.random.default_rng(1))
    naive = cluster_bootstrap(apart, np.random.default_rng(1))
    assert whole.hi - whole.lo > 2.5 * (naive.hi - naive.lo)


def test_cluster_bootstrap_covers() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        effects = rng.normal(size=50)
        clusters = [list(effect + rng.normal(size=4)) for effect in effects]
        found = cluster_bootstrap(clusters, rng, resamples=400)
        held += found.lo <= 0.0 <= found.hi
    assert held / 200 >= 0.9


def test_bad_input_says_what_to_pass() -> None:
    rng = np.random.default_rng(0)
    for call in (
        lambda: cluster_bootstrap([[1.0]], rng),
        lambda: cluster_bootstrap([[1.0], []], rng),
        lambda: cluster_bootstrap([[1.0], [2.0]], rng, resamples=5),
        lambda: bootstrap(1, lambda _: 0.0, rng),
        lambda: bootstrap(5, lambda _: float("nan"), rng),
        lambda: spearman([1.0, 2.0], [1.0, 2.0], rng),
        lambda: spearman([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], rng),
        lambda: kendall([1.0, 2.0, float("nan")], [1.0, 2.0, 3.0], rng),
    ):
        with pytest.raises(ValueError, match=r"pass|at least one"):
            call()
