"""Colours and glyphs. A decision is always told by glyph and word, too: never by colour alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

from textual.theme import Theme

DARK: Final = Theme(
    name="auditor-dark",
    dark=True,
    background="#12151c",
    surface="#191d27",
    panel="#232937",
    foreground="#d8dee9",
    primary="#5aa9e6",
    secondary="#9d8cff",
    accent="#6fd3c7",
    success="#8fce7a",
    warning="#e8b75d",
    error="#ff6b7a",
    variables={"footer-key-foreground": "#6fd3c7", "footer-background": "#191d27", "border": "#2f3747"},
)
LIGHT: Final = Theme(
    name="auditor-light",
    dark=False,
    background="#fdfcf9",
    surface="#f3f1ea",
    panel="#e6e2d6",
    foreground="#22262e",
    primary="#1c6ea4",
    secondary="#6a4fc3",
    accent="#0b7a6f",
    success="#2f7d32",
    warning="#8f5b00",
    error="#c0213a",
    variables={"footer-key-foreground": "#0b7a6f", "footer-background": "#f3f1ea", "border": "#d3cdbd"},
)


class Glyphs(NamedTuple):
    """The signs of one terminal: Unicode, or plain ASCII where the encoding knows no more."""

    worse: str
    better: str
    same: str
    unsure: str
    rule: str
    half_rule: str
    track: str
    """What is still to be done of a bar."""
    dot: str
    zero: str
    margin: str
    low_end: str
    high_end: str
    star: str
    override: str
    arrow: str
    folded: str
    unfolded: str
    levels: str
    """Bars of growing height or weight, from nothing to full."""

    def of(self, decision: str) -> str:
        """The sign of a decision."""
        signs = {"REGRESSED": self.worse, "IMPROVED": self.better, "PRESERVED": self.same}
        return signs.get(decision, self.unsure)


UNICODE: Final = Glyphs(
    worse="▼",
    better="▲",
    same="=",
    unsure="?",
    rule="━",
    half_rule="╸",
    track="─",
    dot="●",
    zero="│",
    margin="┊",
    low_end="╺",
    high_end="╸",
    star="★",
    override="≠",
    arrow="→",
    folded="+",
    unfolded="−",
    levels=" ▁▂▃▄▅▆▇█",
)
ASCII: Final = Glyphs(
    worse="v",
    better="^",
    same="=",
    unsure="?",
    rule="=",
    half_rule="-",
    track=".",
    dot="o",
    zero="|",
    margin=":",
    low_end="-",
    high_end="-",
    star="*",
    override="~",
    arrow=">",
    folded="+",
    unfolded="-",
    levels=" .:-=+*%#",
)

DECISION_STYLE: Final = {"REGRESSED": "worse", "IMPROVED": "better", "PRESERVED": "good"}
"""The look of a decision; anything else is ``unsure``."""


def glyphs(environ: Mapping[str, str] = os.environ, encoding: str | None = None) -> Glyphs:
    """The signs this terminal can show. ``AUDITOR_ASCII=1`` asks for plain ones."""
    if encoding is None:
        encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
    plain = environ.get("AUDITOR_ASCII", "") not in ("", "0") or "utf" not in encoding.lower()
    return ASCII if plain else UNICODE
