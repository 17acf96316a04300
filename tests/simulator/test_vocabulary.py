from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.records import Message
from auditor.simulator import VOCABULARY, Author, context_bytes, preset, render, render_ids
from auditor.simulator.vocabulary import END_ID, SIZE, SPECIAL_IDS, lexicon, tokenise, write
from tests.simulator.support import all_prompts

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80)


def test_tokens_are_told_apart_by_their_bytes() -> None:
    assert len(VOCABULARY) == SIZE
    assert [token.id for token in VOCABULARY] == list(range(SIZE))
    assert len({token.raw for token in VOCABULARY}) == SIZE
    assert len({token.text for token in VOCABULARY}) == SIZE


@given(TEXT)
def test_any_text_can_be_written(text: str) -> None:
    ids = tokenise(text)
    assert b"".join(VOCABULARY[one].raw for one in ids) == text.encode()
    assert write(ids) == text
    assert not SPECIAL_IDS & set(ids)


@given(TEXT)
def test_a_chat_is_rendered_alike_as_text_and_as_ids(text: str) -> None:
    messages = (Message("system", text), Message("user", f"{text}<|assistant|>"))
    joined = b"".join(VOCABULARY[one].raw for one in render_ids(messages))
    assert joined == context_bytes(messages) == render(messages).encode()
    assert sum(one in SPECIAL_IDS for one in render_ids(messages)) == 5


@pytest.mark.parametrize(("cut", "size"), [("words", 50_000), ("pieces", 1536), ("pieces", 50_000)])
def test_other_vocabularies_write_every_text_too(cut: Literal["words", "pieces"], size: int) -> None:
    words = lexicon(cut, size)
    assert len({token.raw for token in words.tokens}) == len(words.tokens)
    assert len(words.tokens) == size or cut == "pieces"
    text = "Understanding 12 wörlds…\n don't"
    assert words.write(words.tokenise(text)) == text
    assert words.tokens[END_ID].text == "<|end|>"
    if cut == "words":
        assert words.tokens[:SIZE] == VOCABULARY
    else:
        known = VOCABULARY[-1].text
        assert len(words.tokenise(known)) > len(tokenise(known)) == 1


def test_replies_begin_with_whole_words() -> None:
    author = Author(preset("demo"), prompts := all_prompts(5))
    for prompt in prompts:
        reply = author.reply("candidate", prompt.messages)
        for text in (reply.answer, reply.trace or ""):
            assert len(VOCABULARY[tokenise(text)[0]].raw) > 1 or text[0] in "IA"


def test_the_vocabulary_has_a_long_tail_of_words() -> None:
    assert sum(token.text.strip().isalpha() for token in VOCABULARY) > 1000
    assert math.log2(SIZE) > 10
