"""What servers say in headers about waiting and about quotas. Pure; all durations in seconds, header names in lower case."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

QuotaKind = Literal["requests", "tokens"]

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class _Names(msgspec.Struct, frozen=True):
    kind: QuotaKind
    limit: str
    remaining: str
    reset: str


def _openai(kind: QuotaKind) -> _Names:
    return _Names(kind, f"x-ratelimit-limit-{kind}", f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}")


def _anthropic(kind: QuotaKind, name: str) -> _Names:
    stem = f"anthropic-ratelimit-{name}"
    return _Names(kind, f"{stem}-limit", f"{stem}-remaining", f"{stem}-reset")


_NAMES: Final = (
    _openai("requests"),
    _openai("tokens"),
    _anthropic("requests", "requests"),
    _anthropic("tokens", "tokens"),
    _anthropic("tokens", "input-tokens"),
    _anthropic("tokens", "output-tokens"),
)


class Quota(msgspec.Struct, frozen=True):
    """A quota that refills steadily: ``remaining`` of ``limit``, full again in ``reset_s`` (None: not said)."""

    kind: QuotaKind
    limit: float
    remaining: float
    reset_s: float | None

    @property
    def share(self) -> float:
        """How much of it is left, 0 to 1."""
        return self.remaining / self.limit

    @property
    def refill(self) -> float | None:
        """Units per second that come back; None if that is not known."""
        used = self.limit - self.remaining
        return used / self.reset_s if self.reset_s and used > 0 else None


def quotas(headers: Mapping[str, str], wall: float) -> list[Quota]:
    """Read the quotas of OpenAI and those who copied it, and of Anthropic; ``wall`` is Unix time.

    Limits of 0 or -1, which Azure sends for "does not apply", are no quotas.
    """
    if not any("ratelimit" in name for name in headers):
        return []
    found = []
    for names in _NAMES:
        limit, remaining = _number(headers.get(names.limit)), _number(headers.get(names.remaining))
        if limit is None or remaining is None or limit <= 0 or not 0 <= remaining <= limit:
            continue
        reset = reset_seconds(headers.get(names.reset, ""), headers, wall)
        found.append(Quota(names.kind, limit, remaining, reset if reset is None or reset > 0 else None))
    return found


def quota_reset(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds until the quotas that are used up are renewed (OpenAI's durations, Anthropic's RFC 3339 times)."""
    waits = [
        reset_seconds(headers.get(names.reset, ""), headers, wall)
        for names in _NAMES
        if headers.get(names.remaining) == "0"
    ]
    return max((wait for wait in waits if wait is not None and wait > 0), default=None)


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Read the wait from retry-after-ms or retry-after (seconds or HTTP date); None if there is none to obey."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if not math.isnan(seconds):
            return seconds if seconds > 0 else None
    until = _http_date(headers.get("retry-after", ""))
    if until is None:
        return None
    seconds = until - server_time(headers, wall)
    return seconds if seconds > 0 else None


def server_time(headers: Mapping[str, str], wall: float) -> float:
    """The server's own Unix time, by its ``date``, else ``wall``: a laptop's clock may be hours off, or jump."""
    told = _http_date(headers.get("date", ""))
    return wall if told is None else told


def reset_seconds(value: str, headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds until a reset written as a duration ("6m0s") or an RFC 3339 time; None for anything else."""
    parts = _DURATION.findall(value)
    if parts and "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return datetime.fromisoformat(value).timestamp() - server_time(headers, wall)
    except (ValueError, OverflowError):
        return None


def _http_date(value: str) -> float | None:
    if not value:
        return None
    try:
        return email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
