import numpy as np
import pytest

from auditor.stats.ppi import JudgedRate, ppi, rogan_gladen, rogan_gladen_difference


def style_biased(rng: np.random.Generator, n: int, bad: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Human and judge differences (baseline bad minus candidate bad) with a judge that misses the candidate's faults."""
    common = rng.random(n)
    truth = [common < bad[0], common < bad[1]]
    seen = [
        np.where(harm, rng.random(n) < sensitivity, rng.random(n) < 0.05)
        for harm, sensitivity in zip(truth, (0.90, 0.65), strict=True)
    ]
    return truth[0].astype(float) - truth[1], seen[0].astype(float) - seen[1]


@pytest.mark.parametrize(("n_gold", "bad"), [(60, (0.3, 0.38)), (40, (0.03, 0.06)), (100, (0.3, 0.38))])
def test_coverage_under_a_style_biased_judge(n_gold: int, bad: tuple[float, float]) -> None:
    rng = np.random.default_rng(6)
    runs, held, naive = 400, 0, 0
    for _ in range(runs):
        human, judge = style_biased(rng, 300, bad)
        found = ppi(list(zip(human[:n_gold], judge[:n_gold], strict=True)), list(judge[n_gold:]))
        held += found.interval.lo <= bad[0] - bad[1] <= found.interval.hi
        half = 1.96 * judge.std() / np.sqrt(300)
        naive += bool(abs(judge.mean() - (bad[0] - bad[1])) <= half)
    assert held / runs >= 0.925
    assert naive < held


def test_a_perfect_judge_is_not_taken_to_be_perfect() -> None:
    gold = [(0.0, 0.0)] * 28 + [(1.0, 1.0), (-1.0, -1.0)]
    found = ppi(gold, [0.0] * 100)
    assert found.delta == 0.0
    assert found.interval.hi > 0.05
    assert (found.gold, found.judged, found.weight) == (30, 100, 1.0)


def test_the_weight_is_estimated_only_with_enough_gold() -> None:
    rng = np.random.default_rng(1)
    human, judge = style_biased(rng, 400, (0.3, 0.38))
    pairs = list(zip(human.tolist(), judge.tolist(), strict=True))
    few, many = ppi(pairs[:79], judge[79:].tolist()), ppi(pairs[:80], judge[80:].tolist())
    assert (few.weight, few.interval.method) == (1.0, "ppi")
    assert 0 < many.weight < 1
    assert many.interval.method == "ppi++"
    assert ppi(pairs[:80], judge[80:].tolist(), tune=False).weight == 1.0


def test_ppi_point_estimate_is_the_formula() -> None:
    rng = np.random.default_rng(2)
    human, judge = rng.uniform(-1, 1, 50), rng.uniform(-1, 1, 50)
    rest = rng.uniform(-1, 1, 70)
    found = ppi(list(zip(human.tolist(), judge.tolist(), strict=True)), rest.tolist())
    assert found.delta == pytest.approx(rest.mean() + (human - judge).mean())


def test_rogan_gladen_recovers_a_known_rate() -> None:
    found = rogan_gladen(JudgedRate(3100, 10_000, 9_000, 10_000, 9_500, 10_000))
    assert found.rate == pytest.approx((0.31 + 0.95 - 1) / 0.85, abs=1e-3)
    assert found.youden == pytest.approx(0.85, abs=1e-3)
    assert found.interval.lo < found.rate < found.interval.hi


def test_rogan_gladen_per_model_covers() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        rates = []
        for bad, sensitivity in ((0.3, 0.9), (0.38, 0.65)):
            share = bad * sensitivity + (1 - bad) * 0.05
            rates.append(
                JudgedRate(
                    int(rng.binomial(400, share)),
                    400,
                    int(rng.binomial(60, sensitivity)),
                    60,
                    int(rng.binomial(60, 0.95)),
                    60,
                )
            )
        found = rogan_gladen_difference(rates[1], rates[0])
        held += found.lo <= 0.08 <= found.hi
    assert held / 300 >= 0.92


def test_bad_input_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match="29 gold pairs: pass at least 30"):
        ppi([(0.0, 0.0)] * 29, [0.0] * 10)
    with pytest.raises(ValueError, match="pass at least 2"):
        ppi([(0.0, 0.0)] * 30, [0.0])
    with pytest.raises(ValueError, match="pass candidate minus baseline"):
        ppi([(2.0, 0.0)] * 30, [0.0] * 5)
    with pytest.raises(ValueError, match="no better than a coin"):
        rogan_gladen(JudgedRate(5, 10, 5, 10, 5, 10))
    with pytest.raises(ValueError, match="pass counts"):
        rogan_gladen(JudgedRate(11, 10, 9, 10, 9, 10))
