"""The outermost transport: answers from the tape, or asks and records."""

from __future__ import annotations

import asyncio
from array import array
from typing import Final

import httpx2
import msgspec

from auditor.errors import AuditorError
from auditor.records import Exchange
from auditor.wire.context import ELAPSED, FROM_TAPE, READABLE, context_of
from auditor.wire.miss import explain_miss
from auditor.wire.policy import told_status
from auditor.wire.redact import Redactor
from auditor.wire.tape import Tape, TapeMode, canonical_body, exchange_key, json_in_one_line, readable

_NOT_RECORDED: Final = frozenset({401, 402, 403, 404, 407})
"""Faults of key, account or address: they get fixed, and then the same question is asked again."""


class TapeTransport(httpx2.AsyncBaseTransport):
    """Answers requests to ``endpoint`` from ``tape``, or through ``inner`` and then from what was put on the tape.

    Live and replayed responses are built from the same Exchange, so nothing above can tell them apart but by the
    extensions ``auditor_from_tape`` (bool) and ``auditor_elapsed_s`` (seconds, as recorded). In ``auto`` mode a request
    that is already on its way is not sent twice: both callers get the one answer.

    Raises CassetteMiss in ``replay`` mode, and what ``inner`` raises.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport | None,
        *,
        endpoint: str,
        tape: Tape,
        mode: TapeMode,
        redactor: Redactor,
    ) -> None:
        if inner is None and mode != "replay":
            raise ValueError(f"mode {mode!r} needs a network")
        self._inner = inner
        self._endpoint = endpoint
        self._tape = tape
        self._mode = mode
        self._redactor = redactor
        self._flights: dict[str, _Flight] = {}
        # Beginnings of the keys that were asked: 8 bytes each, because a run can have 100,000.
        self._asked = array("Q")

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        context = context_of(request)
        self._redactor.learn(request.headers)
        body = self._redactor.body(canonical_body(await request.aread()))
        path = self._redactor.text(request.url.raw_path.decode("ascii"))
        key = exchange_key(self._endpoint, request.method, path, body, context.sample)
        context.key = key
        self._asked.append(_beginning(key))

        exchange = self._tape.get(key) if self._mode != "record" else None
        if exchange is not None:
            return _response(exchange, request, from_tape=True)
        question = Exchange(
            key=key,
            endpoint=self._endpoint,
            method=request.method,
            path=path,
            request=body,
            sample=context.sample,
            status=0,
            headers={},
            response=b"",
            elapsed_s=0.0,
        )
        context.model = _model(body)
        if self._inner is None or self._mode == "replay":
            raise explain_miss(self._tape, question, self._redactor)
        if self._mode == "record":
            return _response(await self._ask(self._inner, request, question), request, from_tape=False)
        return _response(await self._ask_once(self._inner, request, question), request, from_tape=False)

    def unused(self) -> list[Exchange]:
        """Give the endpoint's exchanges on the tape that nobody asked for since this transport was made."""
        asked = set(self._asked)
        keys = [key for key in self._tape.keys() if _beginning(key) not in asked]  # noqa: SIM118 - a Tape is no mapping
        found = (self._tape.get(key) for key in keys)
        return [exchange for exchange in found if exchange is not None and exchange.endpoint == self._endpoint]

    async def aclose(self) -> None:
        """Close what is below; the tape belongs to whoever opened it."""
        if self._inner is not None:
            await self._inner.aclose()

    async def _ask_once(
        self, inner: httpx2.AsyncBaseTransport, request: httpx2.Request, question: Exchange
    ) -> Exchange:
        key = question.key
        while (flight := self._flights.get(key)) is not None:
            await flight.landed.wait()
            if flight.error is not None:
                raise _again(flight.error)
            if flight.exchange is not None:
                return flight.exchange
            # The one who was asking got cancelled: the first to wake up asks, the others wait for that.
        flight = self._flights[key] = _Flight()
        try:
            flight.exchange = await self._ask(inner, request, question)
        except Exception as error:
            flight.error = error
            raise
        finally:
            del self._flights[key]
            flight.landed.set()
        return flight.exchange

    async def _ask(self, inner: httpx2.AsyncBaseTransport, request: httpx2.Request, question: Exchange) -> Exchange:
        response = await inner.handle_async_request(request)
        body = self._redactor.body(response.content)
        is_answer = response.extensions.get(READABLE) or readable(body, response.headers.get("content-type", ""))
        if is_answer and (b"\n" in body or b"\r" in body):
            body = json_in_one_line(body) or body
        exchange = Exchange(
            key=question.key,
            endpoint=question.endpoint,
            method=question.method,
            path=question.path,
            request=question.request,
            sample=question.sample,
            status=response.status_code,
            headers=self._redactor.headers(response.headers),
            response=body,
            elapsed_s=round(float(response.extensions.get(ELAPSED, 0.0)), 4),
        )
        if is_answer and _is_lasting(told_status(response.status_code, body)):
            self._tape.put(exchange)
        return exchange


class _Named(msgspec.Struct):
    model: str = ""


_NAMED: Final = msgspec.json.Decoder(_Named)


def _model(request: bytes) -> str:
    """The model that a request names; "" if it names none."""
    try:
        return _NAMED.decode(request).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


class _Flight:
    """A request on its way, and what came of it: an exchange, an error, or neither if it was cancelled."""

    __slots__ = ("error", "exchange", "landed")

    def __init__(self) -> None:
        self.landed = asyncio.Event()
        self.exchange: Exchange | None = None
        self.error: Exception | None = None


def _is_lasting(status: int) -> bool:
    return 200 <= status < 300 or (400 <= status < 500 and status not in _NOT_RECORDED)


def _beginning(key: str) -> int:
    return int(key[:16], 16)


def _again(error: Exception) -> Exception:
    # One exception object raised in two tasks would collect both tracebacks.
    return type(error)(error.what, error.todo) if isinstance(error, AuditorError) else error


def _response(exchange: Exchange, request: httpx2.Request, *, from_tape: bool) -> httpx2.Response:
    headers = dict(exchange.headers)
    headers["content-length"] = str(len(exchange.response))
    return httpx2.Response(
        exchange.status,
        headers=headers,
        # A stream, not content: then reading it raw, in pieces or whole works as it does over a network.
        stream=httpx2.ByteStream(exchange.response),
        request=request,
        extensions={ELAPSED: exchange.elapsed_s, FROM_TAPE: from_tape},
    )
