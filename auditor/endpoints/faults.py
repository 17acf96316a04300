"""From what a server sent instead of an answer to the error a user can act on.

The server's own words are quoted only after `clean`: they can carry terminal escapes, pages of HTML, or our own key.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

import httpx2
import msgspec

from auditor.errors import (
    AuditorError,
    AuthenticationFailed,
    EndpointError,
    Exhausted,
    ModelNotFound,
    NotAnApi,
    RequestRejected,
    Unreachable,
)
from auditor.records import EndpointSpec
from auditor.wire import hidden_error

MAX_QUOTE: Final = 300
"""Characters of a server's message that are shown."""
MAX_LISTED: Final = 8
"""Served models that are named when the wanted one is not among them."""

_FILTER_CODES: Final = frozenset(
    {"content_filter", "content_policy_violation", "invalid_prompt", "ResponsibleAIPolicyViolation"}
)
_NO_MODEL: Final = re.compile(
    r"model[^.\n]{0,120}?(does not exist|not found|doesn't exist|not exist|is not (?:available|served|supported)|unknown)"
    r"|(unknown|no such|invalid) model|model_not_found|not a valid model",
    re.IGNORECASE,
)
_NO_ROUTE: Final = re.compile(
    r"^((file )?not found|no route.*|invalid url.*|cannot (post|get).*|404.*)$", re.IGNORECASE
)


class ServerSaid(msgspec.Struct, frozen=True):
    """An error body, whatever its dialect, reduced to what decides: its message, code, type and parameter."""

    message: str = ""
    code: str = ""
    type: str = ""
    param: str = ""
    flagged: bool = False
    """The provider's moderation stopped the request: a filter's doing, not the model's and not a fault."""


