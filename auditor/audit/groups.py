"""Tasks fail in groups; users get one error."""

from __future__ import annotations

import asyncio

from auditor.errors import AuditorError


def most_telling(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The most telling leaf of an error group: one of ours before a foreign one before a cancellation."""
    leaves: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop(0)
        if isinstance(error, BaseExceptionGroup):
            waiting.extend(error.exceptions)
        else:
            leaves.append(error)
    return min(leaves, key=lambda leaf: (not isinstance(leaf, AuditorError), isinstance(leaf, asyncio.CancelledError)))
