"""Text made comparable for rules: one spelling of quotes and contractions, no markup, cut into sentences."""

from __future__ import annotations

import re

import msgspec

from auditor.judging.blind import inert

MAX_CHARS = 60_000
"""Rules read at most this much of a text from its beginning and as much from its end."""

_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\u00b4": "'",
        "`": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00a0": " ",
        "\u2011": "-",
    }
)
_CONTRACTIONS = (
    (re.compile(r"\bcan't\b|\bcannot\b|\bcant\b"), "can not"),
    (re.compile(r"\bwon't\b|\bwont\b"), "will not"),
    (re.compile(r"\bshan't\b"), "shall not"),
    (re.compile(r"\bain't\b"), "is not"),
    (re.compile(r"\b(is|are|was|were|do|does|did|has|have|had|would|could|should|must|need)n'?t\b"), r"\1 not"),
    (re.compile(r"\bi'm\b|\bim\b"), "i am"),
    (re.compile(r"\b(\w+)'re\b"), r"\1 are"),
    (re.compile(r"\b(\w+)'ve\b"), r"\1 have"),
    (re.compile(r"\b(\w+)'ll\b"), r"\1 will"),
    (re.compile(r"\b(i|you|we|they|he|she)'d\b"), r"\1 would"),
    (re.compile(r"\b(it|that|this|he|she|there|here|what|who)'s\b"), r"\1 is"),
    (re.compile(r"\blet's\b"), "let us"),
)
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_MARKUP = re.compile(
    r"\*{1,3}|_{2,3}|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)|^[ \t]{0,3}#{1,6}[ \t]+|^[ \t]{0,3}>[ \t]?", re.MULTILINE
)
_ITEM = re.compile(r"^\s*(?:[-•·+*]|\(?\d{1,2}[.)]|[a-z][.)])\s+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"')\]]))\s+(?=[\"'(\[]?\w)")


class Sentence(msgspec.Struct, frozen=True):
    """A sentence as written (``text``), as rules read it (``plain``), and where it stands."""

    text: str
    plain: str
    item: bool
    """Whether it is part of a list item."""

    @property
    def words(self) -> int:
        """Number of words."""
        return len(self.plain.split())


def clipped(text: str) -> str:
    """``text`` itself, or its beginning and end when it is too long to be read whole."""
    return text if len(text) <= 2 * MAX_CHARS else f"{text[:MAX_CHARS]}\n{text[-MAX_CHARS:]}"


def without_markup(text: str) -> str:
    """``text`` without emphasis, headings and quote marks of Markdown, with straight quotes; case is kept."""
    return _MARKUP.sub("", inert(clipped(text)).translate(_QUOTES))


def plain(text: str) -> str:
    """Lower case, no markup, contractions written out, one space between words."""
    text = without_markup(text).lower()
    for pattern, instead in _CONTRACTIONS:
        text = pattern.sub(instead, text)
    return " ".join(text.split())


def without_code(text: str) -> tuple[str, int]:
    """``text`` without fenced code blocks, and how many words were in them."""
    words = sum(len(match[0].split()) for match in _CODE_BLOCK.finditer(text))
    return _CODE_BLOCK.sub("\n", text), words


def sentences(text: str) -> list[Sentence]:
    """The sentences of ``text`` in order; a line break ends a sentence, a list marker is dropped."""
    found: list[Sentence] = []
    for line in without_markup(text).splitlines():
        item = _ITEM.match(line)
        body = line[item.end() :] if item else line
        for piece in _SENTENCE_END.split(body):
            simple = plain(piece)
            if simple:
                found.append(Sentence(piece.strip(), simple, item is not None))
    return found


def after_thinking(text: str) -> str:
    """What follows the last closing think marker, if a trace was left in the text; else the text itself."""
    parts = re.split(r"</\s*(?:think|thinking|thought|reasoning)\s*>", text, flags=re.IGNORECASE)
    return parts[-1] if parts[-1].strip() else text


def content_words(text: str) -> set[str]:
    """The words of ``text`` that carry meaning, cut to a crude stem so that inflections meet."""
    return {_stem(word) for word in re.findall(r"[a-z][a-z'-]{2,}", plain(text)) if word not in _STOP}


def _stem(word: str) -> str:
    for ending in ("ingly", "edly", "ing", "ies", "ied", "ers", "ed", "es", "er", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_STOP = frozenset(
    [
        "the",
        "and",
        "for",
        "are",
        "was",
        "were",
        "you",
        "your",
        "yours",
        "with",
        "that",
        "this",
        "these",
        "those",
        "from",
        "have",
        "has",
        "had",
        "how",
        "what",
        "when",
        "where",
        "why",
        "who",
        "which",
        "can",
        "could",
        "would",
        "should",
        "will",
        "shall",
        "may",
        "might",
        "must",
        "not",
        "but",
        "about",
        "into",
        "onto",
        "over",
        "under",
        "than",
        "then",
        "them",
        "they",
        "their",
        "there",
        "here",
        "its",
        "his",
        "her",
        "him",
        "she",
        "does",
        "did",
        "doing",
        "done",
        "being",
        "been",
        "also",
        "any",
        "some",
        "such",
        "just",
        "only",
        "more",
        "most",
        "very",
        "much",
        "many",
        "one",
        "two",
        "all",
        "get",
        "give",
        "make",
        "tell",
        "let",
        "out",
        "our",
        "ours",
        "own",
        "per",
        "via",
        "use",
        "used",
        "using",
        "like",
        "need",
        "want",
        "please",
        "help",
        "best",
        "way",
        "ways",
        "good",
    ]
)
