"""What every shipped cassette holds: one probe, and a few questions beside it, of one server."""

from __future__ import annotations

from pathlib import Path

import msgspec

from auditor.endpoints import Capabilities, Endpoint, connect, probe, with_defaults
from auditor.errors import RequestRejected
from auditor.records import Ask, EndpointSpec, Message, Reply, Sampling
from auditor.wire import CassetteTape, open_wire

CASSETTES = Path(__file__).parents[2] / "cassettes"

_MESSAGES = (Message("system", "Be brief."), Message("user", "Is it right to read a friend's diary? Say why."))
_SHORT = Sampling(temperature=1.0, top_p=1.0, max_tokens=64, seed=7)
_LONG = Sampling(temperature=1.0, top_p=1.0, max_tokens=400, seed=7)
QUESTIONS: dict[str, Ask] = {
    "whole": Ask(messages=_MESSAGES, sampling=_SHORT, top_logprobs=3),
    "streamed": Ask(messages=_MESSAGES, sampling=_SHORT, top_logprobs=3, stream=True),
    "streamed_plain": Ask(messages=_MESSAGES, sampling=_SHORT, stream=True),
    "thinking": Ask(messages=_MESSAGES, sampling=_LONG, reasoning={"enabled": True}),
}


class Scene(msgspec.Struct, frozen=True):
    """The decoded content of one cassette."""

    found: Capabilities
    replies: dict[str, Reply]
    refused: tuple[str, ...] = ()
    """Questions that the server does not take."""


async def play(endpoint: Endpoint) -> Scene:
    """Probe an endpoint and ask it `QUESTIONS`."""
    found = await probe(endpoint)
    replies: dict[str, Reply] = {}
    for name, ask in QUESTIONS.items():
        try:
            replies[name] = await endpoint.ask(ask, purpose="reply")
        except RequestRejected:
            continue
    return Scene(found, replies, tuple(QUESTIONS.keys() - replies.keys()))


async def replayed(name: str, spec: EndpointSpec) -> tuple[Scene, int]:
    """The scene of a shipped cassette, decoded anew, and how many of its exchanges were not asked for."""
    spec = with_defaults(spec)
    with CassetteTape(CASSETTES / f"{name}.jsonl", must_exist=True) as tape:
        async with open_wire(spec.base_url, tape=tape, mode="replay") as wire:
            scene = await play(connect(spec, wire, key=None))
            return scene, len(wire.unused())
