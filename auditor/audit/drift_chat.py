"""Drift where only chat is to be had: bounds from generated logprobs (protocol G), and tests of texts (protocol T)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor import defaults
from auditor.audit.budget import Purse
from auditor.audit.drift_choice import find_targets, not_to_be_had
from auditor.audit.drift_texts import DriftSettings, each, paid, worst_of
from auditor.audit.session import Session
from auditor.drift.protocol_first_token import first_token_ask, measure
from auditor.drift.protocol_gather import Question
from auditor.drift.protocol_generated import CommonPrefix, common_prefix, describe, greedy_ask
from auditor.drift.protocol_report import Bootstrap
from auditor.drift.protocol_targeted import complete
from auditor.drift.protocol_text import compare_texts, text_ask
from auditor.endpoints import Capabilities, Endpoint
from auditor.endpoints.targeting import Targeted
from auditor.errors import NotAnApi, RequestRejected
from auditor.records import SIDES, Ask, Reply, Side, Usage


@dataclass(slots=True)
class Asked:
    """Questions that went through chat, and their tokens as the servers counted them."""

    calls: int = 0
    tokens: int = 0

    @property
    def spent(self) -> tuple[int, int]:
        """Both numbers."""
        return self.calls, self.tokens

    def count(self, usage: Usage) -> None:
        """One more."""
        self.calls += 1
        self.tokens += (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)


async def bounds_from_chat(
    session: Session,
    capabilities: Mapping[Side, Capabilities],
    questions: Sequence[Question],
    settings: DriftSettings,
    how: Bootstrap,
    asked: Asked,
    purse: Purse,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Protocol G: the body and each prompt's bound. Raises RequestRejected if fewer than two prompts can be compared."""
    k = min(settings.gather.top or defaults.TOP_LOGPROBS, *(capabilities[side].top_logprobs_max or 1 for side in SIDES))
    displaces = {side: capabilities[side].top_list not in ("top", "appended") for side in SIDES}
    again = {side: _own_sample(session, side) for side in SIDES}

    targets = await find_targets(session, capabilities)
    endpoints = {side: targets[side].named_by_id if targets else session.endpoints[side] for side in SIDES}

    async def first(question: Question) -> tuple[str, str, str, Reply, Reply]:
        asks = {side: first_token_ask(question.messages, top_logprobs=k, sample=again[side]) for side in SIDES}
        found = await _both(endpoints, asks, asked)
        if targets:

            async def targeted(side: Side, ids: tuple[int, ...]) -> Targeted | None:
                told: Targeted | None = None
                try:
                    targeter = targets[side].targeter
                    told = await targeter.ask(question.messages, ids, purpose="drift", sample=again[side])
                except (NotAnApi, RequestRejected):
                    pass
                asked.count(told.usage if told else Usage())
                return told

            async def ask(ids: Mapping[Side, tuple[int, ...]]) -> dict[Side, Targeted | None]:
                told = await asyncio.gather(*(targeted(side, ids[side]) for side in SIDES))
                return dict(zip(SIDES, told, strict=True))

            found = await complete(found, ask)
        return question.id, question.unit, question.dimension, found["baseline"], found["candidate"]

    async def afforded_one(question: Question) -> tuple[str, str, str, Reply, Reply] | str:
        worst = worst_of(question, 4 if targets else 2, 1)
        return await paid(purse, worst, lambda: first(question))

    got = await each(questions, afforded_one, settings.concurrency)
    rows = [row for row in got if not isinstance(row, str)]
    body, values = measure(rows, k=k, displaces=displaces, seed=how.seed, resamples=how.resamples, level=how.level)
    if body is None:
        raise not_to_be_had("G", "fewer than two prompts have lists that can be compared")
    body["common_prefix"] = None
    if all(capabilities[side].logprobs_at_temperature_zero == "raw" for side in SIDES):

        async def greedy(question: Question) -> CommonPrefix | str:
            tokens = settings.gather.max_tokens
            asks = {
                side: greedy_ask(question.messages, top_logprobs=k, max_tokens=tokens, sample=again[side])
                for side in SIDES
            }
            both = await _both({side: session.endpoints[side] for side in SIDES}, asks, asked)
            return common_prefix(question.id, question.unit, both["baseline"], both["candidate"], k, displaces)

        async def afforded(question: Question) -> CommonPrefix | str:
            worst = worst_of(question, 2, settings.gather.max_tokens)
            return await paid(purse, worst, lambda: greedy(question))

        found = await each(questions, afforded, settings.concurrency)
        body["common_prefix"] = describe([one for one in found if isinstance(one, CommonPrefix)], how)
    return body, values


async def tests_of_texts(
    session: Session, questions: Sequence[Question], settings: DriftSettings, asked: Asked, purse: Purse
) -> dict[str, Any]:
    """Protocol T: the body; ``text`` is None where fewer than two prompts have replies from both."""
    first = {side: settings.replies * _own_sample(session, side) for side in SIDES}

    async def replies(question: Question) -> tuple[list[Reply], list[Reply]]:
        got = [
            await _both(
                {side: session.endpoints[side] for side in SIDES},
                {
                    side: text_ask(
                        question.messages, max_tokens=settings.gather.max_tokens, sample=first[side] + number
                    )
                    for side in SIDES
                },
                asked,
            )
            for number in range(settings.replies)
        ]
        return [one["baseline"] for one in got], [one["candidate"] for one in got]

    async def afforded_one(question: Question) -> tuple[list[Reply], list[Reply]] | str:
        worst = worst_of(question, 2 * settings.replies, settings.gather.max_tokens)
        return await paid(purse, worst, lambda: replies(question))

    got = await each(questions, afforded_one, settings.concurrency)
    pairs = [pair for pair in got if not isinstance(pair, str)]
    body: dict[str, Any] = {"scope": "text", "forward": None, "reverse": None, "noise_floor": None}
    return body | {"text": compare_texts(pairs, seed=settings.gather.seed)}


async def _both(endpoints: Mapping[Side, Endpoint], asks: Mapping[Side, Ask], asked: Asked) -> dict[Side, Reply]:
    replies = await asyncio.gather(*(endpoints[side].ask(asks[side], purpose="drift") for side in SIDES))
    for reply in replies:
        asked.count(reply.usage)
    return dict(zip(SIDES, replies, strict=True))


def _own_sample(session: Session, side: Side) -> int:
    """An endpoint compared with itself must really be asked twice."""
    return 1 if side == "candidate" and session.specs["baseline"] == session.specs["candidate"] else 0
