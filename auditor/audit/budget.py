"""A hard budget that can't be overrun: the worst case is reserved before a pair starts and settled after it."""

from __future__ import annotations

import asyncio
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
        self._at_work = 0
        self._line = asyncio.Lock()
        self._settled = asyncio.Event()

    async def reserve(self, calls: int, tokens: int) -> bool:
        """Set the worst case of one pair aside; False if it does not fit.

        Who doesn't fit waits for the pairs at work, which use less than their worst case, and everyone waits in line. So what
        is let in is what would be if one pair were asked after the other, whichever answers come first.
        """
        async with self._line:
            while not self._fits(calls, tokens):
                if not self._at_work:
                    return False
                self._settled.clear()
                await self._settled.wait()
            self._at_work += 1
            self._reserved_calls += calls
            self._reserved_tokens += tokens
            return True

    def _fits(self, calls: int, tokens: int) -> bool:
        if self.max_calls is not None and self.calls + self._reserved_calls + calls > self.max_calls:
            return False
        return self.max_tokens is None or self.tokens + self._reserved_tokens + tokens <= self.max_tokens

    def release(self, calls: int, tokens: int) -> None:
        """Give a pair's reservation back, after what it really used has been counted."""
        self._at_work -= 1
        self._reserved_calls -= calls
        self._reserved_tokens -= tokens
        self._settled.set()

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

    async def reserve(self, calls: int, tokens: int) -> bool:
        """Set the worst case of one text aside; False, and counted as refused, if it does not fit, or one before it did not."""
        if self._budget is None:
            return True
        fits = await self._budget.reserve(calls, tokens)
        if fits and not self.refused:
            return True
        if fits:
            self._budget.release(calls, tokens)
        self.refused += 1
        return False

    def settle(self, calls: int, tokens: int) -> None:
        """Give a text's reservation back and count what was really spent since the last time."""
        if self._budget is None:
            return
        now = self._spent()
        self._budget.count(now[0] - self._counted[0], now[1] - self._counted[1])
        self._counted = now
        self._budget.release(calls, tokens)
