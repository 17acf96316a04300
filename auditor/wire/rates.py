"""Limits per minute: how long the next request has to wait so that no more than the allowed amount is started."""

from __future__ import annotations


class Rate:
    """A steady rate of ``per_minute`` units, of which ``burst`` may come at once. Pure; times in monotonic seconds.

    The generic cell rate algorithm (ITU-T I.371, annex A): the theoretical arrival time moves by each unit's share of a
    minute, and a start is due as soon as that time is no more than the burst's share ahead.
    """

    def __init__(self, per_minute: float, *, burst: float = 1.0) -> None:
        if not per_minute > 0:
            raise ValueError("a rate must be positive")
        self._seconds_each = 60.0 / per_minute
        self._slack = max(burst - 1.0, 0.0) * self._seconds_each
        self._arrival = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next unit may start; 0 if it may now."""
        return max(0.0, self._arrival - self._slack - now)

    def take(self, units: float, now: float) -> None:
        """Count ``units`` as started now; a negative number gives back what was counted too much."""
        since = max(self._arrival, now) if units > 0 else self._arrival
        self._arrival = since + units * self._seconds_each
