"""The synthetic vocabulary: 256 bytes, five markers, the words of the replies, and made-up filler words.

Any text can be written in it. Every token has an id and its own bytes; the bytes of a text's tokens, put together, are the
text's UTF-8 (the tokens' *printed* forms are not always: part of a character prints as ``\\xc3``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from auditor.simulator.wording import ANSWERS, INVENTED, OPENERS, TRACES

THINK: Final = "<think>"
END_THINK: Final = "</think>"
END: Final = "<|end|>"
SPECIALS: Final = ("<|system|>", "<|user|>", "<|assistant|>", END, END_THINK)
SIZE: Final = 1536

_PIECE: Final = re.compile(r" ?[A-Za-z']+|\d| ?[^A-Za-z'\d\s]|\s")
_SPECIAL: Final = re.compile("|".join(map(re.escape, SPECIALS)))
_PRINTABLE: Final = range(0x20, 0x7F)


class Token(NamedTuple):
    """One entry of the vocabulary: ``text`` is how it prints, ``raw`` what it writes."""

    id: int
    text: str
    raw: bytes


def _byte_text(value: int) -> str:
    return chr(value) if value in _PRINTABLE or value in b"\n\t" else f"\\x{value:02x}"


def _words() -> Iterator[str]:
    yield from OPENERS
    for texts in (*ANSWERS.values(), *TRACES.values()):
        for text in texts:
            for part in text:
                yield from (found.group() for found in _PIECE.finditer(part))
    yield from (f" {name}" for name in INVENTED)


def _fillers() -> Iterator[str]:
    onsets, vowels, codas = "bdfgklmnprstvz", "aeiou", ("n", "r", "l", "sk")
    for coda in codas:
        for onset in onsets:
            for vowel in vowels:
                for second in ("ba", "do", "li", "mu", "re"):
                    yield f" {onset}{vowel}{second}{coda}"


def _build() -> tuple[Token, ...]:
    texts = dict.fromkeys(SPECIALS)
    for text in (*_words(), *_fillers()):
        if len(text) > 1 and 256 + len(texts) < SIZE:
            texts.setdefault(text)
    entries: Iterable[tuple[str, bytes]] = (
        *((_byte_text(value), bytes([value])) for value in range(256)),
        *((text, text.encode()) for text in texts),
    )
    return tuple(Token(number, text, raw) for number, (text, raw) in enumerate(entries))


VOCABULARY: Final = _build()
_ID_OF: Final = {token.raw: token.id for token in VOCABULARY}
END_ID: Final = _ID_OF[END.encode()]
END_THINK_ID: Final = _ID_OF[END_THINK.encode()]
SPECIAL_IDS: Final = frozenset(_ID_OF[text.encode()] for text in SPECIALS)
OPENER_IDS: Final = tuple(_ID_OF[text.encode()] for text in OPENERS)


def _plain_ids(text: str) -> Iterator[int]:
    for piece in _PIECE.findall(text):
        raw = piece.encode("utf-8", "replace")
        known = _ID_OF.get(raw)
        if known is not None:
            yield known
        else:
            yield from raw


def tokenise(text: str, *, specials: bool = False) -> list[int]:
    """The ids of a text. Markers are read as such only if ``specials``; in what users write they are plain characters."""
    if not specials:
        return list(_plain_ids(text))
    ids: list[int] = []
    done = 0
    for found in _SPECIAL.finditer(text):
        ids += _plain_ids(text[done : found.start()])
        ids.append(_ID_OF[found.group().encode()])
        done = found.end()
    return [*ids, *_plain_ids(text[done:])]


def write(ids: Iterable[int]) -> str:
    """The text that the tokens write; broken characters become U+FFFD, markers write nothing."""
    raw = b"".join(VOCABULARY[one].raw for one in ids if one not in SPECIAL_IDS)
    return raw.decode("utf-8", "replace")
