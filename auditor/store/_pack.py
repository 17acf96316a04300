"""Rows' bodies: msgspec JSON, compressed when that pays."""

from __future__ import annotations

import sys
import zlib
from typing import Any, Final, TypeVar

import msgspec

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

T = TypeVar("T")
_WORTH_IT: Final = 256
_LONG: Final = 4096
"""From here on zstd takes a quarter of zlib's time and makes it smaller; below, setting it up costs more than it gains."""
_LEVEL: Final = 1
_PLAIN, _ZLIB, _ZSTD = b"\x00", b"\x01", b"\x02"
_encoder = msgspec.json.Encoder()
# One for all: setting one up takes as long as compressing a few kilobytes.
_compressor = zstd.ZstdCompressor(_LEVEL)


def squeeze(data: bytes) -> bytes:
    """Compress bytes if they are long enough to gain; the first byte says which was done."""
    if len(data) <= _WORTH_IT:
        return _PLAIN + data
    return (
        _ZLIB + zlib.compress(data, 1)
        if len(data) < _LONG
        else _ZSTD + _compressor.compress(data, _compressor.FLUSH_FRAME)
    )


def expand(blob: bytes) -> bytes:
    """Undo :func:`squeeze`."""
    how, rest = blob[:1], blob[1:]
    if how == _ZSTD:
        return zstd.decompress(rest)
    return zlib.decompress(rest) if how == _ZLIB else rest


def pack(value: Any) -> bytes:
    """Encode a record."""
    return squeeze(_encoder.encode(value))


def unpack(blob: bytes, kind: type[T]) -> T:
    """Decode a record of a known type."""
    return msgspec.json.decode(expand(blob), type=kind)
