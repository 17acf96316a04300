"""The tape: every exchange of a run under a key made of what was asked, so that the same question is paid for once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final, Literal, Protocol

import msgspec

from auditor.records import Exchange

TapeMode = Literal["auto", "record", "replay"]
"""``auto``: read the tape, else ask and record. ``record``: ask and overwrite. ``replay``: never touch the network."""

_RAW = msgspec.json.Decoder(msgspec.Raw)
_STREAMS: Final = frozenset({"text/event-stream", "application/x-ndjson", "application/jsonl"})
_STREAM_STARTS: Final = (b"data:", b"event:", b":")


class Tape(Protocol):
    """Where exchanges are kept. All methods are called from one thread."""

    def get(self, key: str) -> Exchange | None:
        """Give the exchange under ``key``, or None."""

    def put(self, exchange: Exchange) -> None:
        """Keep ``exchange`` under its own key, replacing what is there; durable a moment later."""

    def candidates(self, endpoint: str, path: str) -> Iterable[Exchange]:
        """Give the recorded exchanges of one endpoint and path, to find the nearest one to a miss."""

    def keys(self) -> Iterable[str]:
        """Give all keys on the tape."""


class MemoryTape:
    """A tape that lasts as long as the process: for tests and one-off probes."""

    def __init__(self, exchanges: Iterable[Exchange] = ()) -> None:
        self._exchanges = {exchange.key: exchange for exchange in exchanges}

    def get(self, key: str) -> Exchange | None:
        """Give the exchange under ``key``, or None."""
        return self._exchanges.get(key)

    def put(self, exchange: Exchange) -> None:
        """Keep ``exchange``, replacing what is under its key."""
        self._exchanges[exchange.key] = exchange

    def candidates(self, endpoint: str, path: str) -> Iterable[Exchange]:
        """Give the recorded exchanges of one endpoint and path."""
        return [item for item in self._exchanges.values() if item.endpoint == endpoint and item.path == path]

    def keys(self) -> Iterable[str]:
        """Give all keys, oldest first."""
        return list(self._exchanges)


def canonical_body(body: bytes) -> bytes:
    """Write a JSON body with sorted keys and without spaces; any other body comes back as it is."""
    if not body:
        return b""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body


def exchange_key(endpoint: str, method: str, path: str, canonical_body: bytes, sample: int) -> str:
    """Name an exchange by what was asked: SHA-256 in hex over endpoint, method, path with query, body and sample.

    Headers have no part in it: they carry keys and client versions, not the question.
    """
    parts = (endpoint.encode(), method.upper().encode(), path.encode(), str(sample).encode(), canonical_body)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def json_in_one_line(body: bytes) -> bytes | None:
    """Give a JSON body without line breaks, its values untouched, or None if it is not one valid JSON text in UTF-8."""
    try:
        value = bytes(_RAW.decode(body))
        if not value.isascii():
            value.decode()
        return msgspec.json.format(value, indent=-1) if b"\n" in value or b"\r" in value else value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def readable(body: bytes, content_type: str = "") -> bool:
    """Whether a body is what an API answers with: a JSON object or list, or an event stream.

    A stream that broke off inside an event is none. The body decides, because servers and proxies get the content type wrong; NaN and infinities, which some servers
    write into JSON, are put up with.
    """
    if content_type.partition(";")[0].strip().lower() in _STREAMS:
        return _ends_well(body)
    start = body[:64].lstrip()
    if start[:1] not in {b"{", b"["}:
        return start.startswith(_STREAM_STARTS) and _ends_well(body)
    try:
        _RAW.decode(body)
        if not body.isascii():
            body.decode()
    except UnicodeDecodeError:
        return False
    except (msgspec.MsgspecError, RecursionError):
        return (b"NaN" in body or b"Infinity" in body) and _is_loose_json(body)
    return True


def _ends_well(stream: bytes) -> bool:
    """Whether the last line of a stream is whole: one that broke off in the middle of an event is no answer."""
    if stream.endswith((b"\n", b"\r", b"[DONE]")):
        return True
    last = stream.rpartition(b"\n")[2].removeprefix(b"data:").strip()
    return last[:1] == b"{" and readable(last)


def _is_loose_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
