"""Finding endpoints without being told: local servers on their usual ports, and hosted ones whose key is there.

Nothing is spent: only model lists are read. Local means loopback, nothing else is ever looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import httpx2
import msgspec

from auditor.endpoints.asking import read_models
from auditor.endpoints.connect import connect
from auditor.endpoints.dialects import DIALECTS, Dialect, recognise
from auditor.errors import AuditorError
from auditor.records import EndpointSpec
from auditor.wire import MemoryTape, WireLimits, open_wire

LOOPBACK: Final = "127.0.0.1"
OTHER_PORTS: Final = (8765,)
"""Beside the families' usual ports: where `auditor simulate` serves."""
LOOK_S: Final = 2.0
"""Seconds that a local server has to list its models; nobody listening is known at once."""
_HOSTED_LIMITS: Final = WireLimits(concurrency=1, max_attempts=1, connect_timeout_s=5.0, deadline_s=15.0)


class Discovered(msgspec.Struct, frozen=True):
    """A server that answered, or a key that was found."""

    where: str
    """As written in front of ``#MODEL`` or ``:MODEL``."""
    title: str
    models: tuple[str, ...] | None
    """None: it listed none, so the key may be wrong."""
    hosted: bool = False
    key_env: str = ""

    def endpoint(self, model: str) -> str:
        """The endpoint of one of its models, as written on the command line."""
        return f"{self.where}{':' if self.hosted else '#'}{model}"


async def find_local(
    network: httpx2.AsyncBaseTransport | None = None, ports: Iterable[int] | None = None
) -> list[Discovered]:
    """The servers that list models on ports of this machine, in order of port.

    Args:
        network: reaches them; the default is plain HTTP without any proxy.
        ports: where to look; the default are the usual ports of all known families.
    """
    usual = {port for dialect in DIALECTS for port in dialect.ports} | set(OTHER_PORTS)
    # A proxy of the environment has no business with loopback.
    transport = network or httpx2.AsyncHTTPTransport()
    async with httpx2.AsyncClient(transport=transport, timeout=LOOK_S, trust_env=False) as client:
        found = await asyncio.gather(*(_look(client, port) for port in sorted(usual if ports is None else ports)))
    return [one for one in found if one is not None]


async def find_hosted(environ: Mapping[str, str], network: httpx2.AsyncBaseTransport | None = None) -> list[Discovered]:
    """The hosted families whose key is in ``environ``, with the models that they list for it."""
    return [
        await _ask(dialect, environ[dialect.key_env].strip(), network)
        for dialect in DIALECTS
        # The Responses API is at the same address, with the same key and models.
        if dialect.base_url and dialect.format != "responses" and environ.get(dialect.key_env, "").strip()
    ]


async def _look(client: httpx2.AsyncClient, port: int) -> Discovered | None:
    url = f"http://{LOOPBACK}:{port}/v1"
    try:
        response = await client.get(f"{url}/models")
    except (httpx2.TransportError, httpx2.InvalidURL):
        return None
    models = read_models(response.content) if response.status_code == 200 else None
    if not models:
        return None
    known = recognise(owned_by=models[0].owned_by)
    usual = next((d for d in DIALECTS if port in d.ports), None)
    title = known.title if known else f"OpenAI-compatible server{f' (perhaps {usual.title})' if usual else ''}"
    return Discovered(url, title, tuple(m.id for m in models))


async def _ask(dialect: Dialect, key: str, network: httpx2.AsyncBaseTransport | None) -> Discovered:
    spec = EndpointSpec(base_url="", model="", dialect=dialect.name)
    wire = open_wire(dialect.base_url, tape=MemoryTape(), network=network, limits=_HOSTED_LIMITS, secrets=[key])
    async with wire:
        try:
            models = await connect(spec, wire, key=key).models()
        except AuditorError:
            models = None
    listed = None if models is None else tuple(models)
    return Discovered(dialect.name, dialect.title, listed, hosted=True, key_env=dialect.key_env)
