"""``auditor probe``."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import click
import msgspec

from auditor.audit.session import Seat, Session, keys_for
from auditor.endpoints import PROBE_MAX_CALLS, probe
from auditor.plan import parse_endpoint
from auditor.records import EndpointSpec
from auditor.report.plain import harmless
from auditor.wire import MemoryTape, WireLimits


@click.command()
@click.argument("endpoint", metavar="E")
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema auditor.probe/1.")
def command(endpoint: str, as_json: bool) -> None:
    """Measure what the endpoint E can do, with a few tiny calls."""
    spec = parse_endpoint(endpoint)
    click.echo(f"asking {harmless(endpoint)}: at most {PROBE_MAX_CALLS} tiny calls", err=True)
    found = asyncio.run(_measure(spec))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for key, value in found.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        click.echo(f"{key:<22} {harmless('–' if value is None else shown or 'none')}")


async def _measure(spec: EndpointSpec) -> dict[str, Any]:
    seats: dict[Seat, EndpointSpec] = {"baseline": spec}
    session = Session(seats, tape=MemoryTape(), keys=keys_for(seats, os.environ), limits=WireLimits(concurrency=1))
    async with session:
        return (await probe(session.endpoints["baseline"])).to_dict()
