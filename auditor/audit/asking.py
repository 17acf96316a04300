"""Asking one side of the pair: a prompt, or its first token; and noticing when an endpoint has gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from auditor.audit.budget import Budget
from auditor.audit.drift_choice import Target
from auditor.audit.preflight import fatal
from auditor.audit.session import Seat, Session
from auditor.drift.protocol_first_token import first_token_ask
from auditor.drift.protocol_targeted import complete
from auditor.endpoints import Endpoint
from auditor.endpoints.targeting import Targeted
from auditor.errors import EndpointError, Exhausted, NotAnApi
from auditor.records import SIDES, Ask, Outcome, Prompt, Reply, Sampling, Side, Usage

log = logging.getLogger(__name__)

GIVE_UP_AFTER: Final = 8
"""Failures in a row of one endpoint, without a success between, after which the run stops instead of failing on."""


class Patience:
    """Counts the failures in a row of each seat."""

    def __init__(self) -> None:
        self._failures: dict[Seat, int] = {"baseline": 0, "candidate": 0, "judge": 0}

    def failed(self, seat: Seat, why: str) -> None:
        """One more failure. Raises Exhausted when it is one too many."""
        self._failures[seat] += 1
        if self._failures[seat] >= GIVE_UP_AFTER:
            raise Exhausted(
                f"The {seat} failed {GIVE_UP_AFTER} times in a row; the last time: {why}",
                f"What was answered is kept: run the same command again when the {seat} works.",
            )

    def worked(self, seat: Seat) -> None:
        """It answered."""
        self._failures[seat] = 0


class Asker:
    """Asks the two sides of the pair and counts what they use."""

    def __init__(
        self,
        session: Session,
        sampling: Mapping[Side, Sampling],
        budget: Budget,
        patience: Patience,
        targets: Mapping[Side, Target],
    ) -> None:
        self._session = session
        self._targets = targets
        self._sampling = sampling
        self._budget = budget
        self._patience = patience

    async def reply(self, side: Side, prompt: Prompt) -> Reply:
        """A side's reply to a prompt. Raises EndpointError if every other question would meet the same fault."""
        ask = Ask(
            messages=prompt.messages,
            sampling=_reseeded(self._sampling[side], prompt.sample),
            sample=_sample(self._session, side, prompt.sample),
        )
        return await self._ask(side, ask, "reply")

    async def first_tokens(self, prompt: Prompt, top_logprobs: int) -> dict[Side, Reply]:
        """Both sides' first token for a prompt with its top-logprobs, and where both can be asked for tokens by id, each
        side's number for what the other listed. Raises as :meth:`reply`.
        """
        samples = {side: _sample(self._session, side) for side in SIDES}
        asked = await asyncio.gather(*(self._first_token(side, prompt, top_logprobs, samples[side]) for side in SIDES))
        replies = dict(zip(SIDES, asked, strict=True))
        if not self._targets:
            return replies

        async def ask(ids: Mapping[Side, tuple[int, ...]]) -> dict[Side, Targeted | None]:
            told = await asyncio.gather(*(self._targeted(side, prompt, ids[side], samples[side]) for side in SIDES))
            return dict(zip(SIDES, told, strict=True))

        return await complete(replies, ask)

    async def _first_token(self, side: Side, prompt: Prompt, top_logprobs: int, sample: int) -> Reply:
        ask = first_token_ask(prompt.messages, top_logprobs=top_logprobs, sample=sample)
        target = self._targets.get(side)
        return await self._ask(side, ask, "first_token", target.named_by_id if target else None)

    async def _targeted(self, side: Side, prompt: Prompt, ids: tuple[int, ...], sample: int) -> Targeted | None:
        """None if it failed: then the lists have to do."""
        found = None
        try:
            found = await self._targets[side].targeter.ask(prompt.messages, ids, purpose="first_token", sample=sample)
        except EndpointError as error:
            if fatal(error) and not isinstance(error, NotAnApi):
                raise
            log.warning("%s: %s", side, error.what)
        self._count(found.usage if found else Usage())
        return found

    async def _ask(self, side: Side, ask: Ask, purpose: str, endpoint: Endpoint | None = None) -> Reply:
        try:
            reply = await (endpoint or self._session.endpoints[side]).ask(ask, purpose=purpose)
        except EndpointError as error:
            if fatal(error):
                raise
            self._patience.failed(side, error.what)
            log.warning("%s: %s", side, error.what)
            reply = Reply(answer="", outcome=Outcome.ERROR, detail=error.what)
        else:
            self._patience.worked(side)
        self._count(reply.usage)
        return reply

    def _count(self, usage: Usage) -> None:
        self._budget.count(1, (usage.prompt_tokens or 0) + (usage.completion_tokens or 0))


def _sample(session: Session, side: Side, repetition: int = 0) -> int:
    """An endpoint compared with itself must really be asked twice: the candidate's questions then get their own index."""
    if session.specs["baseline"] != session.specs["candidate"]:
        return repetition
    return 2 * repetition + (side == "candidate")


def _reseeded(sampling: Sampling, repetition: int) -> Sampling:
    """A seeded server would give each repetition the same reply."""
    if sampling.seed is None or not repetition:
        return sampling
    return msgspec.structs.replace(sampling, seed=sampling.seed + repetition)
