"""What may leave the process: allow-listed headers, bodies without known secrets, text without keys or escapes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

MASK: Final = "[redacted]"

MIN_SECRET: Final = 8
"""Shorter values ("EMPTY", "none") are placeholders and ordinary words: masking them would alter what models said."""

MIN_LEARNED: Final = 16
"""A key seen in a request's own headers is masked too when it is long enough not to be a placeholder like "not-needed"."""

_HEADERS: Final = frozenset(
    {
        "content-type",
        "location",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "server",
        "x-request-id",
        "x-should-retry",
    },
)
_HEADER_PREFIXES: Final = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit")
_AUTH_HEADERS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization")

# Keys nobody told us about: only for text meant for people. Bodies are never searched for patterns, because prompts and
# answers may be about keys (the privacy dimension is) and must stay as they are.
_KEY_PATTERN: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|r8|pplx|fw|tgp)[-_][A-Za-z0-9_*.-]{8,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}",
)

_LOG = logging.getLogger(__name__)


class Redactor:
    """Knows the secrets of one endpoint and takes them out of everything that is kept or shown.

    Values are also found in the forms they take inside JSON and in a URL. Values shorter than ``MIN_SECRET`` characters
    are ignored, with a warning.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._forms: tuple[bytes, ...] = ()
        for secret in secrets:
            if len(secret) >= MIN_SECRET:
                self._add(secret)
            elif secret:
                _LOG.warning("a key of %d characters is too short to be masked in recordings", len(secret))

    def learn(self, headers: Mapping[str, str]) -> None:
        """Add the key that a request carries in its own headers, whoever put it there."""
        for name in _AUTH_HEADERS:
            value = headers.get(name)
            if value is not None:
                secret = value.rpartition(" ")[2]
                if len(secret) >= MIN_LEARNED and secret not in self._secrets:
                    self._add(secret)

    def body(self, body: bytes) -> bytes:
        """Give ``body`` with every known secret masked."""
        for form in self._forms:
            if form in body:
                body = body.replace(form, MASK.encode())
        return body

    def text(self, text: str) -> str:
        """Give ``text`` with every known secret masked."""
        return self.body(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Give the allow-listed ones of ``headers`` (names in lower case, sorted), secrets masked."""
        kept = {}
        for name, value in headers.items():
            lower = name.lower()
            if lower in _HEADERS or lower.startswith(_HEADER_PREFIXES):
                kept[lower] = self.text(value)
        return dict(sorted(kept.items()))

    def words(self, text: str, limit: int = 200) -> str:
        """Give hostile text fit for an error message: one line, no control characters, no keys, ``limit`` characters."""
        return shorten(_KEY_PATTERN.sub(MASK, one_line(self.text(text))), limit)

    def _add(self, secret: str) -> None:
        self._secrets.add(secret)
        forms = set()
        for value in self._secrets:
            escaped = json.dumps(value)[1:-1]
            forms |= {value, escaped, json.dumps(value, ensure_ascii=False)[1:-1], escaped.replace("/", "\\/")}
            forms |= {quote(value), quote(value, safe="")}
        # Longest first: a secret that is the beginning of another must not leave the other's rest behind.
        self._forms = tuple(sorted((form.encode() for form in forms), key=lambda form: (-len(form), form)))


def one_line(text: str) -> str:
    """Replace everything that is not printable (escapes, line breaks, bidirectional controls) and join runs of spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def shorten(text: str, limit: int) -> str:
    """Cut ``text`` to ``limit`` characters, the last one an ellipsis if something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
