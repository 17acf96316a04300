"""Protocol T: endpoints that give text and nothing else. Two-sample tests; none of its numbers is a KL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from auditor.drift.text import outcome_test, text_test
from auditor.records import Ask, Message, Reply, Sampling

WHAT: Final = "not a KL: do both sides write alike, and do their replies end alike?"
MIN_PROMPTS: Final = 2


def text_ask(messages: tuple[Message, ...], *, max_tokens: int, sample: int) -> Ask:
    """The question: a reply at temperature 1, one of several."""
    return Ask(messages=messages, sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=max_tokens), sample=sample)


def compare_texts(
    prompts: Sequence[tuple[Sequence[Reply], Sequence[Reply]]], *, seed: int, permutations: int = 1000
) -> dict[str, Any] | None:
    """Tests over prompts' replies (baseline's, candidate's): MMD with two kernels, and total variation of outcomes.

    ``p_value`` is the smallest of the three after Bonferroni. None if fewer than two prompts have replies from both.
    """
    both = [(a, b) for a, b in prompts if a and b]
    if len(both) < MIN_PROMPTS:
        return None
    texts = [([_text(x) for x in a], [_text(x) for x in b]) for a, b in both]
    outcomes = [([_outcome(x) for x in a], [_outcome(x) for x in b]) for a, b in both]
    hamming = text_test(texts, seed=seed, kernel="hamming", permutations=permutations)
    ngram = text_test(texts, seed=seed, kernel="ngram", permutations=permutations)
    ends = outcome_test(outcomes, seed=seed, permutations=permutations)
    tests = (hamming, ngram, ends)
    return {
        "what": WHAT,
        "hamming": hamming.to_dict(),
        "ngram": ngram.to_dict(),
        "outcomes": ends.to_dict(),
        "p_value": min(1.0, len(tests) * min(test.p_value for test in tests)),
    }


def _text(reply: Reply) -> str:
    """Trace and answer: both are what the endpoint wrote."""
    return f"{reply.trace}\n{reply.answer}" if reply.trace else reply.answer


def _outcome(reply: Reply) -> str:
    return str(reply.outcome or reply.finish_reason or "answered")
