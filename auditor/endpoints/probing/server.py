"""What the probe reads off the server itself: its version, and a fingerprint of its tokenizer."""

from __future__ import annotations

import hashlib
from typing import Any, Final, Protocol, runtime_checkable

from auditor.endpoints.base import beside
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.loose import read_json
from auditor.endpoints.probing.prober import Prober
from auditor.errors import CassetteMiss, EndpointError
from auditor.records import Ask, EndpointSpec

TOKENIZER_TEXT: Final = (
    "Hello, wörld! 👋🏽 漢字かな 한글 العربية 0123456789 3.14\n\tdef f(x):\r\n    return x  # ok?\n"
    "<|im_end|></s><think> \u00a0…"
)
"""Emoji, scripts, digits, code and special tokens: tokenizers that agree on all of it are taken to be the same."""


@runtime_checkable
class Native(Protocol):
    """An endpoint whose server has routes of its own beside the API."""

    @property
    def spec(self) -> EndpointSpec:
        """The completed address."""
        ...

    def request_body(self, ask: Ask) -> dict[str, Any]:
        """The chat request for a question."""
        ...

    async def exchange(self, url: str, body: dict[str, Any], *, purpose: str, sample: int = 0) -> bytes:
        """The body of a 200 to a POST, else an EndpointError."""
        ...

    async def look(self, url: str) -> Any:
        """The JSON at a route, or None."""
        ...


async def version(endpoint: Native, dialect: Dialect) -> str:
    """The server's version, "" if its family tells none; one request at most."""
    path, field = dialect.version_at
    told = await endpoint.look(beside(endpoint.spec.base_url, path)) if path else None
    value = told.get(field) if isinstance(told, dict) else None
    return value if isinstance(value, str) else ""


async def tokenizer(prober: Prober) -> str | None:
    """A fingerprint of the server's tokenizer, or None if it does not show it; one request at most.

    Sixteen hex digits of the SHA-256 of the ids of `TOKENIZER_TEXT`, with nothing added around it. Servers agree on the
    route and not on the field's name, and all of them ignore fields they don't know: one request has them all.
    """
    body = {"content": TOKENIZER_TEXT, "inputs": TOKENIZER_TEXT, "prompt": TOKENIZER_TEXT}
    # TGI always adds its special tokens; those at the ends are the same for every text.
    body |= {"model": prober.endpoint.spec.model}
    url = beside(prober.endpoint.spec.base_url, "/tokenize")
    answer = await post(prober, url, {**body, "add_special_tokens": False, "add_special": False})
    listed = answer.get("tokens") if isinstance(answer, dict) else answer
    ids = [t.get("id") if isinstance(t, dict) else t for t in listed] if isinstance(listed, list) else []
    if not ids or not all(isinstance(i, int) for i in ids):
        return None
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:16]


async def post(prober: Prober, url: str, body: dict[str, Any]) -> Any:
    """The JSON that a route of the server answers with, or None where it has none; one request."""
    if not isinstance(prober.endpoint, Native):
        return None
    prober.calls += 1
    try:
        return read_json(await prober.endpoint.exchange(url, body, purpose="probe"))
    except (EndpointError, CassetteMiss):
        return None
