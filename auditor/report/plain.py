"""Making model text harmless before it reaches a terminal: once, here, for every command that prints."""

from __future__ import annotations

from typing import Final

_TABLE: Final[dict[int, int]] = {
    **{code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    # Bidirectional controls can make a line read as its opposite; line separators can forge one.
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C), 0x25C6),
    **dict.fromkeys((0x2028, 0x2029), 0x25C6),
}


def harmless(text: str) -> str:
    """The text with control characters shown as pictures, so that it can't steer a terminal. Keeps newlines and tabs."""
    return text.translate(_TABLE)


def one_line(text: str, width: int) -> str:
    """Harmless text on one line of at most ``width`` characters."""
    flat = " ".join(harmless(text).split())
    return flat if len(flat) <= width else flat[: max(width - 1, 0)] + "…"
