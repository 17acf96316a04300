from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from auditor.simulator import PlantedTruth, Serving, first_token_logprobs
from auditor.simulator.distributions import Context, context_bytes
from auditor.simulator.draws import uniform
from auditor.simulator.generation import Decoding, listed, planted, sample, sampled, scaled, scored
from auditor.simulator.vocabulary import END_ID, END_THINK_ID, tokenise
from tests.simulator.support import prompts_of

TRUTH = PlantedTruth(seed=4)
PROMPT = prompts_of("ethics", "judgement", 1)[0]
LOGPROBS = first_token_logprobs(TRUTH, PROMPT, "baseline")


def context() -> Context:
    return Context(TRUTH, context_bytes(PROMPT.messages), PROMPT.dimension)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_sampling_follows_the_distribution(temperature: float) -> None:
    draws = 6000
    counts = Counter(sample(LOGPROBS, temperature, 1.0, uniform("draw", number)) for number in range(draws))
    chances = np.exp(scaled(LOGPROBS, temperature))
    for token in np.flatnonzero(chances > 0.01):
        share, chance = counts[int(token)] / draws, float(chances[token])
        assert abs(share - chance) < 4.5 * (chance * (1 - chance) / draws) ** 0.5


def test_temperature_zero_takes_the_best() -> None:
    assert {sample(LOGPROBS, 0, 1.0, draw / 10) for draw in range(10)} == {int(np.argmax(LOGPROBS))}


def test_top_p_keeps_the_smallest_sufficient_set() -> None:
    order = [int(one) for one in np.argsort(-LOGPROBS)]
    enough = 1 + int(np.searchsorted(np.cumsum(np.exp(LOGPROBS)[order]), 0.5))
    found = {sample(LOGPROBS, 1.0, 0.5, uniform("draw", number)) for number in range(3000)}
    assert found <= set(order[:enough])
    assert order[0] in found


def test_the_list_is_the_true_top() -> None:
    order = [int(one) for one in np.argsort(-LOGPROBS)]
    found = listed(order[0], LOGPROBS, 20, TRUTH, 1.0)
    assert [token for token, _ in found.top] == order[:20]
    assert [value for _, value in found.top] == [float(LOGPROBS[one]) for one in order[:20]]
    assert found.rank == 1
    assert listed(order[700], LOGPROBS, 5, TRUTH, 1.0).rank == 701


@pytest.mark.parametrize(("manner", "places"), [("omitted", None), ("first", 0), ("appended", 5)])
def test_a_sampled_token_outside_the_top(manner: str, places: int | None) -> None:
    truth = PlantedTruth(serving=Serving(sampled_outside=manner))  # type: ignore[arg-type]
    order = [int(one) for one in np.argsort(-LOGPROBS)]
    found = [token for token, _ in listed(order[30], LOGPROBS, 5, truth, 1.0).top]
    assert (
        found
        == {
            None: order[:5],
            0: [order[30], *order[:4]],
            5: [*order[:5], order[30]],
        }[places]
    )
    assert listed(order[30], LOGPROBS, 0, truth, 1.0).top == ()


def test_raw_and_scaled_logprobs() -> None:
    hot = PlantedTruth(serving=Serving(logprobs="scaled"))
    token = int(np.argmax(LOGPROBS))
    assert listed(token, LOGPROBS, 5, TRUTH, 2.0) == listed(token, LOGPROBS, 5, TRUTH, 1.0)
    assert listed(token, LOGPROBS, 5, hot, 1.0) == listed(token, LOGPROBS, 5, TRUTH, 1.0)
    halves = np.exp(LOGPROBS / 2)
    assert listed(token, LOGPROBS, 5, hot, 2.0).logprob == pytest.approx(float(np.log(halves[token] / halves.sum())))


def test_sampled_text_is_scored_as_it_was_drawn() -> None:
    made = sampled(TRUTH, "candidate", context(), Decoding(1.0, 1.0, 30, 5), "one")
    assert made.listed is not None
    before = tokenise(context_bytes(PROMPT.messages).decode(), specials=True)
    again = scored(TRUTH, "candidate", [*before, *made.ids], PROMPT.dimension, 5)
    assert again[0] is None
    assert again[len(before) :] == list(made.listed)


def test_sampling_stops_at_the_end_token() -> None:
    stopped = [
        made
        for number in range(300)
        if (made := sampled(TRUTH, "baseline", context(), Decoding(2.0, 1.0, 40, None), number)).finish == "stop"
    ]
    assert stopped
    assert all(made.ids[-1] == END_ID and END_ID not in made.ids[:-1] for made in stopped)


def test_written_texts_show_the_planted_first_token() -> None:
    trace, answer = tokenise("The user asks."), tokenise("Sure, here é.")
    made = planted(TRUTH, "baseline", context(), Decoding(1.0, 1.0, 100, 20), trace, answer, "stop")
    assert made.listed is not None
    assert made.ids == (*trace, END_THINK_ID, *answer)
    assert (made.trace, made.answer, made.finish) == ("The user asks.", "Sure, here é.", "stop")
    assert made.listed[0].top == listed(trace[0], LOGPROBS, 20, TRUTH, 1.0).top
    assert made.listed[0].logprob == float(LOGPROBS[trace[0]])
    assert all(position.logprob > np.log(0.7) for position in made.listed[1:])
    for position in made.listed:
        assert sum(np.exp(value) for _, value in position.top) <= 1


def test_a_limit_cuts_and_says_so() -> None:
    trace, answer = tokenise("The user asks."), tokenise("Sure, here.")
    whole = len(trace) + 1 + len(answer)
    for limit in range(1, whole + 1):
        made = planted(TRUTH, "baseline", context(), Decoding(1.0, 1.0, limit, None), trace, answer, "stop")
        assert len(made.ids) == limit
        assert made.finish == ("stop" if limit == whole else "length")
        assert "The user asks.".startswith(made.trace or "")
        assert "Sure, here.".startswith(made.answer)
        assert bool(made.answer) == (limit > len(trace) + 1)
