"""The synthetic vocabularies: 256 bytes, five markers, the words of the replies, and made-up filler words.

Any text can be written in each of them. Every token has an id and its own bytes; the bytes of a text's tokens, put
together, are the text's UTF-8 (the tokens' *printed* forms are not always: part of a character prints as ``\\xc3``). A
larger vocabulary of words begins with the smaller one; that of pieces cuts the same text elsewhere.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, Literal, NamedTuple

from auditor.simulator.wording import ANSWERS, INVENTED, OPENERS, TRACES

THINK: Final = "<think>"
END_THINK: Final = "</think>"
END: Final = "<|end|>"
SPECIALS: Final = ("<|system|>", "<|user|>", "<|assistant|>", END, END_THINK)
SIZE: Final = 1536
LARGEST: Final = 60_000
PIECE_LETTERS: Final = 3

Cut = Literal["words", "pieces"]
"""How text is cut: into whole words, or into pieces of at most `PIECE_LETTERS` letters."""

_WORD: Final = re.compile(r" ?[A-Za-z']+|\d| ?[^A-Za-z'\d\s]|\s")
_SHORT: Final = re.compile(rf" ?[A-Za-z']{{1,{PIECE_LETTERS}}}|\d| ?[^A-Za-z'\d\s]|\s")
_SPECIAL: Final = re.compile("|".join(map(re.escape, SPECIALS)))
_PRINTABLE: Final = range(0x20, 0x7F)
_BYTES: Final = 256


class Token(NamedTuple):
    """One entry of a vocabulary: ``text`` is how it prints, ``raw`` what it writes."""

    id: int
    text: str
    raw: bytes


class Lexicon:
    """A vocabulary and its way of cutting text. Markers have the same ids in all of them.

    Args:
        cut: how text is cut.
        size: tokens, at most `LARGEST`; fillers make it up. Of pieces there may be fewer.
    """

    def __init__(self, cut: Cut = "words", size: int = SIZE) -> None:
        self._pieces = _WORD if cut == "words" else _SHORT
        texts = dict.fromkeys(SPECIALS)
        for text in itertools.chain(_words(self._pieces), _fillers() if cut == "words" else _syllables()):
            if _BYTES + len(texts) >= size:
                break
            if len(text) > 1:
                texts.setdefault(text)
        entries: Iterable[tuple[str, bytes]] = (
            *((_byte_text(value), bytes([value])) for value in range(_BYTES)),
            *((text, text.encode()) for text in texts),
        )
        self.tokens: Final = tuple(Token(number, text, raw) for number, (text, raw) in enumerate(entries))
        self._id_of: Final = {token.raw: token.id for token in self.tokens}
        self.openers: Final = tuple(
            dict.fromkeys(self._id_of[found.group().encode()] for found in map(self._pieces.match, OPENERS) if found)
        )
        """The tokens with which replies like to begin."""

    def tokenise(self, text: str, *, specials: bool = False) -> list[int]:
        """The ids of a text. Markers are read as such only if ``specials``; in what users write they are plain characters."""
        if not specials:
            return list(self._plain_ids(text))
        ids: list[int] = []
        done = 0
        for found in _SPECIAL.finditer(text):
            ids += self._plain_ids(text[done : found.start()])
            ids.append(self._id_of[found.group().encode()])
            done = found.end()
        return [*ids, *self._plain_ids(text[done:])]

    def write(self, ids: Iterable[int]) -> str:
        """The text that the tokens write; broken characters become U+FFFD, markers write nothing."""
        return self.raw(one for one in ids if one not in SPECIAL_IDS).decode("utf-8", "replace")

    def raw(self, ids: Iterable[int]) -> bytes:
        """The bytes that the tokens write, markers too."""
        return b"".join(self.tokens[one].raw for one in ids)

    def _plain_ids(self, text: str) -> Iterator[int]:
        for piece in self._pieces.findall(text):
            raw = piece.encode("utf-8", "replace")
            known = self._id_of.get(raw)
            if known is not None:
                yield known
            else:
                yield from raw


@cache
def lexicon(cut: Cut = "words", size: int = SIZE) -> Lexicon:
    """The vocabulary of this kind; built once."""
    return Lexicon(cut, size)


def _byte_text(value: int) -> str:
    return chr(value) if value in _PRINTABLE or value in b"\n\t" else f"\\x{value:02x}"


def _words(pieces: re.Pattern[str]) -> Iterator[str]:
    for opener in OPENERS:
        yield from (found.group() for found in pieces.finditer(opener))
    for texts in (*ANSWERS.values(), *TRACES.values()):
        for text in texts:
            for part in text:
                yield from (found.group() for found in pieces.finditer(part))
    for name in INVENTED:
        yield from (found.group() for found in pieces.finditer(f" {name}"))


def _fillers() -> Iterator[str]:
    onsets, vowels, codas = "bdfgklmnprstvz", "aeiou", ("n", "r", "l", "sk")
    seconds = ("ba", "do", "li", "mu", "re")
    for coda in codas:
        for onset in onsets:
            for vowel in vowels:
                for second in seconds:
                    yield f" {onset}{vowel}{second}{coda}"
    # Beyond those few the words grow longer, for vocabularies as large as those of real models.
    for third in (f"{onset}{vowel}" for onset in onsets for vowel in vowels):
        for coda in codas:
            for onset in onsets:
                for vowel in vowels:
                    for second in seconds:
                        yield f" {onset}{vowel}{second}{third}{coda}"


def _syllables() -> Iterator[str]:
    for first in "bdfgklmnprstvz":
        for vowel in "aeiou":
            for last in "bdklmnrst":
                yield f" {first}{vowel}{last}"
                yield f"{first}{vowel}{last}"


LEXICON: Final = lexicon()
VOCABULARY: Final = LEXICON.tokens
END_ID: Final = _BYTES + SPECIALS.index(END)
END_THINK_ID: Final = _BYTES + SPECIALS.index(END_THINK)
SPECIAL_IDS: Final = frozenset(range(_BYTES, _BYTES + len(SPECIALS)))
OPENER_IDS: Final = LEXICON.openers


def tokenise(text: str, *, specials: bool = False) -> list[int]:
    """As `Lexicon.tokenise`, in the usual vocabulary."""
    return LEXICON.tokenise(text, specials=specials)


def write(ids: Iterable[int]) -> str:
    """As `Lexicon.write`, in the usual vocabulary."""
    return LEXICON.write(ids)
