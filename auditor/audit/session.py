"""The endpoints of one audit, connected: one wire per server, shared by the sides that live on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx2
import msgspec

from auditor.endpoints import Capabilities, Endpoint, connect, resolve_key, with_defaults
from auditor.endpoints.base import Introspectable
from auditor.endpoints.targeting import AS_IDS
from auditor.records import Attempt, EndpointSpec
from auditor.wire import Clock, LimitChange, SystemClock, Tape, TapeMode, Wire, WireLimits, open_wire

Seat = str
"""Who sits at an endpoint: "baseline", "candidate", "judge", and "judge-2" and so on for the others of a panel."""


def keys_for(seats: Mapping[Seat, EndpointSpec], environ: Mapping[str, str]) -> dict[Seat, str | None]:
    """Each seat's key. Raises AuthenticationFailed, before any call, if one that is needed is not in ``environ``."""
    return {seat: resolve_key(with_defaults(spec), environ) for seat, spec in seats.items()}


class Session:
    """Connects endpoints over a tape. Use as an async context manager.

    ``networks`` replaces the network of a base URL by another transport: the built-in pair is reached in this process
    that way. ``keys`` come from :func:`keys_for`.
    """

    def __init__(
        self,
        seats: Mapping[Seat, EndpointSpec],
        *,
        tape: Tape,
        mode: TapeMode = "auto",
        keys: Mapping[Seat, str | None],
        limits: WireLimits,
        networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
        clock: Clock | None = None,
        on_attempt: Callable[[Attempt], None] | None = None,
        on_limit: Callable[[str, LimitChange], None] = lambda _, __: None,
    ) -> None:
        self.specs = {seat: with_defaults(spec) for seat, spec in seats.items()}
        self._keys = keys
        self._tape = tape
        self._mode: TapeMode = mode
        self._limits = limits
        self._networks = networks or {}
        self._clock = clock or SystemClock()
        self._on_attempt = on_attempt
        self._on_limit = on_limit
        self._stack = AsyncExitStack()
        self.wires: dict[str, Wire] = {}
        self.endpoints: dict[Seat, Endpoint] = {}

    async def __aenter__(self) -> Self:
        secrets = [key for key in self._keys.values() if key]
        for seat, spec in self.specs.items():
            if spec.base_url not in self.wires:
                wire = open_wire(
                    spec.base_url,
                    tape=self._tape,
                    mode=self._mode,
                    network=self._networks.get(spec.base_url),
                    limits=self._limits,
                    clock=self._clock,
                    on_attempt=self._on_attempt,
                    on_limit=partial(self._on_limit, spec.base_url),
                    secrets=secrets,
                )
                self._stack.push_async_callback(wire.aclose)
                self.wires[spec.base_url] = wire
            self.endpoints[seat] = connect(spec, self.wires[spec.base_url], key=self._keys[seat])
        return self

    @property
    def pairs_at_once(self) -> int:
        """How many pairs may be under way: some more than the servers take requests now, or none would ever wait for a
        slot and the limits could not grow.
        """
        most = max(wire.limit for wire in self.wires.values())
        return min(most + most // 2, self._limits.concurrency)

    def settle(self, seat: Seat, found: Capabilities) -> None:
        """Talk to a seat as its probe found it: in the dialect that was recognised, whose settings are then sent in full,
        and without what it refuses.
        """
        spec = self.specs[seat]
        if found.dialect_recognised:
            self.specs[seat] = spec = msgspec.structs.replace(spec, dialect=found.dialect)
        self.endpoints[seat] = connect(
            spec, self.wires[spec.base_url], key=self._keys[seat], without=found.refused_settings
        )

    def variant(self, seat: Seat, reasoning: Mapping[str, Any]) -> Endpoint:
        """A seat's endpoint with other reasoning options, over the same wire."""
        spec = self.specs[seat]
        changed = msgspec.structs.replace(spec, reasoning={**spec.reasoning, **reasoning})
        return connect(changed, self.wires[spec.base_url], key=self._keys[seat])

    def named_by_id(self, seat: Seat) -> Endpoint:
        """A seat's endpoint asked to name alternatives by token id, over the same wire."""
        endpoint = self.endpoints[seat]
        spec = msgspec.structs.replace(endpoint.spec, extra_body={**endpoint.spec.extra_body, **AS_IDS})
        without = endpoint.conceded if isinstance(endpoint, Introspectable) else ()
        return connect(spec, self.wires[spec.base_url], key=self._keys[seat], without=without)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
