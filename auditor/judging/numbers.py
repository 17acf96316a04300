"""The number a reply settles on, exactly, or None when that is not certain."""

from __future__ import annotations

import re
from fractions import Fraction

from auditor.judging.rules.text import after_thinking, sentences, without_markup

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = {
    word: 10 * (index + 2)
    for index, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
}
_WORD = rf"(?:(?:{'|'.join(_TENS)})(?:[-\s](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(sorted(_ONES, key=len, reverse=True))}|(?:one|a)\shundred)"
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:[\u202f\u2009 ]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.)])[-−–]\s?)?(?:[$€£]\s?)?(?:(?P<whole>\d+)\s+(?P<mnum>\d+)/(?P<mden>\d+)|\\[dt]?frac\{{(?P<fnum>-?\d+)\}}\{{(?P<fden>\d+)\}}|(?P<num>\d+)\s?/\s?(?P<den>\d+)(?![/\d])|(?P<plain>{_DIGITS})(?:(?:[eE]|\s?(?:\\times|×|x|\*)\s?10\^)\{{?(?P<exp>[-+−]?\d{{1,3}})\}}?)?)"
)
_NAMED = re.compile(
    r"(?:####|\\boxed\s*\{|\b(?:final |correct |numerical |my ){0,4}(?:answer|result|total|solution|value)\b(?: here| to (?:this|the) (?:question|problem))?\s*(?:is|are|was|equals|comes to|would be|=|:|≈)+)\s*(?P<rest>[^\n]{0,120})",
    re.IGNORECASE,
)
_FINAL = re.compile(r"####|\\boxed|.{0,40}\banswer\b", re.IGNORECASE)
_EQUALS = re.compile(
    r"(?:=|≈|\bequals\b|\bis equal to\b|\bgives?\b|\bmakes?\b|\bcomes to\b)\s*(?P<rest>[^\n=≈]{0,60})", re.IGNORECASE
)
_BOXED = re.compile(r"\\boxed\s*\{(?P<rest>(?:[^{}]|\{[^{}]{0,200}\}){0,400})\}")
_TWO = re.compile(r"^\s*(?:\w+\s)?(?:or|to|and|through|between|[-–—])\s*\$?\d", re.IGNORECASE)


def final_number(text: str) -> Fraction | None:
    """The reply's final numeric answer as an exact fraction, or None when there is none or it is not certain.

    Order of trust: the last ``\\boxed{}``, the last ``####`` or "answer is", the last line's last "=", then the only
    number in the last sentence that has one. Units, currency signs and thousands separators are dropped; a percentage
    counts as its number (50 % is 50); fractions, mixed numbers and small number words are read.
    """
    body = (
        without_markup(after_thinking(text))
        .replace("{,}", ",")
        .replace("\\,", "")
        .replace("\\!", "")
        .replace("\\$", "$")
        .replace("\\%", "%")
    )
    boxed = list(_BOXED.finditer(body))
    if boxed:
        return _only(boxed[-1]["rest"], first=False)
    named = [match for match in _NAMED.finditer(body) if _first(match["rest"]) is not None]
    # "Total: 36" may be a step of the way when other numbers follow; what is called the answer is not.
    if named and (_FINAL.match(named[-1][0]) or not _all(body[named[-1].end() :])):
        return _first_certain(named[-1]["rest"])
    parts = [part for part in sentences(body) if _first(part.text) is not None]
    if not parts:
        return None
    last = parts[-1].text
    equals = [match for match in _EQUALS.finditer(last) if _first(match["rest"]) is not None]
    if equals:
        return _first_certain(equals[-1]["rest"])
    return _only(last)


def same_number(found: Fraction, wanted: float) -> bool:
    """Whether two numbers agree: exactly for whole numbers, within one part in 10,000 otherwise (rounded decimals)."""
    target = Fraction(str(wanted))
    if found == target:
        return True
    return target.denominator != 1 and abs(found - target) <= abs(target) / 10_000


def _value(match: re.Match[str]) -> Fraction | None:
    try:
        if match["whole"]:
            value = int(match["whole"]) + Fraction(int(match["mnum"]), int(match["mden"]))
        elif match["fnum"]:
            value = Fraction(int(match["fnum"]), int(match["fden"]))
        elif match["num"]:
            value = Fraction(int(match["num"]), int(match["den"]))
        else:
            value = Fraction(re.sub(r"[,\s\u202f\u2009]", "", match["plain"]))
            if match["exp"]:
                value *= Fraction(10) ** int(match["exp"].replace("−", "-"))
    except (ValueError, ZeroDivisionError):
        return None
    return -value if match["sign"] else value


def _all(text: str) -> list[tuple[int, int, Fraction]]:
    found = []
    for match in _NUMBER.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if before.isalpha() or before == "_" or text[match.end() : match.end() + 1] == "_" or len(match[0]) > 60:
            continue
        value = _value(match)
        if value is not None:
            found.append((match.start(), match.end(), value))
    for word in re.finditer(rf"\b(?:(minus|negative)\s+)?({_WORD})\b", text, re.IGNORECASE):
        small = Fraction(_worded(word[2].lower()))
        found.append((word.start(), word.end(), -small if word[1] else small))
    return sorted(found)


def _worded(word: str) -> int:
    if word.endswith("hundred"):
        return 100
    total = 0
    for piece in re.split(r"[-\s]", word):
        total += _TENS[piece] if piece in _TENS else _ONES.index(piece)
    return total


def _first(text: str) -> Fraction | None:
    found = _all(text)
    return found[0][2] if found else None


def _first_certain(text: str) -> Fraction | None:
    found = _all(text)
    if not found:
        return None
    _, end, value = found[0]
    # "3 × 14 = 42" after "answer is": the right-hand side is the answer, not the first factor.
    if "=" in text and len(found) > 1:
        return _first_certain(text.rsplit("=", 1)[1])
    return None if _TWO.match(text[end:]) else value


def _only(text: str, *, first: bool = True) -> Fraction | None:
    values = {value for _, _, value in _all(text)}
    if len(values) == 1:
        return values.pop()
    if not first and "=" in text:
        return _only(text.rsplit("=", 1)[1])
    return None
