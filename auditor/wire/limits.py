"""The numbers that bound what a wire may do."""

from __future__ import annotations

import msgspec

from auditor import defaults


class WireLimits(msgspec.Struct, frozen=True):
    """Bounds of one endpoint's wire; durations in seconds.

    At most ``concurrency`` requests are in flight, ``start`` of them at the beginning (None: few). ``deadline_s`` is the wall-clock
    limit of one attempt (``probe_deadline_s`` for the probe's tiny questions), ``read_timeout_s`` the longest silence
    inside it; None: the deadline alone counts, because a model that thinks is silent. ``max_attempts`` counts the first
    try too; answers "too many requests" have their own count, and all waiting of one request together its own bound.
    ``requests_per_minute`` and ``tokens_per_minute`` (in and out together) are kept to from the first request on.
    """

    concurrency: int = defaults.CONCURRENCY
    start: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    connect_timeout_s: float = defaults.CONNECT_TIMEOUT_S
    read_timeout_s: float | None = None
    deadline_s: float = defaults.DEADLINE_S
    probe_deadline_s: float = defaults.PROBE_DEADLINE_S
    max_attempts: int = defaults.MAX_ATTEMPTS
    rate_limited_attempts: int = defaults.RATE_LIMITED_ATTEMPTS
    refused_attempts: int = defaults.REFUSED_ATTEMPTS
    timeout_attempts: int = defaults.TIMEOUT_ATTEMPTS
    outage_s: float = defaults.OUTAGE_S
    backoff_first_s: float = defaults.BACKOFF_FIRST_S
    backoff_max_s: float = defaults.BACKOFF_MAX_S
    max_retry_after_s: float = defaults.MAX_RETRY_AFTER_S
    max_wait_s: float = defaults.MAX_WAIT_S
    max_body_bytes: int = defaults.MAX_BODY_BYTES

    @property
    def first(self) -> int:
        """Requests in flight at the beginning: a few, or a quarter of many."""
        start = max(defaults.CONCURRENCY_START, self.concurrency // 4) if self.start is None else self.start
        return min(start, self.concurrency)

    def deadline_of(self, purpose: str) -> float:
        """Wall-clock limit in seconds of one attempt at a request of this purpose."""
        return min(self.deadline_s, self.probe_deadline_s) if purpose == "probe" else self.deadline_s


def deadline_for(max_tokens: int, at_least: float = defaults.DEADLINE_S) -> float:
    """The deadline in seconds that lets even a slow server write ``max_tokens``; short ones are left as they are."""
    return max(at_least, max_tokens * defaults.SLOWEST_TOKEN_S) if at_least >= defaults.DEADLINE_S else at_least
