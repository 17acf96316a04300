"""How far our own program runs behind, so that a server is not taken for slow when it is we who are."""

from __future__ import annotations

import asyncio
from typing import Final


class Lateness:
    """By how many seconds the event loop runs behind: how late a timer runs, smoothed.

    That tells both a program that is busy and one that others keep from running. A timer waits only between
    :meth:`start` and :meth:`stop`.
    """

    EVERY_S: Final = 0.05
    NEWEST: Final = 0.3
    """Weight of the newest timer."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to measure, if it has not begun."""
        if self._timer is None:
            self._wait(loop)

    def stop(self) -> None:
        """Measure no more; what was measured stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_at(due := loop.time() + self.EVERY_S, self._ring, loop, due)

    def _ring(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.seconds += self.NEWEST * (max(0.0, loop.time() - due) - self.seconds)
        self._wait(loop)
