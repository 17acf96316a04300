"""Text-only tests: the statistic is what it says, p-values are honest under the null, and differences are found."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from auditor.drift.text import Kernel, outcome_test, text_test


def writer(seed: int, weights: tuple[float, float], length: int = 30) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices("ab", weights, k=length)) for _ in range(8)]


def naive_mmd(a: list[str], b: list[str]) -> float:
    size = max(map(len, a + b))

    def k(x: str, y: str) -> float:
        return float(np.mean([u == v for u, v in zip(x.ljust(size, "\0"), y.ljust(size, "\0"), strict=True)]))

    def mean(pairs: list[tuple[str, str]]) -> float:
        return float(np.mean([k(x, y) for x, y in pairs])) if pairs else 0.0

    return (
        mean(list(itertools.combinations(a, 2)))
        + mean(list(itertools.combinations(b, 2)))
        - 2 * mean(list(itertools.product(a, b)))
    )


def test_statistic_is_the_sum_of_unbiased_mmds() -> None:
    prompts = [(["abc", "abd", "xyz"], ["abc", "zzzz"]), (["hello"], ["hello", "help"])]
    result = text_test(prompts, seed=0, permutations=9)
    assert result.statistic == pytest.approx(sum(naive_mmd(a, b) for a, b in prompts))
    assert (result.n_baseline, result.n_candidate, result.prompts) == (4, 4, 2)


@pytest.mark.parametrize("kernel", ["hamming", "ngram"])
def test_a_difference_is_found_and_none_is_not(kernel: Kernel) -> None:
    same = [(writer(i, (1, 1)), writer(100 + i, (1, 1))) for i in range(6)]
    other = [(writer(i, (1, 1)), writer(100 + i, (4, 1))) for i in range(6)]
    assert text_test(same, seed=0, kernel=kernel, permutations=400).p_value > 0.05
    found = text_test(other, seed=0, kernel=kernel, permutations=400)
    assert found.p_value == pytest.approx(1 / 401)
    assert found.statistic > found.null_mean
    assert found.method == f"mmd_{kernel}"


def test_p_values_under_the_null_are_not_too_small() -> None:
    p_values = [
        text_test(
            [(writer(1000 * run + i, (1, 1), 6)[:3], writer(1000 * run + 500 + i, (1, 1), 6)[:3]) for i in range(3)],
            seed=run,
            permutations=99,
        ).p_value
        for run in range(200)
    ]
    for alpha in (0.05, 0.2, 0.5):
        # Three standard errors above alpha at 200 runs.
        assert np.mean(np.array(p_values) <= alpha) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 200)


def test_prompts_that_differ_are_not_models_that_differ() -> None:
    prompts = [(["yes"] * 5, ["yes"] * 5), (["no"] * 5, ["no"] * 5)]
    assert text_test(prompts, seed=0).p_value == 1.0
    # Unbalanced: pooled, the candidate says "no" more often; prompt by prompt, nothing differs.
    prompts = [(["yes"] * 9, ["yes"] * 2), (["no"] * 2, ["no"] * 9)]
    assert text_test(prompts, seed=0).p_value == 1.0
    assert outcome_test(prompts, seed=0).p_value == 1.0
    assert outcome_test(prompts, seed=0).statistic == 0.0


def test_an_insertion_hides_likeness_from_hamming_but_not_from_ngrams() -> None:
    a, b = ["the cat sat on the mat"] * 4, ["so the cat sat on the mat"] * 4
    assert text_test([(a, b)], seed=0, kernel="ngram").statistic < text_test([(a, b)], seed=0).statistic


def test_one_text_a_side_can_show_nothing() -> None:
    result = text_test([(["a"], ["b"])], seed=0)
    assert result.p_value == 1.0
    assert result.prompts == 0


def test_only_the_compared_length_counts() -> None:
    assert text_test([(["same one"] * 3, ["same two"] * 3)], seed=0, length=4).p_value == 1.0
    assert text_test([(["", ""], ["", "a"])], seed=0).permutations == 1000


def test_outcome_shares() -> None:
    prompts = [(["answered", "answered"], ["refused", "answered"]), (["answered"], ["refused"])]
    result = outcome_test(prompts, seed=0)
    assert result.statistic == pytest.approx(0.75)
    assert 0 < result.null_mean < result.statistic
    many = [(["answered"] * 4, ["refused"] * 4) for _ in range(5)]
    assert outcome_test(many, seed=0).p_value == pytest.approx(1 / 1001)
    assert outcome_test(many, seed=0).to_dict()["method"] == "tv_outcomes"


def test_repeatable_and_unusable_input_refused() -> None:
    prompts = [(writer(1, (1, 1)), writer(2, (1, 1)))]
    assert text_test(prompts, seed=4) == text_test(prompts, seed=4)
    with pytest.raises(ValueError, match="texts on both sides"):
        text_test([(["a"], [])], seed=0)
    with pytest.raises(ValueError, match="no prompt has texts from both"):
        text_test([(["a"], []), ([], ["b"])], seed=0)
    with pytest.raises(ValueError, match="length"):
        text_test(prompts, seed=0, length=0)
