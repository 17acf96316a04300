"""The numbers that bound what a wire may do."""

from __future__ import annotations

import msgspec

from auditor import defaults


class WireLimits(msgspec.Struct, frozen=True):
    """Bounds of one endpoint's wire; durations in seconds.

    ``concurrency`` requests may be in flight. ``deadline_s`` is the wall-clock limit of one attempt, ``read_timeout_s``
    the longest silence inside it. ``max_attempts`` counts the first try too.
    """

    concurrency: int = defaults.CONCURRENCY
    connect_timeout_s: float = defaults.CONNECT_TIMEOUT_S
    read_timeout_s: float = defaults.READ_TIMEOUT_S
    deadline_s: float = defaults.DEADLINE_S
    max_attempts: int = defaults.MAX_ATTEMPTS
    refused_attempts: int = defaults.REFUSED_ATTEMPTS
    timeout_attempts: int = defaults.TIMEOUT_ATTEMPTS
    backoff_first_s: float = defaults.BACKOFF_FIRST_S
    backoff_max_s: float = defaults.BACKOFF_MAX_S
    max_retry_after_s: float = defaults.MAX_RETRY_AFTER_S
    max_body_bytes: int = defaults.MAX_BODY_BYTES
