"""Asking a probe's questions: counted, timed, and with every oddity kept."""

from __future__ import annotations

import math
from typing import Any

from auditor import defaults
from auditor.endpoints.base import Endpoint
from auditor.endpoints.decoding import MISFILED
from auditor.errors import Exhausted, RequestRejected
from auditor.records import Ask, Message, Reply, Sampling, TokenLogprobs, TokenPosition

HELLO = "What is 3 + 4? Answer with the number only."
HELLO_TOKENS = 256
"""Room for a reasoning model to reach its trace's end; others stop after a few tokens."""
NEXT = "Name something one might find on a beach."
STORY = "Write one short, surprising sentence about a town."
STORY_TOKENS = 24


class Prober:
    """One probe of one endpoint: asks, and collects what is seen beside the answers.

    ``calls`` counts requests, ``latencies`` are seconds, ``anomalies`` sentences in the order in which they came up.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.calls = 0
        self.latencies: list[float] = []
        self.anomalies: dict[str, None] = {}
        self.trace_sources: dict[str, None] = {}
        self.most_hidden = 0
        self.sentinels: bool | None = None
        self.largest_sum: float | None = None

    def note(self, anomaly: str) -> None:
        """Keep a sentence about something that looks wrong, once."""
        self.anomalies[anomaly] = None

    async def ask(
        self, text: str, *, max_tokens: int, temperature: float = defaults.TEMPERATURE, **options: Any
    ) -> Reply:
        """Ask; ``options`` are fields of `Ask`, ``seed``, and ``prefill``: the beginning of the reply.

        Raises:
            EndpointError: as `Endpoint.ask`.
        """
        seed = options.pop("seed", None)
        sampling = Sampling(temperature=temperature, top_p=1.0, max_tokens=max_tokens, seed=seed)
        begun = options.pop("prefill", "")
        messages = (Message("user", text), *((Message("assistant", begun),) if begun else ()))
        question = Ask(messages=messages, sampling=sampling, **options)
        self.calls += 1
        reply = await self.endpoint.ask(question, purpose="probe")
        if reply.latency_s is not None:
            self.latencies.append(reply.latency_s)
        if reply.logprobs is not None:
            self.anomalies |= dict.fromkeys(reply.logprobs.anomalies)
            self._weigh(reply.logprobs)
        if MISFILED in reply.detail:
            self.note(f"{MISFILED} (put right): serve this model without one, or let it think")
        if reply.trace:
            self.trace_sources[reply.provenance.trace_source] = None
        self.most_hidden = max(self.most_hidden, reply.usage.reasoning_tokens or 0)
        return reply

    def _weigh(self, logprobs: TokenLogprobs) -> None:
        for position in logprobs.positions:
            tokens = (*position.top, position.sampled)
            self.sentinels = bool(self.sentinels) or any(t.logprob is None for t in tokens)
            if position.top:
                masses = {t.key: math.exp(t.logprob) for t in tokens if t.logprob is not None}
                self.largest_sum = max(self.largest_sum or 0.0, round(sum(masses.values()), 4))

    async def try_ask(self, text: str, *, max_tokens: int, **options: Any) -> Reply | None:
        """As `ask`, but None where the server refuses this question or breaks on it."""
        try:
            return await self.ask(text, max_tokens=max_tokens, **options)
        except (RequestRejected, Exhausted):
            return None

    async def next_token(self, k: int, temperature: float = 1.0, *, sample: int = 0) -> TokenPosition | None:
        """Logprobs of the first generated token with ``k`` alternatives, or None if none came."""
        reply = await self.try_ask(NEXT, max_tokens=1, temperature=temperature, top_logprobs=k, sample=sample)
        return first_position(reply.logprobs if reply else None)


def first_position(logprobs: TokenLogprobs | None) -> TokenPosition | None:
    """The first generated position, if it has a number in it."""
    if logprobs is None or not logprobs.positions:
        return None
    position = logprobs.positions[0]
    numbers = [t for t in (position.sampled, *position.top) if t.logprob is not None]
    return position if numbers else None
