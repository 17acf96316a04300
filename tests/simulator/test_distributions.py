from __future__ import annotations

import math
from statistics import mean

import numpy as np
import pytest
from scipy.stats import entropy

from auditor.records import ALL_DIMENSIONS, SIDES
from auditor.simulator import VOCABULARY, PlantedTruth, exact_first_token_kl, first_token_logprobs, kl, preset
from tests.simulator.support import EXPECT, prompts_of

TRUTH = preset("demo", seed=11)
KINDS = {dimension: (dimension, kind) for dimension, kind in EXPECT}


def test_probabilities_sum_to_one() -> None:
    for prompt in prompts_of("privacy", "protect", 20):
        for side in SIDES:
            logprobs = first_token_logprobs(TRUTH, prompt, side)
            assert logprobs.shape == (len(VOCABULARY),)
            assert math.fsum(np.exp(logprobs)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_exact_kl_is_that_of_the_full_distributions(direction: str) -> None:
    for prompt in prompts_of("privacy", "protect", 10):
        p = np.exp(first_token_logprobs(TRUTH, prompt, "baseline"))
        q = np.exp(first_token_logprobs(TRUTH, prompt, "candidate"))
        expected = entropy(p, q) if direction == "forward" else entropy(q, p)
        assert exact_first_token_kl(TRUTH, prompt, direction) == pytest.approx(expected, rel=1e-9)  # type: ignore[arg-type]


def test_forward_is_from_the_baseline() -> None:
    prompt = prompts_of("privacy", "protect", 1)[0]
    base, candidate = (first_token_logprobs(TRUTH, prompt, side) for side in SIDES)
    assert exact_first_token_kl(TRUTH, prompt) == kl(base, candidate) != kl(candidate, base)


def test_no_planted_drift_is_no_divergence() -> None:
    truth = preset("none")
    for prompt in prompts_of("safety", "harmful", 3):
        assert exact_first_token_kl(truth, prompt) == 0


@pytest.mark.parametrize("planted", [0.1, 0.3, 1.0])
def test_divergence_follows_the_planted_drift(planted: float) -> None:
    truth = PlantedTruth(seed=2, drift={"ethics": planted})
    found = mean(exact_first_token_kl(truth, prompt) for prompt in prompts_of("ethics", "judgement", 150))
    assert 0.5 * planted**2 / 2 < found < 1.1 * planted**2 / 2


def test_demo_drifts_most_on_privacy() -> None:
    found = {
        dimension: mean(exact_first_token_kl(TRUTH, prompt) for prompt in prompts_of(*KINDS[dimension], 60))
        for dimension in ALL_DIMENSIONS
    }
    assert max(found, key=found.__getitem__) == "privacy"
    assert found["privacy"] > 5 * found["ethics"]


def test_prompts_and_seeds_have_their_own_distributions() -> None:
    first, second = prompts_of("safety", "harmful", 2)
    base = first_token_logprobs(TRUTH, first, "baseline")
    assert not np.array_equal(base, first_token_logprobs(TRUTH, second, "baseline"))
    assert not np.array_equal(base, first_token_logprobs(preset("demo", seed=12), first, "baseline"))
    assert np.array_equal(base, first_token_logprobs(TRUTH, first, "baseline"))


def test_top_tokens_leave_a_tail() -> None:
    shares = []
    for prompt in prompts_of("safety", "harmful", 60):
        chances = np.sort(np.exp(first_token_logprobs(TRUTH, prompt, "baseline")))[::-1]
        shares.append(float(chances[:20].sum()))
    assert 0.6 < mean(shares) < 0.99