def clean(text: str, *, secrets: tuple[str, ...] = (), limit: int = MAX_QUOTE) -> str:
    """Text safe to print in an error: one line, no control or formatting characters, no key, at most ``limit`` long."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    kept = re.sub(r" +", " ", kept).strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def read_error(body: bytes | dict[str, Any]) -> ServerSaid:
    """Read an error body: ``{"error": {...}}``, ``{"error": "text"}``, ``{"detail": ...}``, ``{"message": ...}``."""
    data: Any = body
    if isinstance(body, bytes):
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return ServerSaid()
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict):
        return ServerSaid()
    error = data.get("error", data)
    if isinstance(error, str):
        return ServerSaid(message=error, code=_text(data.get("code")))
    if not isinstance(error, dict):
        return ServerSaid()
    message = error.get("message") or error.get("detail") or error.get("msg") or ""
    inner = error.get("innererror")
    metadata = error.get("metadata")
    code = _text(error.get("code"))
    flagged = code in _FILTER_CODES or (isinstance(inner, dict) and _text(inner.get("code")) in _FILTER_CODES)
    if isinstance(metadata, dict):
        flagged = flagged or "flagged_input" in metadata
        raw = metadata.get("raw")
        if isinstance(raw, str) and raw:
            message = f"{_text(message)}: {raw}"
    return ServerSaid(
        message=_text(message),
        code=code,
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        flagged=flagged,
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    except RecursionError:
        return ""


def names_no_model(said: ServerSaid) -> bool:
    """Whether the server says that it does not serve the model."""
    return said.code == "model_not_found" or _NO_MODEL.search(said.message) is not None


def fault_of(
    response: httpx2.Response, spec: EndpointSpec, *, key: str | None = None, said: ServerSaid | None = None
) -> EndpointError:
    """The error that a response which is not a success means.

    Args:
        response: status and headers count, the body for ``said`` if that is not given.
        spec: names the address, the model and the key's variable in the message.
        key: the key in use, so that it can't be quoted back.
        said: the error body, already read.
    """
    said = said or read_error(response.content)
    return fault_for(response.status_code, said, spec, key=key, html=is_markup(response), location=_location(response))


def fault_for(
    status: int, said: ServerSaid, spec: EndpointSpec, *, key: str | None = None, html: bool = False, location: str = ""
) -> EndpointError:
    """The error for a status, also one that travelled inside the body of a 200."""
    quote = clean(said.message, secrets=(key or "",))
    words = f": {quote}" if quote else "."
    where = spec.base_url or spec.dialect
    if status in {401, 403}:
        return _authentication(status, spec, key)
    if 300 <= status < 400:
        return NotAnApi(f"{where} redirects to {location or 'another address'}.", "Use the address it redirects to.")
    if status == 404 and (html or not said.message or _NO_ROUTE.match(said.message.strip())):
        return NotAnApi(
            f"{where} has no chat API (404){words}",
            "Is the base URL missing /v1? It ends where /chat/completions begins.",
        )
    if status == 404 or (status in {400, 422} and names_no_model(said)):
        return ModelNotFound(
            f"{where} does not serve {clean(spec.model, limit=100)!r}{words}", "Correct the model's name."
        )
    if status == 405:
        return NotAnApi(f"{where} does not take chat requests (405){words}", "Is the base URL missing /v1?")
    if status == 402:
        return RequestRejected(f"{where} wants to be paid first (402){words}", "Add credit to the account.")
    if status in {408, 409, 425, 429} or status >= 500:
        return Exhausted(f"{where} kept failing ({status}){words}", "Try again later, or with a lower --concurrency.")
    return RequestRejected(
        f"{where} rejects the request ({status}){words}",
        "Check sampling, reasoning and extra_body of this endpoint in the plan against what the server takes.",
    )


def _authentication(status: int, spec: EndpointSpec, key: str | None) -> AuthenticationFailed:
    # The server's words are left out: several servers repeat part of the key in them.
    where = spec.base_url or spec.dialect
    name = spec.api_key_env
    if not key:
        todo = f"Set {name} to a valid key." if name else "Name the variable that holds the key with api_key_env."
        return AuthenticationFailed(f"{where} wants a key ({status}).", todo)
    what = f"{where} does not accept the key ({status})."
    if status == 403:
        what = f"{where} forbids this to the key ({status})."
    return AuthenticationFailed(
        what, f"Check the key in {name or 'the environment'}, and that it may use {spec.model!r}."
    )


def is_markup(response: httpx2.Response) -> bool:
    """Whether the body is a page for people."""
    kind = response.headers.get("content-type", "").lower()
    return "html" in kind or response.content[:200].lstrip().startswith(b"<")


def not_an_api(response: httpx2.Response, spec: EndpointSpec) -> NotAnApi:
    """The error for a success whose body is no chat answer."""
    if is_markup(response):
        got = "an HTML page"
    elif not response.content.strip():
        got = "an empty body"
    else:
        got = "something that is not a chat answer"
    return NotAnApi(
        f"{spec.base_url} answered with {got}.",
        "Is the base URL missing /v1? It ends where /chat/completions begins.",
    )


def unreachable(error: Exception, spec: EndpointSpec) -> AuditorError:
    """The error for an exception on the way to the server; one of ours underneath it is passed on as it is."""
    if (ours := hidden_error(error)) is not None:
        return ours
    reason = clean(str(error), limit=150) or type(error).__name__
    late = isinstance(error, httpx2.TimeoutException) or isinstance(error.__cause__, httpx2.TimeoutException)
    what = f"{spec.base_url} did not answer in time." if late else f"{spec.base_url} can't be reached: {reason}."
    return Unreachable(what, "Check the address, and that the server is running and reachable from here.")


def with_models(error: ModelNotFound, models: list[str] | None) -> ModelNotFound:
    """The same error, naming what the server does serve."""
    if not models:
        return error
    shown = ", ".join(clean(m, limit=80) for m in models[:MAX_LISTED])
    more = f" and {len(models) - MAX_LISTED} more" if len(models) > MAX_LISTED else ""
    return ModelNotFound(error.what, f"It serves {shown}{more}.")


def _location(response: httpx2.Response) -> str:
    return clean(response.headers.get("location", ""), limit=200)
