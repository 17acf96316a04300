"""A hard budget that can't be overrun: the worst case is reserved before a pair starts and settled after it."""

from __future__ import annotations


class Budget:
    """Calls and tokens of one run, replays included, so that a continued run stops where an undisturbed one would."""

    def __init__(self, *, max_calls: int | None, max_tokens: int | None) -> None:
        self.max_calls = max_calls
        self.max_tokens = max_tokens
        self.calls = 0
        self.tokens = 0
        self._reserved_calls = 0
        self._reserved_tokens = 0

    def reserve(self, calls: int, tokens: int) -> bool:
        """Set the worst case of one pair aside; False if it may not fit any more."""
        if self.max_calls is not None and self.calls + self._reserved_calls + calls > self.max_calls:
            return False
        if self.max_tokens is not None and self.tokens + self._reserved_tokens + tokens > self.max_tokens:
            return False
        self._reserved_calls += calls
        self._reserved_tokens += tokens
        return True

    def release(self, calls: int, tokens: int) -> None:
        """Give a pair's reservation back, after what it really used has been counted."""
        self._reserved_calls -= calls
        self._reserved_tokens -= tokens

    def count(self, calls: int, tokens: int) -> None:
        """Add what a reply really used."""
        self.calls += calls
        self.tokens += tokens
