from __future__ import annotations

import math

import pytest

from auditor.drift.bytesalign import align_chunks
from auditor.drift.protocol_bytes import ScoredBytes, describe_bytes, gather_bytes, spell
from auditor.drift.protocol_gather import Party, Settings
from auditor.drift.protocol_report import Bootstrap
from auditor.endpoints.scoring import CompletionsScorer, Prefix, Sampled
from auditor.records import TokenLogprob, TokenPosition
from auditor.simulator import PlantedTruth
from tests.drift.simulated import exact, parties, questions

TRUTH = PlantedTruth(seed=3, other_drift=0.5)


def token(text: str, logprob: float = -1.0, **alternatives: float) -> TokenPosition:
    top = tuple(TokenLogprob(name, value) for name, value in alternatives.items())
    return TokenPosition(TokenLogprob(text, logprob), top)


def test_tokens_that_print_no_bytes_take_what_lies_between_their_neighbours() -> None:
    text = "a 👋 b"
    tokens = [token("a"), token("\ufffd", -2.0), token("\ufffd", -3.0), token(" b")]
    spelled = spell(tokens, text)
    assert [raw for (raw, _), _ in spelled] == [b"a", " 👋".encode(), b" b"]
    assert [logprob for (_, logprob), _ in spelled] == [-1.0, -5.0, -1.0]
    chunks = align_chunks([one for one, _ in spelled], [(b"a", -1.0), (" 👋 b".encode(), -9.0)])
    assert [chunk.p_logprob for chunk in chunks] == [-1.0, -6.0]


@pytest.mark.parametrize("tokens", [["a", "c"], ["a"], ["b", "a"]])
def test_tokens_that_do_not_spell_the_text_are_refused(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match="spell"):
        spell([token(one) for one in tokens], "ab")


class Letters(CompletionsScorer):
    """The same server read by a tokenizer of single bytes: the vocabulary's first 256 tokens."""

    async def tokenise(self, text: str) -> tuple[int, ...]:
        return tuple(text.encode())


async def test_one_text_under_two_tokenizers() -> None:
    found = []
    async with parties(TRUTH) as both:
        scorer = both["candidate"].scorer
        assert isinstance(scorer, CompletionsScorer)
        letters = Letters(scorer._server, "prompt_logprobs")
        reader = Party(letters, letters)
        for question in questions(4):
            text = await gather_bytes(question, both["baseline"], reader, Settings(max_tokens=6))
            if isinstance(text, str):
                continue
            found.append(text)
            prefix = await both["baseline"].scorer.prefix(question.messages)
            await check_rates(text, prefix, both["baseline"], Settings(max_tokens=6), question.id)
    body = describe_bytes(found, Bootstrap(resamples=100))
    assert body is not None
    assert body["what"].startswith("different tokenizers")
    # Words cut into bytes are far less likely under a model that writes words.
    assert body["bits_per_byte"]["delta"]["value"] > 0
    assert body["next_byte"]["kl_lower"]["value"] >= 0


async def check_rates(text: ScoredBytes, prefix: Prefix, writer: Party, settings: Settings, name: str) -> None:
    """The writer's bits are those of its own tokens under the exact distribution."""
    from auditor.drift.protocol_gather import seed_of

    wrote: Sampled = await writer.scorer.sample(
        prefix, max_tokens=settings.max_tokens, top=20, seed=seed_of(settings.seed, name)
    )
    ids = wrote.ids[:-1] if wrote.ended else wrote.ids
    bits = sum(-exact(TRUTH, [*prefix.ids, *ids[:t]])[0][one] for t, one in enumerate(ids)) / math.log(2)
    assert text.rate.p_bits * text.rate.bytes == pytest.approx(bits)


def test_fewer_than_two_texts_say_nothing() -> None:
    assert describe_bytes([], Bootstrap()) is None
