"""From an endpoint's description to something that can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from auditor.endpoints.base import Carrier, Endpoint
from auditor.endpoints.dialects import DIALECTS, GENERIC, Dialect, dialect_named
from auditor.errors import AuthenticationFailed, PlanError
from auditor.records import EndpointSpec


def with_defaults(spec: EndpointSpec) -> EndpointSpec:
    """The spec completed with what its dialect knows: base URL, the dialect's name as we write it, the key's variable.

    Doing it twice changes nothing. The dialect's own key variable is filled in only for the vendor's own address: a key
    is never sent to another host unless the plan names it with ``api_key_env``.

    Raises:
        PlanError: an unknown dialect, no address where one is needed, or an address that is no http(s) URL.
    """
    dialect = _dialect_of(spec)
    base_url = _base(spec.base_url or dialect.base_url)
    if not base_url:
        raise PlanError(
            f"{dialect.title} has no address of its own.", f"Write it as {dialect.name}+http://host:port/v1#MODEL."
        )
    parts = urlsplit(base_url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise PlanError(f"{base_url!r} is not an http address.", "Write it as http://host:port/v1.")
    at_home = _is_home(dialect, base_url)
    key_env = spec.api_key_env or (dialect.key_env if at_home else "")
    return msgspec.structs.replace(spec, base_url=base_url, dialect=dialect.name, api_key_env=key_env)


def resolve_key(spec: EndpointSpec, environ: Mapping[str, str]) -> str | None:
    """The endpoint's key from the environment, or None if it needs none.

    Raises:
        AuthenticationFailed: the variable that should hold it is unset, empty or holds no possible key. Names the
            variable, never its value.
    """
    spec = with_defaults(spec)
    name = spec.api_key_env
    if not name:
        return None
    key = environ.get(name, "").strip()
    if not key:
        raise AuthenticationFailed(f"{spec.base_url} needs a key and {name} is not set.", f"Set {name} to your key.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise AuthenticationFailed(f"{name} holds characters that no key has.", f"Set {name} to the key alone.")
    return key


def connect(spec: EndpointSpec, wire: Carrier, *, key: str | None, without: tuple[str, ...] = ()) -> Endpoint:
    """An endpoint of the dialect that ``spec`` names; "" is any OpenAI-compatible server.

    Args:
        spec: completed by `with_defaults` if it is not yet.
        wire: carries the requests; it stays the caller's to close.
        key: from `resolve_key`; None sends no credentials.
        without: settings the server is known to refuse (`Capabilities.refused_settings` of an earlier probe).

    Raises:
        PlanError: as `with_defaults`.
    """
    spec = with_defaults(spec)
    dialect = dialect_named(spec.dialect)
    # The vendors' libraries take 0.4 and 1.1 seconds to import: only who uses them pays.
    if dialect.format == "messages":
        from auditor.endpoints.anthropic_sdk import AnthropicSdk

        return AnthropicSdk(spec, dialect, wire, key=key, without=without)
    if dialect.format == "responses":
        from auditor.endpoints.responses import Responses

        return Responses(spec, dialect, wire, key=key, without=without)
    if dialect.format == "tgi":
        from auditor.endpoints.tgi import TgiGenerate

        return TgiGenerate(spec, dialect, wire, key=key, without=without)
    if dialect.sdk == "openai":
        from auditor.endpoints.openai_sdk import OpenAISdk

        return OpenAISdk(spec, dialect, wire, key=key, without=without)
    from auditor.endpoints.openai_compatible import OpenAICompatible

    return OpenAICompatible(spec, dialect, wire, key=key, without=without)


def _dialect_of(spec: EndpointSpec) -> Dialect:
    if spec.dialect or not spec.base_url:
        return dialect_named(spec.dialect)
    return next((d for d in DIALECTS if _is_home(d, spec.base_url)), GENERIC)


def _is_home(dialect: Dialect, url: str) -> bool:
    """Whether the address is one of the vendor's own."""
    host = _host(url)
    return (bool(dialect.base_url) and host == _host(dialect.base_url)) or host.endswith(dialect.hosts)


def _base(url: str) -> str:
    """The address up to where the routes begin, with the query that some need (Azure's api-version)."""
    path, mark, query = url.partition("?")
    path = path.rstrip("/")
    for route in ("/chat/completions", "/responses"):
        path = path.removesuffix(route).rstrip("/")
    return f"{path}{mark}{query}"


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()
