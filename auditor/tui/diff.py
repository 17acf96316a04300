"""Word differences between two answers, capped so that no text can stall the browser."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

from auditor.report.plain import harmless
from auditor.tui.wrap import Span

_WORD: Final = re.compile(r"\w+|[^\w\s]")
EXACT_WORDS: Final = 3_000
"""Up to here every word counts; beyond, frequent words no longer anchor a match (difflib's autojunk)."""
MOST_WORDS: Final = 10_000
"""Beyond this, whole lines are compared."""


def word_diff(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Spans of ``old`` that are not in ``new`` (style "old") and the other way round (style "new").

    Texts of more than :data:`MOST_WORDS` words are compared line by line.
    """
    old, new = harmless(old), harmless(new)
    pattern = _WORD
    words = [[(m.group().lower(), *m.span()) for m in pattern.finditer(text)] for text in (old, new)]
    if max(map(len, words)) > MOST_WORDS:
        words = [_lines(text) for text in (old, new)]
    before, after = words
    matcher = SequenceMatcher(
        None, [w for w, _, _ in before], [w for w, _, _ in after], autojunk=max(map(len, words)) > EXACT_WORDS
    )
    gone, come = [], []
    for what, a, b, c, d in matcher.get_opcodes():
        if what != "equal":
            if b > a:
                gone.append(Span(before[a][1], before[b - 1][2], "old"))
            if d > c:
                come.append(Span(after[c][1], after[d - 1][2], "new"))
    return tuple(gone), tuple(come)


def _lines(text: str) -> list[tuple[str, int, int]]:
    found, at = [], 0
    for line in text.split("\n"):
        if line.strip():
            found.append((line.strip(), at, at + len(line)))
        at += len(line) + 1
    return found[:MOST_WORDS]
