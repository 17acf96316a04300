import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from auditor.stats.agreement import agreement


def pairs_of(table: list[list[int]]) -> list[tuple[int, int]]:
    return [(row, col) for row, cells in enumerate(table) for col, k in enumerate(cells) for _ in range(k)]


@pytest.mark.parametrize("table", [[[40, 5], [8, 47]], [[10, 3, 1], [2, 20, 4], [0, 5, 15]]])
def test_kappa_agrees_with_statsmodels(table: list[list[int]]) -> None:
    found = agreement(pairs_of(table))
    expected = cohens_kappa(np.array(table))
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(expected.kappa)
    assert (found.kappa.interval.lo, found.kappa.interval.hi) == pytest.approx(
        (expected.kappa_low, expected.kappa_upp), abs=0.005
    )
    assert found.raw == pytest.approx(np.trace(table) / np.sum(table))


def test_ac1_of_the_published_paradox() -> None:
    # Gwet 2008: 118 and 2 agreements of 125 with rare negatives; kappa is near zero, AC1 .95.
    found = agreement(pairs_of([[118, 5], [2, 0]]))
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(-0.0234, abs=5e-4)
    assert found.ac1.value == pytest.approx(0.9408, abs=5e-4)


def test_intervals_cover() -> None:
    rng = np.random.default_rng(9)
    joint = np.array([0.5, 0.1, 0.1, 0.3])
    truth = agreement(pairs_of([[5000, 1000], [1000, 3000]]))
    assert truth.kappa is not None
    held = np.zeros(2)
    for _ in range(400):
        a, b, c, d = rng.multinomial(100, joint)
        found = agreement(pairs_of([[a, b], [c, d]]))
        assert found.kappa is not None
        held += [
            found.kappa.interval.lo <= truth.kappa.value <= found.kappa.interval.hi,
            found.ac1.interval.lo <= truth.ac1.value <= found.ac1.interval.hi,
        ]
    assert (held / 400 >= 0.92).all()


def test_agreement_throughout_is_no_certainty() -> None:
    found = agreement([("safe", "safe")] * 7 + [("unsafe", "unsafe")] * 7)
    assert found.kappa is not None
    assert found.kappa.value == found.ac1.value == found.kappa.interval.hi == 1.0
    assert 0.4 < found.kappa.interval.lo < 0.8
    assert found.ac1.interval.lo == pytest.approx(found.kappa.interval.lo)
    # One rater says the same throughout: kappa is 0 whatever the other does, and tells nothing.
    rare = agreement(pairs_of([[24, 1], [0, 0]]))
    assert rare.kappa is not None
    assert rare.kappa.value == pytest.approx(0.0)
    assert rare.kappa.interval.lo == -1.0
    assert rare.kappa.interval.hi > 0.5


def test_one_label_throughout() -> None:
    found = agreement([("safe", "safe")] * 20, labels=["safe", "unsafe"])
    assert found.kappa is None
    assert found.ac1.value == 1.0
    assert found.raw_interval.lo < 1.0


def test_bad_input_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match="pass at least 2"):
        agreement([(1, 1)])
