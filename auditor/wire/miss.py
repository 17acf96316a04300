"""Explaining a miss in replay: which recorded request is nearest, and what is different."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from auditor.errors import CassetteMiss
from auditor.records import Exchange
from auditor.wire.redact import Redactor, shorten
from auditor.wire.tape import Tape

_LOOKED_AT: Final = 2000
_SHOWN: Final = 3
_TEXT: Final = 60
_ABSENT: Final = object()


def explain_miss(tape: Tape, asked: Exchange, redactor: Redactor) -> CassetteMiss:
    """Make the error for a request that is not on ``tape``. Of ``asked`` only the request's side is looked at."""
    what = f"the recording has no {asked.method} {asked.path} of {asked.endpoint} like this one (sample {asked.sample})"
    todo = "Ask what was recorded (same plan, banks and version), or record again with --record."
    nearest = _nearest(asked, tape.candidates(asked.endpoint, asked.path))
    if nearest is None:
        others = sorted({f"{item.method} {item.path} of {item.endpoint}" for item in _some(tape)})
        holds = "; ".join(others[:5]) if others else "nothing"
        return CassetteMiss(redactor.words(f"{what}; it holds {holds}", 1000), todo)
    differences = list(_differences(nearest, asked))
    more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    shown = "; ".join(differences[:_SHOWN]) or "nothing that can be shown"
    return CassetteMiss(redactor.words(f"{what}; the nearest recorded request differs in {shown}{more}", 1000), todo)


def _some(tape: Tape) -> Iterator[Exchange]:
    for key in islice(tape.keys(), _LOOKED_AT):
        exchange = tape.get(key)
        if exchange is not None:
            yield exchange


def _nearest(asked: Exchange, candidates: Iterable[Exchange]) -> Exchange | None:
    wanted = _leaves(asked)
    best: Exchange | None = None
    least = float("inf")
    for candidate in islice(candidates, _LOOKED_AT):
        distance = _distance(_leaves(candidate), wanted)
        if distance < least:
            best, least = candidate, distance
    return best


def _leaves(exchange: Exchange) -> dict[str, Any]:
    """Every value of the request under its place, so that two requests can be compared value by value."""
    leaves: dict[str, Any] = {"method": exchange.method, "sample": exchange.sample}
    try:
        waiting: list[tuple[str, Any]] = [("", msgspec.json.decode(exchange.request))]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        waiting = [("body", exchange.request.decode("utf-8", "replace"))]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting.extend((f"{place}.{name}" if place else name, item) for name, item in value.items())
        elif isinstance(value, list) and value:
            waiting.extend((f"{place}[{index}]", item) for index, item in enumerate(value))
        else:
            leaves[place] = value
    return leaves


def _distance(one: dict[str, Any], other: dict[str, Any]) -> float:
    total = 0.0
    for place in one.keys() | other.keys():
        a, b = one.get(place, _ABSENT), other.get(place, _ABSENT)
        if a == b:
            continue
        if isinstance(a, str) and isinstance(b, str):
            # A long common beginning or end makes two texts versions of one another.
            alike = _shared(a, b) + _shared(a[::-1], b[::-1])
            total += 1 - min(alike / (max(len(a), len(b)) + 1), 0.99)
        else:
            total += 1
    return total


def _shared(a: str, b: str) -> int:
    """Length of the common beginning."""
    return next((index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _differences(recorded: Exchange, asked: Exchange) -> Iterator[str]:
    one, other = _leaves(recorded), _leaves(asked)
    for place in sorted(one.keys() | other.keys()):
        a, b = one.get(place, _ABSENT), other.get(place, _ABSENT)
        if a == b:
            continue
        start = 0
        if isinstance(a, str) and isinstance(b, str):
            start = max(_shared(a, b) - _TEXT // 3, 0)
        yield f"{place}: recorded {_show(a, start)}, asked {_show(b, start)}"


def _show(value: Any, start: int) -> str:
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, str):
        return f"“{'…' if start else ''}{shorten(value[start:], _TEXT)}”"
    return shorten(msgspec.json.encode(value).decode(), _TEXT)
