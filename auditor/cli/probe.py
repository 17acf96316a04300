"""``auditor probe``."""

from __future__ import annotations

import asyncio
import os
import textwrap
import time
from pathlib import Path
from typing import Any, Final

import click
import httpx2
import msgspec
import platformdirs

from auditor.audit.session import Seat, Session, keys_for
from auditor.endpoints import PROBE_MAX_CALLS, Capabilities, probe
from auditor.endpoints.describe import describe
from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.discovery import Discovered, find_hosted, find_local
from auditor.endpoints.probe_cache import ProbeCache, server_version
from auditor.endpoints.scoring import SCORING_MAX_CALLS, find_scorer
from auditor.plan import parse_endpoint
from auditor.records import Attempt, EndpointSpec
from auditor.report.plain import harmless, one_line
from auditor.wire import MemoryTape, WireLimits

SHOWN: Final = 5
"""Models that are named per server."""
WIDTH: Final = 110


@click.command()
@click.argument("endpoint", metavar="[E]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema auditor.probe/1.")
@click.option("--fresh", is_flag=True, help="Measure again, whatever is remembered from the last day.")
def command(endpoint: str | None, as_json: bool, fresh: bool) -> None:
    """Measure what the endpoint E can do, with a few tiny calls.

    Without E: look for servers on this machine's usual ports and for hosted ones whose key is in the environment. That
    reads lists of models and spends nothing.
    """
    if endpoint is None:
        local, hosted = asyncio.run(_discover())
        show = _discovered_json if as_json else _discovered_text
        click.echo(show(local, hosted))
        return
    spec = parse_endpoint(endpoint)
    found = asyncio.run(_measure(spec, fresh=fresh))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found.to_dict()), indent=2).decode())
        return
    click.echo(_text(found))


async def _measure(spec: EndpointSpec, *, fresh: bool) -> Capabilities:
    seats: dict[Seat, EndpointSpec] = {"baseline": spec}
    attempts: list[Attempt] = []
    session = Session(
        seats,
        tape=MemoryTape(),
        keys=keys_for(seats, os.environ),
        limits=WireLimits(concurrency=1),
        on_attempt=attempts.append,
    )
    cache = ProbeCache(Path(platformdirs.user_cache_dir("auditor")) / "probes", now=time.time())
    async with session:
        spec = session.specs["baseline"]
        server = await server_version(session.endpoints["baseline"])
        if not fresh and (kept := cache.get(spec, server)) is not None:
            found, age = kept
            click.echo(f"measured {_ago(age)} and remembered; --fresh measures again", err=True)
            return found
        hosted = bool(dialect_named(spec.dialect).base_url)
        most = PROBE_MAX_CALLS + (0 if hosted else SCORING_MAX_CALLS)
        click.echo(f"asking {harmless(spec.label)}: at most {most} tiny calls", err=True)
        found = await probe(session.endpoints["baseline"])
        session.settle("baseline", found)
        found, _ = await find_scorer(session.endpoints["baseline"], found)
    found = msgspec.structs.replace(found, calls=len(attempts))
    cache.put(spec, server, found)
    return found


def _ago(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "just now" if minutes < 1 else f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"


def _text(found: Capabilities) -> str:
    lines = [harmless(found.endpoint)]
    for heading, rows in describe(found):
        lines += ["", heading]
        lines += [_row(what, one_line(value, 400)) for what, value in rows]
    return "\n".join([*lines, "", f"{found.calls} requests."])


def _row(what: str, value: str) -> str:
    return textwrap.fill(value, WIDTH, initial_indent=f"  {what:<20}", subsequent_indent=" " * 22)


async def _discover(
    network: httpx2.AsyncBaseTransport | None = None,
) -> tuple[list[Discovered], list[Discovered]]:
    return await find_local(network), await find_hosted(os.environ, network)


def _discovered_text(local: list[Discovered], hosted: list[Discovered]) -> str:
    lines = ["On this machine (loopback, usual ports):"]
    lines += [line for one in local for line in _server(one)] or ["  no server answers"]
    lines += ["", "Hosted, by the keys in the environment:"]
    lines += [line for one in hosted for line in _server(one)] or ["  no known key is set"]
    known = next((one for one in (*local, *hosted) if one.models), None)
    if known is not None and known.models:
        lines += ["", f"Measure one:  auditor probe {one_line(known.endpoint(known.models[0]), 200)}"]
    return "\n".join(lines)


def _server(one: Discovered) -> list[str]:
    if one.models is None:
        return [f"  {one.title:<28}{one.where}  lists no models: check {one.key_env}"]
    shown = ", ".join(one.models[:SHOWN])
    more = f" and {len(one.models) - SHOWN} more" if len(one.models) > SHOWN else ""
    return [f"  {one.title:<28}{one.where}  {one_line(shown, 300)}{more}"]


def _discovered_json(local: list[Discovered], hosted: list[Discovered]) -> str:
    found: dict[str, Any] = {"schema": "auditor.endpoints/1", "local": local, "hosted": hosted}
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
