from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from auditor.audit.drift_alone import drift_alone
from auditor.audit.drift_texts import DriftSettings
from auditor.drift.bytesalign import align_chunks
from auditor.drift.protocol_bytes import ScoredBytes, describe_bytes, gather_bytes, spell
from auditor.drift.protocol_gather import Party, Settings, seed_of
from auditor.drift.protocol_report import Bootstrap
from auditor.endpoints.scoring import CompletionsScorer, Prefix, Sampled
from auditor.records import Prompt, TokenLogprob, TokenPosition
from auditor.simulator import PlantedTruth, Serving, context_bytes
from auditor.simulator.vocabulary import Lexicon
from tests.drift.simulated import MODELS, after, exact, network, parties, questions, spec
from tests.drift.support import jsd, kl, tv

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


# --- a pair whose tokenizers differ ---------------------------------------------------------------------------------

APART = PlantedTruth(seed=8, serving=Serving(tokenizers="different", vocabulary=20_000))
END = -1
Floats = np.ndarray[Any, Any]


def next_byte(logprobs: Floats, words: Lexicon) -> Floats:
    """The exact distribution of the next byte as tokens print, "no byte" last."""
    out = np.zeros(257)
    for token, mass in zip(words.tokens, np.exp(logprobs), strict=True):
        out[END if token.text.startswith("<|") else token.text.encode()[0]] += mass
    return out


def starts_of(*tokenisations: list[bytes]) -> list[int]:
    """The places in the text at which all of them begin a token."""
    begins = []
    for tokens in tokenisations:
        places = {0}
        for raw in tokens[:-1]:
            places.add(max(places) + len(raw))
        begins.append(places)
    return sorted(set.intersection(*begins))


async def test_different_tokenizers_over_http_meet_at_bytes() -> None:
    settings = Settings(max_tokens=8, top=20)
    seen = 0
    async with parties(APART) as both:
        words = {side: APART.lexicon(side) for side in MODELS}
        for side, other in (("baseline", "candidate"), ("candidate", "baseline")):
            writer, reader = both[side], both[other]  # type: ignore[index]
            for question in questions(6):
                text = await gather_bytes(question, writer, reader, settings)
                if isinstance(text, str):
                    continue
                wrote = await writer.scorer.sample(
                    await writer.scorer.prefix(question.messages),
                    max_tokens=settings.max_tokens,
                    top=20,
                    seed=seed_of(settings.seed, question.id),
                )
                ids = {side: wrote.ids[:-1] if wrote.ended else wrote.ids}
                ids[other] = tuple(words[other].tokenise(wrote.text))  # type: ignore[index]
                raws = {one: [words[one].tokens[i].raw for i in ids[one]] for one in ids}  # type: ignore[index]
                whole, before = b"".join(raws[side]), context_bytes(question.messages)
                assert whole == b"".join(raws[other])
                starts = starts_of(raws[side], raws[other])
                assert len(text.boundaries) == len(starts)
                for start, found in zip(starts, text.boundaries, strict=True):
                    exact_pair = dict(zip(MODELS, after(APART, before + whole[:start]), strict=True))
                    p, q = (next_byte(exact_pair[one], words[one]) for one in (side, other))  # type: ignore[index]
                    assert found.kl_lower <= kl(p, q) + 1e-6
                    assert found.jsd.lower - 1e-6 <= jsd(p, q) <= found.jsd.upper + 1e-6
                    assert found.tv.lower - 1e-6 <= tv(p, q) <= found.tv.upper + 1e-6
                    seen += 1
                for one, bits in ((side, text.rate.p_bits), (other, text.rate.q_bits)):
                    place, total = 0, 0.0
                    for number, raw in zip(ids[one], raws[one], strict=True):
                        here = after(APART, before + whole[:place])[list(MODELS).index(one)]  # type: ignore[arg-type]
                        total -= float(here[number])
                        place += len(raw)
                    assert bits * text.rate.bytes == pytest.approx(total / math.log(2), rel=1e-6)
    assert seen > 20


async def test_the_whole_measurement_says_that_it_compares_bytes() -> None:
    specs: Any = {side: spec(side) for side in MODELS}
    prompts = [Prompt(q.id, "safety", "q", "k", q.messages) for q in questions(8)]
    wanted = DriftSettings(gather=Settings(max_tokens=8))
    found = await drift_alone(specs, prompts, wanted, environ={}, networks=network(APART))
    assert (found["protocol"], found["scope"]) == ("F", "bytes")
    assert found["tokenizer"]["same"] is False
    for way in ("forward", "reverse"):
        assert found[way]["what"].endswith("no token-level KL")
        assert found[way]["bits_per_byte"]["delta"]["value"] > 0
        assert found[way]["next_byte"]["kl_lower"]["value"] > 0
        assert "kl_per_token" not in found[way]


async def check_rates(text: ScoredBytes, prefix: Prefix, writer: Party, settings: Settings, name: str) -> None:
    """The writer's bits are those of its own tokens under the exact distribution."""
    wrote: Sampled = await writer.scorer.sample(
        prefix, max_tokens=settings.max_tokens, top=20, seed=seed_of(settings.seed, name)
    )
    ids = wrote.ids[:-1] if wrote.ended else wrote.ids
    bits = sum(-exact(TRUTH, [*prefix.ids, *ids[:t]])[0][one] for t, one in enumerate(ids)) / math.log(2)
    assert text.rate.p_bits * text.rate.bytes == pytest.approx(bits)


def test_fewer_than_two_texts_say_nothing() -> None:
    assert describe_bytes([], Bootstrap()) is None
