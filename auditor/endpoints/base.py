"""What every endpoint can be asked, and what it needs from the room below."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import httpx2
import msgspec

from auditor.records import Ask, EndpointSpec, Reply
from auditor.wire import PURPOSE_HEADER, SAMPLE_HEADER


class Carrier(Protocol):
    """What an endpoint needs of a wire: a client whose transport records, retries and paces."""

    @property
    def client(self) -> httpx2.AsyncClient:
        """The HTTP client; it has no base URL, requests name their whole address."""
        ...


class Endpoint(Protocol):
    """A model behind an address that can be asked questions."""

    @property
    def spec(self) -> EndpointSpec:
        """The address, completed with what the dialect knows (base URL, name of the key's variable)."""
        ...

    async def ask(self, ask: Ask, *, purpose: str) -> Reply:
        """Ask one question. ``purpose`` is what it is for ("reply", "first_token", "judge", "probe"), for the ledger.

        A reply that came but can't be read as an answer (cut off, empty, filtered) is a Reply with its outcome set.

        Raises:
            EndpointError: a leaf of it; the question could not be put to this model at all.
        """
        ...

    async def models(self) -> list[str] | None:
        """Names of the models the server says it serves, or None if it does not say."""
        ...


class ServedModel(msgspec.Struct, frozen=True):
    """A line of the server's model list."""

    id: str
    owned_by: str = ""


@runtime_checkable
class Introspectable(Protocol):
    """An endpoint that tells the probe more than every endpoint must."""

    @property
    def conceded(self) -> tuple[str, ...]:
        """Settings this endpoint was found to refuse and no longer sends."""
        ...

    async def served(self) -> list[ServedModel] | None:
        """The server's model list, or None if it gives none."""
        ...


def internal_headers(sample: int, purpose: str) -> dict[str, str]:
    """The headers that tell the wire which sample this is and what for; it strips them before the network."""
    return {SAMPLE_HEADER: str(sample), PURPOSE_HEADER: purpose}


def address(base_url: str, route: str) -> str:
    """The address of a route of the API, behind the path and before the query that the base URL may have."""
    path, mark, query = base_url.partition("?")
    return f"{path}{route}{mark}{query}"


def beside(base_url: str, route: str) -> str:
    """The address of a server's own route, which lies beside the API and not below it."""
    path = base_url.partition("?")[0].rstrip("/")
    return f"{path.removesuffix('/v1')}{route}"
