"""Texts that a model may write to steer the reader's terminal, forge a line, or break the program."""

from __future__ import annotations

ATTACKS: dict[str, str] = {
    "title": "A\x1b]0;PWNED\x07B",
    "title, ended by ST": "A\x1b]0;PWNED\x1b\\B",
    "clipboard": "A\x1b]52;c;cHduZWQ=\x07B",
    "clear screen": "A\x1b[2J\x1b[HB",
    "eight-bit control sequence": "A\x9b31mB\x9d0;PWNED\x9c",
    "device report": "A\x1b[6n\x1b[c\x1bP$q\x1b\\B",
    "alternate screen": "A\x1b[?1049lB",
    "link": "A\x1b]8;;http://evil.invalid\x1b\\click\x1b]8;;\x1b\\B",
    "overprinted line": "safe\rFAKED",
    "backspaces": "leak\b\b\b\bsafe",
    "bell and tabs": "A\a\v\f\tB",
    "null": "A\x00B",
    "delete": "A\x7fB",
    "right to left": "A\u202etxet nekots\u202cB\u2067C\u2069",
    "line separators": "A\u2028FORGED\u2029B\u0085C",
    "tags": "A" + "".join(chr(0xE0000 + ord(c)) for c in "hidden") + "B",
    "zero width": "A\u200bB\u2060C\ufeffD\u00adE",
    "lone surrogate": "A\ud800B",
    "tower": "Z" + "\u0301" * 400 + "B",
    "markup that closes": "[/b] x [red]y[/blue] array[0] and [/]",
    "markup that acts": "[@click=app.quit]press me[/] [@click=app.bell()]or me[/]",
    "rich markup": "[bold red]x[/] [link=http://evil.invalid]y[/link]",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "formula": '=HYPERLINK("http://evil.invalid";"x")',
    "formula, hidden": " \t+cmd|' /C calc'!A0",
    "markdown": "```\n# heading\n![x](http://evil.invalid/x.png)\n````\n<details>",
    "wide": "漢字かな" * 40 + "👩‍👩‍👧‍👦" * 10,
    "combining alone": "\u0301\u0301 start",
    "private use": "\ue000\uf8ff\U000f0000",
    "one long line": "x" * 9_000,
    "many lines": "\n" * 500 + "end",
    "only blanks": "   \t  \n  ",
}

FORBIDDEN = frozenset(
    [*(chr(c) for c in range(32) if chr(c) != "\n"), "\x7f", *(chr(c) for c in range(0x80, 0xA0))]
    + [*(chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0x2028, 0x2029))]
    + [*(chr(c) for c in range(0xD800, 0xE000)), "\u200b", "\u2060", "\ufeff", "\u00ad"]
    + [chr(c) for c in range(0xE0000, 0xE0080)]
)
"""What must never reach a terminal as it is."""
