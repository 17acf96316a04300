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
    base_url = (spec.base_url or dialect.base_url).rstrip("/").removesuffix("/chat/completions").rstrip("/")
    if not base_url:
        raise PlanError(
            f"{dialect.title} has no address of its own.", f"Write it as {dialect.name}+http://host:port/v1#MODEL."
        )
    parts = urlsplit(base_url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise PlanError(f"{base_url!r} is not an http address.", "Write it as http://host:port/v1.")
    at_home = bool(dialect.base_url) and _host(base_url) == _host(dialect.base_url)
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
    if dialect.sdk == "openai":
        from auditor.endpoints.openai_sdk import OpenAISdk

        return OpenAISdk(spec, dialect, wire, key=key, without=without)
    if dialect.sdk == "anthropic":
        from auditor.endpoints.anthropic_sdk import AnthropicSdk

        return AnthropicSdk(spec, dialect, wire, key=key, without=without)
    from auditor.endpoints.openai_compatible import OpenAICompatible

    return OpenAICompatible(spec, dialect, wire, key=key, without=without)


def _dialect_of(spec: EndpointSpec) -> Dialect:
    if spec.dialect or not spec.base_url:
        return dialect_named(spec.dialect)
    home = (d for d in DIALECTS if d.base_url and _host(d.base_url) == _host(spec.base_url))
    return next(home, GENERIC)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()
