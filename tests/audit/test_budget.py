"""A hard budget: never overrun, and what it lets in does not hang on which answers come first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from auditor.audit.budget import Budget


@dataclass(frozen=True)
class Pair:
    worst_calls: int
    worst_tokens: int
    share: float
    """Of the worst case, what it really uses."""
    takes: int
    """Turns of the event loop until its answers are there."""

    @property
    def really(self) -> tuple[int, int]:
        return int(self.worst_calls * self.share), int(self.worst_tokens * self.share)


PAIRS = st.lists(
    st.builds(Pair, st.integers(1, 9), st.integers(0, 900), st.floats(0, 1), st.integers(0, 6)), max_size=30
)


async def let_in(pairs: list[Pair], budget: Budget, at_once: int) -> list[int]:
    """Which pairs are asked, up to the first for which there is no room."""
    asked: list[int] = []
    full = False
    queue = iter(range(len(pairs)))

    async def worker() -> None:
        nonlocal full
        for number in queue:
            pair = pairs[number]
            fits = await budget.reserve(pair.worst_calls, pair.worst_tokens)
            if not fits or full:
                full = True
                if fits:
                    budget.release(pair.worst_calls, pair.worst_tokens)
                return
            asked.append(number)
            for _ in range(pair.takes):
                await asyncio.sleep(0)
            budget.count(*pair.really)
            budget.release(pair.worst_calls, pair.worst_tokens)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return sorted(asked)


@given(PAIRS, st.integers(1, 8), st.integers(1, 60), st.integers(1, 3000))
def test_a_budget_is_never_overrun_and_lets_in_the_same_pairs_however_many_are_at_work(
    pairs: list[Pair], at_once: int, max_calls: int, max_tokens: int
) -> None:
    budget = Budget(max_calls=max_calls, max_tokens=max_tokens)
    asked = asyncio.run(let_in(pairs, budget, at_once))
    assert budget.calls <= max_calls
    assert budget.tokens <= max_tokens
    assert asked == asyncio.run(let_in(pairs, Budget(max_calls=max_calls, max_tokens=max_tokens), 1))


async def test_who_does_not_fit_waits_for_the_room_that_pairs_at_work_leave() -> None:
    budget = Budget(max_calls=5, max_tokens=None)
    assert await budget.reserve(3, 100)
    second = asyncio.create_task(budget.reserve(3, 100))
    await asyncio.sleep(0)
    assert not second.done()
    budget.count(1, 10)
    budget.release(3, 100)
    assert await second
    budget.count(3, 10)
    budget.release(3, 100)
    assert not await budget.reserve(3, 100)
