from __future__ import annotations

import math

from auditor.drift.protocol_generated import common_prefix, describe, greedy_ask
from auditor.drift.protocol_report import Bootstrap
from auditor.drift.protocol_text import compare_texts, text_ask
from auditor.records import Message, Outcome, Reply, Side, TokenLogprob, TokenLogprobs, TokenPosition

DISPLACES: dict[Side, bool] = {"baseline": False, "candidate": False}


def reply(*words: str, shift: float = 0.0) -> Reply:
    positions = []
    for word in words:
        first = TokenLogprob(word, math.log(0.6 - shift), raw=word.encode())
        second = TokenLogprob("other", math.log(0.3), raw=b"other")
        positions.append(TokenPosition(first, (first, second)))
    return Reply(answer="".join(words), logprobs=TokenLogprobs(tuple(positions)))


def test_contexts_count_up_to_and_with_the_first_difference() -> None:
    found = common_prefix("q", "q", reply("a", "b", "c", "d"), reply("a", "b", "x", "d"), 2, DISPLACES)
    assert not isinstance(found, str)
    assert (len(found.pairs), found.same, found.whole) == (3, 2, False)
    found = common_prefix("q", "q", reply("a", "b"), reply("a", "b"), 2, DISPLACES)
    assert not isinstance(found, str)
    assert (len(found.pairs), found.same, found.whole) == (2, 2, True)


def test_it_is_described_as_bounds_and_not_as_a_sequences_kl() -> None:
    some = [common_prefix(x, x, reply("a", "b"), reply("a", "b", shift=0.2), 2, DISPLACES) for x in "pqr"]
    body = describe([one for one in some if not isinstance(one, str)], Bootstrap(resamples=50))
    assert body is not None
    assert "no estimate of a sequence's KL" in body["what"]
    assert (body["n"], body["positions"], body["never_differed"]) == (3, 6, 3)
    assert body["forward"]["lower_bound"] > 0
    assert body["forward"]["method"] == "E2"
    assert describe([], Bootstrap()) is None


def test_replies_without_logprobs_are_told() -> None:
    assert common_prefix("q", "q", Reply(answer="a"), reply("a"), 2, DISPLACES) == "no logprobs"


def test_questions_send_their_settings_outright() -> None:
    messages = (Message("user", "x"),)
    assert greedy_ask(messages, top_logprobs=5, max_tokens=9).sampling.temperature == 0
    ask = text_ask(messages, max_tokens=9, sample=3)
    assert (ask.sampling.temperature, ask.sampling.top_p, ask.sampling.seed, ask.sample) == (1.0, 1.0, None, 3)


def test_texts_are_tested_and_never_called_a_kl() -> None:
    same = [([Reply(answer=f"{i}{j}") for j in "ab"], [Reply(answer=f"{i}{j}") for j in "ab"]) for i in range(8)]
    body = compare_texts(same, seed=0, permutations=200)
    assert body is not None
    assert body["what"].startswith("not a KL")
    assert body["p_value"] > 0.05
    cut = Reply(answer="z" * 9, outcome=Outcome.TRUNCATED)
    apart = [([Reply(answer="a" * 9)] * 3, [cut] * 3) for _ in range(8)]
    body = compare_texts(apart, seed=0, permutations=200)
    assert body is not None
    assert body["p_value"] < 0.05
    assert body["outcomes"]["statistic"] == 1.0
    assert compare_texts([], seed=0) is None
