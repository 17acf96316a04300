"""Making model text harmless before it reaches a terminal: once, here, for every command that prints."""

from __future__ import annotations

import re
from typing import Final

_DIAMOND: Final = 0x25C6
_TABLE: Final[dict[int, int]] = {
    **{code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    # Half of a character that only exists in pairs can't be encoded at all: it would end the program.
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
    # Bidirectional controls can make a line read as its opposite; line separators can forge one.
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C), _DIAMOND),
    **dict.fromkeys((0x2028, 0x2029), _DIAMOND),
    # Invisible characters hide text from the reader that a model would read: soft hyphen, zero-width space, joiners of
    # words, byte order mark, interlinear notes, tags. (U+200C and U+200D stay: scripts and emoji need them.)
    **dict.fromkeys((0xAD, 0x180E, 0x200B, *range(0x2060, 0x2066), 0xFEFF, *range(0xFFF9, 0xFFFC)), _DIAMOND),
    **dict.fromkeys(range(0xE0000, 0xE0080), _DIAMOND),
}
_STACKED: Final = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+)"
)
_HEAD: Final = 4


def harmless(text: str) -> str:
    """The text with control characters shown as pictures, so that it can't steer a terminal. Keeps newlines and tabs,
    and its length: positions in the text stay valid.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_TABLE)
    # A tower of combining marks is drawn over the lines above it.
    return text if text.isascii() else _STACKED.sub(lambda tower: tower[1] + "◆" * len(tower[2]), text)


def one_line(text: str, width: int) -> str:
    """Harmless text on one line of at most ``width`` characters."""
    # What is cut off anyway need not be cleaned: a reply of megabytes costs as much as a line.
    flat = " ".join(harmless(text[: _HEAD * width + 1000]).split())
    return flat if len(flat) <= width else flat[: max(width - 1, 0)] + "…"
