"""Remembering what a probe found, for a while: `auditor probe` twice in a row asks once.

A record belongs to one endpoint with its options at one server version. Hosted models change behind one name and tell no
version, so a record also ages.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec

from auditor import __version__, defaults
from auditor.endpoints.base import Endpoint, Introspectable
from auditor.endpoints.capabilities import SCHEMA, Capabilities
from auditor.endpoints.dialects import dialect_named, recognise
from auditor.endpoints.probing.server import Native, version
from auditor.records import EndpointSpec

_LOG = logging.getLogger(__name__)


class _Kept(msgspec.Struct):
    measured_at: float
    capabilities: Capabilities


class ProbeCache:
    """Probe records in ``folder``, one file each.

    Args:
        folder: usually the user's cache folder; made when something is kept.
        now: Unix time in seconds.
    """

    def __init__(self, folder: Path, *, now: float) -> None:
        self._folder = folder
        self._now = now

    def get(self, spec: EndpointSpec, server: str) -> tuple[Capabilities, float] | None:
        """The record of this endpoint at this server version and its age in seconds, or None if there is no young one."""
        try:
            kept = msgspec.json.decode(self._path(spec, server).read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError):
            # A file of another version, or half of one, is as good as none.
            return None
        age = self._now - kept.measured_at
        return (kept.capabilities, age) if 0 <= age <= defaults.PROBE_MAX_AGE_S else None

    def put(self, spec: EndpointSpec, server: str, found: Capabilities) -> None:
        """Keep a record. A folder that can't be written to is no fault of the probe."""
        path = self._path(spec, server)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            rest = path.with_suffix(".tmp")
            rest.write_bytes(msgspec.json.encode(_Kept(self._now, found)))
            rest.replace(path)
        except OSError as fault:
            _LOG.warning("could not keep the probe's record: %s", fault)

    def _path(self, spec: EndpointSpec, server: str) -> Path:
        identity = msgspec.json.encode([SCHEMA, __version__, spec, server], order="deterministic")
        return self._folder / f"{hashlib.sha256(identity).hexdigest()[:32]}.json"


async def server_version(endpoint: Endpoint) -> str:
    """What tells one version of a server from another: its family, its own word for the version, and its models.

    Two free requests at most; "" for a server that tells nothing.
    """
    served = await endpoint.served() if isinstance(endpoint, Introspectable) else None
    owner = next((m.owned_by for m in served or ()), "")
    dialect = dialect_named(endpoint.spec.dialect)
    dialect = dialect if dialect.name else recognise(owned_by=owner) or dialect
    told = await version(endpoint, dialect) if isinstance(endpoint, Native) and not dialect.base_url else ""
    return " ".join(part for part in (dialect.name, told, *sorted(m.id for m in served or ())) if part)
