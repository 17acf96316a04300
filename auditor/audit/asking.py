"""Asking one side of the pair: a prompt, or its first token; and noticing when an endpoint has gone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from auditor.audit.budget import Budget
from auditor.audit.preflight import fatal
from auditor.audit.session import Seat, Session
from auditor.drift.protocol_first_token import first_token_ask
from auditor.errors import EndpointError, Exhausted
from auditor.records import Ask, Outcome, Prompt, Reply, Sampling, Side

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

    def __init__(self, session: Session, sampling: Mapping[Side, Sampling], budget: Budget, patience: Patience) -> None:
        self._session = session
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

    async def first_token(self, side: Side, prompt: Prompt, top_logprobs: int) -> Reply:
        """A side's first token for a prompt, with its top-logprobs. Raises as :meth:`reply`."""
        ask = first_token_ask(prompt.messages, top_logprobs=top_logprobs, sample=_sample(self._session, side))
        return await self._ask(side, ask, "first_token")

    async def _ask(self, side: Side, ask: Ask, purpose: str) -> Reply:
        try:
            reply = await self._session.endpoints[side].ask(ask, purpose=purpose)
        except EndpointError as error:
            if fatal(error):
                raise
            self._patience.failed(side, error.what)
            log.warning("%s: %s", side, error.what)
            reply = Reply(answer="", outcome=Outcome.ERROR, detail=error.what)
        else:
            self._patience.worked(side)
        self._budget.count(1, (reply.usage.prompt_tokens or 0) + (reply.usage.completion_tokens or 0))
        return reply


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
