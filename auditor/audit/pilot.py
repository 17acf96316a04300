"""Asking both endpoints a few of the plan's prompts, to learn what only they know: how they count, how much they say, how
fast they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import httpx2

from auditor.audit.session import Seat, Session, keys_for
from auditor.errors import RequestRejected
from auditor.plan import Plan
from auditor.records import SIDES, Ask, EndpointSpec, Prompt, Reply, Side
from auditor.wire import MemoryTape, WireLimits

PROMPTS: Final = 4
"""Asked of each endpoint: enough for a scale, cheap enough to be asked for an estimate."""


class Pilot(NamedTuple):
    """What a few replies of one endpoint showed. None where the server did not say.

    ``chars_per_token`` of prompts, template included; ``reply_tokens`` and ``seconds`` are means per reply.
    """

    replies: int
    chars_per_token: float | None
    reply_tokens: float | None
    seconds: float | None


async def fly(
    plan: Plan,
    prompts: Sequence[Prompt],
    environ: Mapping[str, str],
    *,
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
) -> dict[Side, Pilot]:
    """Ask both endpoints the first prompts of the schedule. Raises EndpointError leaves."""
    specs: dict[Seat, EndpointSpec] = {"baseline": plan.baseline.spec(), "candidate": plan.candidate.spec()}
    session = Session(
        specs,
        tape=MemoryTape(),
        keys=keys_for(specs, environ),
        limits=WireLimits(concurrency=PROMPTS),
        networks=networks,
    )
    some = prompts[:PROMPTS]
    found: dict[Side, Pilot] = {}
    async with session:
        for side in SIDES:
            sampling = plan.sampling_for(plan.baseline if side == "baseline" else plan.candidate)
            asked = [
                session.endpoints[side].ask(Ask(messages=prompt.messages, sampling=sampling), purpose="probe")
                for prompt in some
            ]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            replies: list[tuple[Prompt, Reply]] = []
            for prompt, answer in zip(some, answers, strict=True):
                # One prompt that a server refuses to answer (a filter) says nothing about the others.
                if isinstance(answer, BaseException) and not isinstance(answer, RequestRejected):
                    raise answer
                if isinstance(answer, Reply):
                    replies.append((prompt, answer))
            found[side] = _sum_up(replies)
    return found


def _sum_up(replies: Sequence[tuple[Prompt, Reply]]) -> Pilot:
    chars = sum(len(message.content) for prompt, _ in replies for message in prompt.messages)
    counted = [reply.usage.prompt_tokens for _, reply in replies if reply.usage.prompt_tokens]
    said = [reply.usage.completion_tokens for _, reply in replies if reply.usage.completion_tokens is not None]
    took = [reply.latency_s for _, reply in replies if reply.latency_s is not None]
    whole = len(counted) == len(replies)
    return Pilot(
        replies=len(replies),
        chars_per_token=chars / sum(counted) if counted and whole else None,
        reply_tokens=sum(said) / len(said) if said else None,
        seconds=sum(took) / len(took) if took else None,
    )
