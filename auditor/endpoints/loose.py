"""Reading JSON as servers write it. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def read_json(content: bytes) -> Any:
    """The value, or None if it is no JSON. NaN and infinities, which some servers write, are no JSON and become null."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return json.loads(content, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
