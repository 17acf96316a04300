"""Time that runs fifty times as fast while one waits, and a wall clock that jumps by hours."""

from __future__ import annotations

import asyncio
import random
import time

FASTER = 50.0


class JumpingClock:
    """Waiting takes a fiftieth of the time it seems to; ``time`` jumps back and forth by up to two days at every look."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def time(self) -> float:
        return 1_900_000_000.0 + self._rng.uniform(-172_800, 172_800)

    async def sleep(self, seconds: float) -> None:
        began = self.monotonic()
        await asyncio.sleep(seconds / FASTER)
        # Several may wait at once: time moves on to where the last of them wants it, not by the sum.
        self._ahead += max(0.0, began + seconds - self.monotonic())
