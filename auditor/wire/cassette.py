"""A tape as a text file that can be committed: JSON Lines, one exchange per line, JSON bodies as JSON."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final, Self

import msgspec

from auditor.errors import CassetteError
from auditor.records import Exchange
from auditor.wire.tape import canonical_body, exchange_key, json_in_one_line

SCHEMA: Final = "auditor.cassette/1"

# One object, because msgspec leaves a field out only if it holds the very object that is its default.
_NOTHING: Final = msgspec.Raw(b"")

_LOG = logging.getLogger(__name__)


class CassetteTape:
    """A tape in the file ``path``.

    The first line names the schema and carries ``note`` (where the recording comes from). While recording, each exchange
    is appended and handed to the operating system before ``put`` returns. ``close`` then rewrites the file in one step,
    sorted by endpoint, path, request and sample: what was recorded in another order gives the same file, and a changed
    prompt stays near its place. Nothing is written unless something is put. Keys are not stored but computed from
    the request, so a line may be written by hand.

    A half-written last line (the machine stopped while writing) is dropped with a warning. Raises CassetteError if the
    file is malformed anywhere else, is from a newer version, or is missing although ``must_exist``.
    """

    def __init__(self, path: str | Path, *, must_exist: bool = False, note: str = "") -> None:
        self.path = Path(path)
        self._note = note
        self._exchanges: dict[str, Exchange] = {}
        self._file: BinaryIO | None = None
        self._intact = 0
        self._unended = False
        if self.path.exists():
            self._load()
        elif must_exist:
            raise CassetteError(f"there is no cassette {self.path}", "Check the path, or record one with --record.")

    @property
    def note(self) -> str:
        """What the file says about where it comes from."""
        return self._note

    def get(self, key: str) -> Exchange | None:
        """Give the exchange under ``key``, or None."""
        return self._exchanges.get(key)

    def put(self, exchange: Exchange) -> None:
        """Append ``exchange``; a later line replaces an earlier one with the same request and sample."""
        if self._file is None:
            self._file = self._open()
        self._file.write(_encode(exchange))
        self._file.flush()
        self._exchanges[exchange.key] = exchange

    def candidates(self, endpoint: str, path: str) -> Iterable[Exchange]:
        """Give the recorded exchanges of one endpoint and path."""
        return [item for item in self._exchanges.values() if item.endpoint == endpoint and item.path == path]

    def keys(self) -> Iterable[str]:
        """Give all keys."""
        return list(self._exchanges)

    def close(self) -> None:
        """Bring the file into its final order if anything was put; the tape can be used on afterwards."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        rest = self.path.with_name(self.path.name + ".tmp")
        with rest.open("wb") as file:
            file.write(_head(self._note))
            file.writelines(_encode(exchange) for exchange in sorted(self._exchanges.values(), key=_order))
            file.flush()
            os.fsync(file.fileno())
        rest.replace(self.path)
        self._intact = self.path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab")
        # Cut off what a crash left half-written, or the next line would be glued to it.
        file.truncate(self._intact)
        if self._intact == 0:
            file.write(_head(self._note))
        elif self._unended:
            file.write(b"\n")
        self._unended = False
        return file

    def _load(self) -> None:
        content = self.path.read_bytes()
        lines = content.split(b"\n")
        last = lines.pop()
        for number, line in enumerate(lines, start=1):
            try:
                self._read_line(line, number)
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as fault:
                what = f"{self.path}, line {number}, is no recorded exchange: {fault}"
                raise CassetteError(what, "Restore the file, or record it again with --record.") from fault
        self._intact = len(content)
        if last:
            try:
                self._read_line(last, len(lines) + 1)
                self._unended = True
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
                self._intact -= len(last)
                _LOG.warning("%s: dropped a half-written last line", self.path)

    def _read_line(self, line: bytes, number: int) -> None:
        if number == 1:
            head = msgspec.json.decode(line, type=_Head)
            if head.schema != SCHEMA:
                what = f"{self.path} is of schema {head.schema!r}, this version reads {SCHEMA!r}"
                raise CassetteError(
                    what, "Use the version of auditor that recorded it, or record it again with --record."
                )
            self._note = self._note or head.note
        elif line.strip():
            exchange = _decode(line)
            self._exchanges[exchange.key] = exchange


class _Head(msgspec.Struct):
    schema: str
    note: str = ""


class _Line(msgspec.Struct, omit_defaults=True):
    # JSON bodies go in as they are, text (event streams) as a string, anything else as base64.
    endpoint: str
    method: str
    path: str
    status: int
    elapsed_s: float
    sample: int = 0
    request: msgspec.Raw = _NOTHING
    request_text: str = ""
    request_base64: str = ""
    headers: dict[str, str] = {}
    response: msgspec.Raw = _NOTHING
    response_text: str = ""
    response_base64: str = ""


def _head(note: str) -> bytes:
    return msgspec.json.encode(_Head(SCHEMA, note)) + b"\n"


def _encode(exchange: Exchange) -> bytes:
    request, request_text, request_base64 = _pack(exchange.request)
    response, response_text, response_base64 = _pack(exchange.response)
    line = _Line(
        endpoint=exchange.endpoint,
        method=exchange.method,
        path=exchange.path,
        status=exchange.status,
        elapsed_s=exchange.elapsed_s,
        sample=exchange.sample,
        request=request,
        request_text=request_text,
        request_base64=request_base64,
        headers=dict(sorted(exchange.headers.items())),
        response=response,
        response_text=response_text,
        response_base64=response_base64,
    )
    return msgspec.json.encode(line) + b"\n"


def _decode(line: bytes) -> Exchange:
    row = msgspec.json.decode(line, type=_Line)
    request = canonical_body(_unpack(row.request, row.request_text, row.request_base64))
    return Exchange(
        key=exchange_key(row.endpoint, row.method, row.path, request, row.sample),
        endpoint=row.endpoint,
        method=row.method,
        path=row.path,
        request=request,
        sample=row.sample,
        status=row.status,
        headers=row.headers,
        response=_unpack(row.response, row.response_text, row.response_base64),
        elapsed_s=row.elapsed_s,
    )


def _pack(body: bytes) -> tuple[msgspec.Raw, str, str]:
    if not body:
        return _NOTHING, "", ""
    value = json_in_one_line(body)
    if value is not None:
        return msgspec.Raw(value), "", ""
    try:
        return _NOTHING, body.decode(), ""
    except UnicodeDecodeError:
        return _NOTHING, "", base64.b64encode(body).decode()


def _unpack(value: msgspec.Raw, text: str, encoded: str) -> bytes:
    return bytes(value) or text.encode() or base64.b64decode(encoded, validate=True)


def _order(exchange: Exchange) -> tuple[str, str, str, bytes, int]:
    return exchange.endpoint, exchange.path, exchange.method, exchange.request, exchange.sample
