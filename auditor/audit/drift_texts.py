"""What measuring drift does text by text: a few prompts at a time, each text only if the budget lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from auditor import defaults
from auditor.audit.budget import Purse
from auditor.audit.drift_choice import Wanted
from auditor.audit.drift_cost import REPLIES
from auditor.audit.groups import most_telling
from auditor.drift.protocol_gather import Question, Reasoning, Settings
from auditor.errors import RequestRejected

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """What is asked for.

    Attributes:
        protocol: "auto" takes the strongest that both endpoints permit.
        gather: how texts are gathered (protocols F, S, P).
        reasoning: the audits to make; the first is the headline. None: as served, and the three audits that keep a trace
            apart if an endpoint was seen to reason.
        replies: replies per prompt and side with protocol T.
        concurrency: prompts at a time.
    """

    protocol: Wanted = "auto"
    gather: Settings = field(default_factory=Settings)
    reasoning: tuple[Reasoning, ...] | None = None
    replies: int = REPLIES
    concurrency: int = defaults.CONCURRENCY


async def paid(purse: Purse, worst: tuple[int, int], text: Callable[[], Awaitable[T | str]]) -> T | str:
    """A text, if the budget permits it. A prompt that one server refuses (too long, say) is left out and counted."""
    if not await purse.reserve(*worst):
        return "the budget was reached"
    try:
        return await text()
    except RequestRejected:
        return "a server rejects it"
    finally:
        purse.settle(*worst)


def worst_of(question: Question, calls: int, max_tokens: int) -> tuple[int, int]:
    """The most calls and tokens of so many questions: each sees the prompt and may say ``max_tokens``."""
    return calls, calls * (sum(len(message.content) for message in question.messages) + max_tokens)


async def each(questions: Sequence[Question], ask: Callable[[Question], Awaitable[T]], concurrency: int) -> list[T]:
    """Ask about every prompt, a few at a time, answers in order."""
    gate = asyncio.Semaphore(concurrency)

    async def one(question: Question) -> T:
        async with gate:
            return await ask(question)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(question)) for question in questions]
    except BaseExceptionGroup as several:
        raise most_telling(several) from several
    return [task.result() for task in tasks]
