"""Drift by itself: probe both endpoints, measure, and keep the run if a folder is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import httpx2
import msgspec

from auditor import __version__
from auditor.audit.drift import measure_drift, questions_of
from auditor.audit.drift_texts import DriftSettings
from auditor.audit.session import Seat, Session, keys_for
from auditor.endpoints import Capabilities, probe
from auditor.errors import RunError
from auditor.plan import SCHEMA
from auditor.records import SIDES, EndpointSpec, Prompt, Side
from auditor.store import RunFolder, RunWriter
from auditor.wire import MemoryTape, Tape, WireLimits

KIND: Final = "drift"


async def drift_alone(
    specs: Mapping[Side, EndpointSpec],
    prompts: Sequence[Prompt],
    settings: DriftSettings,
    *,
    environ: Mapping[str, str],
    folder: RunFolder | None = None,
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure drift of a pair on these prompts.

    Args:
        specs: both endpoints.
        prompts: what they are asked.
        settings: protocol and extent.
        environ: where the keys are.
        folder: where tape and result are kept; the same call continues there. None keeps nothing.
        networks: replaces the network of a base URL.
        note: told what goes on.

    Returns:
        The object of schema ``auditor.drift/1``, with ``endpoints`` and ``probes``.

    Raises:
        AuditorError: leaves of it; RunError if the folder holds another run.
    """
    seats: dict[Seat, EndpointSpec] = {side: specs[side] for side in SIDES}
    keys = keys_for(seats, environ)
    with ExitStack() as stack:
        tape: Tape = MemoryTape()
        writer = None
        if folder is not None:
            folder.claim()
            stack.callback(folder.release)
            _freeze(folder, specs, settings, prompts)
            writer = RunWriter(folder)
            stack.callback(writer.close)
            tape = writer.tape
        session = Session(
            seats, tape=tape, keys=keys, limits=WireLimits(concurrency=settings.concurrency), networks=networks
        )
        async with session:
            capabilities: dict[Side, Capabilities] = {}
            for side in SIDES:
                capabilities[side] = await probe(session.endpoints[side])
                session.settle(side, capabilities[side])
            body, values = await measure_drift(session, capabilities, questions_of(prompts), settings, note=note)
            body["endpoints"] = {side: session.specs[side].label for side in SIDES}
            body["probes"] = {side: found.to_dict() for side, found in capabilities.items()}
        if writer is not None:
            writer.put_prompts(list(prompts))
            pair = {side: {"endpoint": label} for side, label in body["endpoints"].items()}
            writer.put_meta("provenance", {"auditor": __version__, "pair": pair, "probes": body["probes"]})
            writer.put_finding("drift", body)
            writer.put_drift(values)
            writer.put_meta("status", "complete")
    return body


def clean_spec(spec: EndpointSpec) -> dict[str, Any]:
    """An endpoint as plain data: it holds the name of the key's variable, never the key."""
    plain: dict[str, Any] = msgspec.to_builtins(spec)
    return plain


def _freeze(
    folder: RunFolder, specs: Mapping[Side, EndpointSpec], settings: DriftSettings, prompts: Sequence[Prompt]
) -> None:
    asked = {
        "schema": SCHEMA,
        "kind": KIND,
        "plan": {
            "pair": {side: spec.label for side, spec in specs.items()},
            "drift": msgspec.to_builtins(settings),
            "prompts": [prompt.id for prompt in prompts],
        },
    }
    existing = folder.plan_json()
    if existing is None:
        folder.freeze(msgspec.json.format(msgspec.json.encode(asked), indent=2) + b"\n")
    elif msgspec.json.decode(existing) != asked:
        raise RunError(f"{folder.path} holds another run.", "Name another folder with --out.")
