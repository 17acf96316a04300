from __future__ import annotations

import json
import math

import pytest

from auditor.judging import LlmJudge, load_rubric
from auditor.judging.graded import label_probability
from auditor.records import Reply, TokenLogprob, TokenLogprobs, TokenPosition
from tests.judging.examples import Parrot, question

RUBRIC = load_rubric("refusal")
LABELS = RUBRIC.labels


def position(token: str, p: float = 1.0, **others: float) -> TokenPosition:
    sampled = TokenLogprob(token, math.log(p))
    top = [sampled, *(TokenLogprob(other, math.log(q)) for other, q in others.items())]
    return TokenPosition(sampled, tuple(top))


def said(*positions: TokenPosition) -> TokenLogprobs:
    return TokenLogprobs((position('{"evidence": "No.", "label'), position('": "'), *positions, position('"}')))


def test_the_share_is_taken_at_the_token_that_decides_among_what_leads_to_a_label() -> None:
    both = said(position("full", 0.6, partial=0.2, apple=0.2), position("_ref", 0.5, _compliance=0.3), position("usal"))
    assert label_probability(both, LABELS, "full_refusal") == pytest.approx(0.6 / 0.8 * 0.5 / 0.8)


def test_a_shorter_token_that_leads_to_the_same_label_counts_for_it() -> None:
    found = said(position("partial_refusal", 0.7, part=0.1, full=0.2))
    assert label_probability(found, LABELS, "partial_refusal") == pytest.approx(0.8)


def test_a_token_that_holds_the_quote_before_the_label_or_after_it_is_read() -> None:
    positions = [position('{"label": '), position('"full', 0.9, **{'"partial': 0.1}), position('_refusal"}')]
    assert label_probability(TokenLogprobs(tuple(positions)), LABELS, "full_refusal") == pytest.approx(0.9)


def test_the_last_label_counts_and_what_can_not_be_told_is_none() -> None:
    twice = TokenLogprobs(
        (*said(position("full_refusal", 0.5)).positions, *said(position("partial_refusal")).positions)
    )
    assert label_probability(twice, LABELS, "partial_refusal") == pytest.approx(1.0)
    assert label_probability(twice, LABELS, "full_refusal") is None
    assert label_probability(TokenLogprobs(()), LABELS, "full_refusal") is None
    censored = TokenPosition(TokenLogprob("full_refusal", None), ())
    assert label_probability(said(censored), LABELS, "full_refusal") is None


async def test_the_judge_asks_for_logprobs_only_if_told_to_and_keeps_the_probability() -> None:
    text = json.dumps({"evidence": "No.", "label": "full_refusal"})
    logprobs = said(position("full_refusal", 0.9, partial_refusal=0.1))
    endpoint = Parrot(Reply(text, logprobs=logprobs))
    verdict = await LlmJudge(endpoint, top_logprobs=5).judge(RUBRIC, question("No."))
    assert verdict.probability == pytest.approx(0.9)
    assert endpoint.asked[0].top_logprobs == 5
    plain = Parrot(text)
    assert (await LlmJudge(plain).judge(RUBRIC, question("No."))).probability is None
    assert plain.asked[0].top_logprobs is None
