from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.simulator.draws import Draws, pick, uniform
from tests.simulator.support import prompts_of

PROMPTS = prompts_of("safety", "harmful", 90)


@given(st.lists(st.text() | st.integers(), max_size=4))
def test_uniforms_are_functions_of_what_is_asked(parts: list[str | int]) -> None:
    assert 0 <= uniform(*parts) < 1
    assert uniform(*parts) == uniform(*parts)


def test_uniforms_are_spread_evenly() -> None:
    draws = [uniform("spread", number) for number in range(4000)]
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.02)
    assert sum(draw < 0.1 for draw in draws) / len(draws) == pytest.approx(0.1, abs=0.02)


def test_picks_every_option() -> None:
    assert {pick(("a", "b", "c"), number) for number in range(50)} == {"a", "b", "c"}


@given(st.floats(0, 1), st.integers(0, 1000))
def test_stratified_counts_are_exact_to_one(threshold: float, seed: int) -> None:
    draws = Draws(seed, PROMPTS, coupling=lambda _: 1.0, stratified=True)
    count = sum(draws.draw("good", "baseline", prompt, f"seed {seed}") < threshold for prompt in PROMPTS)
    assert abs(count - threshold * len(PROMPTS)) <= 1


def test_samples_of_one_prompt_differ() -> None:
    draws = Draws(1, PROMPTS, coupling=lambda _: 1.0, stratified=True)
    assert len({draws.draw("good", "baseline", PROMPTS[0], f"time {number}") for number in range(20)}) == 20


@pytest.mark.parametrize("stratified", [True, False])
@pytest.mark.parametrize("coupling", [0.0, 0.3, 1.0])
def test_coupling_is_the_share_of_common_draws(coupling: float, stratified: bool) -> None:
    prompts = prompts_of("ethics", "judgement", 1500)
    draws = Draws(5, prompts, coupling=lambda _: coupling, stratified=stratified)
    common = sum(
        draws.draw("good", "baseline", prompt, "s") == draws.draw("good", "candidate", prompt, "s")
        for prompt in prompts
    )
    assert common / len(prompts) == pytest.approx(coupling, abs=0.04)
    assert common == pytest.approx(sum(map(draws.coupled, prompts)), abs=5)


def test_unknown_prompts_are_drawn_too() -> None:
    draws = Draws(1, PROMPTS[:10], coupling=lambda _: 1.0, stratified=True)
    assert 0 <= draws.draw("good", "baseline", PROMPTS[50], "s") < 1
    assert 0 <= draws.draw("good", "baseline", prompts_of("bias", "stereotype", 1)[0], "s") < 1
