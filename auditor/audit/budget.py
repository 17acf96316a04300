"""A hard budget that can't be overrun: the worst case is reserved before a pair starts and settled after it."""

from __future__ import annotations

from collections.abc import Callable


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


class Purse:
    """A budget that is spent text by text on what counts its requests itself.

    Args:
        budget: None knows no limit.
        spent: calls and tokens so far of what spends.
    """

    def __init__(self, budget: Budget | None, spent: Callable[[], tuple[int, int]]) -> None:
        self._budget = budget
        self._spent = spent
        self._counted = spent()
        self.refused = 0

    def reserve(self, calls: int, tokens: int) -> bool:
        """Set the worst case of one text aside; False, and counted as refused, if it may not fit any more."""
        if self._budget is None:
            return True
        # Once one did not fit none follows: which of the smaller ones would fit is chance.
        if self.refused or not self._budget.reserve(calls, tokens):
            self.refused += 1
            return False
        return True

    def settle(self, calls: int, tokens: int) -> None:
        """Give a text's reservation back and count what was really spent since the last time."""
        if self._budget is None:
            return
        self._budget.release(calls, tokens)
        now = self._spent()
        self._budget.count(now[0] - self._counted[0], now[1] - self._counted[1])
        self._counted = now
