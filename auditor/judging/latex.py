"""Whether a reply's final expression is the expected one, up to notation; no algebra is done."""

from __future__ import annotations

import re

from auditor.judging.numbers import final_number, same_number
from auditor.judging.rules.text import after_thinking, clipped

_BOXED = re.compile(
    r"\\(?:boxed|fbox)\s*\{(?P<rest>(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,100}\}){0,100}\}){0,100}\}){0,400})\}"
)
_NAMED = re.compile(r"(?:####|\b[Aa]nswer\s*(?:is|:)+)\s*(?P<rest>[^\n]{1,300})")
_DROP = (
    r"\left",
    r"\right",
    r"\!",
    r"\,",
    r"\;",
    r"\:",
    r"\ ",
    "$",
    "~",
    r"\displaystyle",
    r"\mathrm",
    r"\text",
    r"\mbox",
    r"^\circ",
    r"^{\circ}",
    r"\degree",
    r"\%",
    "%",
)


def final_expression(text: str) -> str | None:
    """The last boxed expression, else what follows the last "answer is" or "####", else a last line
    with a digit or a LaTeX command, as written."""
    body = clipped(after_thinking(text))
    for pattern in (_BOXED, _NAMED):
        found = list(pattern.finditer(body))
        if found:
            return found[-1]["rest"]
    lines = [line for line in body.splitlines() if line.strip()]
    return lines[-1] if lines and len(lines[-1]) <= 120 and re.search(r"\d|\\", lines[-1]) else None


def same_expression(text: str, latex: str) -> bool | None:
    """Whether the final expression of ``text`` is ``latex``; None if the reply ends with none.

    Compared as strings after spacing, delimiters, units in text, degree and percent signs and the kind of fraction are
    dropped, and as numbers where both are plain numbers. An equal expression in another form counts as different.
    """
    found = final_expression(text)
    if found is None:
        return None
    if "=" in found and "=" not in latex:
        # "x = a = b" ends with what it is equal to.
        found = found.rsplit("=", 1)[1]
    if _normal(found) == _normal(latex):
        return True
    wanted, number = final_number(latex), final_number(found)
    plain = re.fullmatch(r"\W*[\d.,/\s-]+\W*|\W*\\[dt]?frac\{-?\d+\}\{-?\d+\}\W*", latex.strip())
    return bool(plain and wanted is not None and number is not None and same_number(number, float(wanted)))


def _normal(latex: str) -> str:
    text = re.sub(r"\\[dtc]frac", r"\\frac", latex)
    for piece in _DROP:
        text = text.replace(piece, "")
    text = re.sub(r"\s+", "", text).strip(".*").rstrip(".")
    text = re.sub(r"\\\(|\\\)|\\\[|\\\]", "", text)
    text = re.sub(r"\\frac(\w)(\w)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\sqrt(\w)", r"\\sqrt{\1}", text)
    return re.sub(r"^[a-zA-Z](?:\\in|=)", "", text)
