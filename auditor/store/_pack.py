"""Rows' bodies: msgspec JSON, compressed when that pays."""

from __future__ import annotations

import zlib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_WORTH_IT = 256
_PLAIN, _ZLIB = b"\x00", b"\x01"
_encoder = msgspec.json.Encoder()


def squeeze(data: bytes) -> bytes:
    """Compress bytes if they are long enough to gain; the first byte says which was done."""
    return _ZLIB + zlib.compress(data, 1) if len(data) > _WORTH_IT else _PLAIN + data


def expand(blob: bytes) -> bytes:
    """Undo :func:`squeeze`."""
    return zlib.decompress(blob[1:]) if blob[:1] == _ZLIB else blob[1:]


def pack(value: Any) -> bytes:
    """Encode a record."""
    return squeeze(_encoder.encode(value))


def unpack(blob: bytes, kind: type[T]) -> T:
    """Decode a record of a known type."""
    return msgspec.json.decode(expand(blob), type=kind)
