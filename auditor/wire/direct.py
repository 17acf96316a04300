"""The network without a proxy, over aiohttp: the same HTTP/1.1 as httpx2's own transport at a fifth of its CPU time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import httpx2
from yarl import URL

KEPT_S: Final = 4.0
"""Seconds an idle connection is kept: less than the 5 after which uvicorn, under many an engine, closes it."""
LONGEST_HEADER: Final = 2**16
READ_AT_ONCE: Final = 2**18

_NOT_ADDED: Final = ("accept", "accept-encoding", "content-type", "user-agent")


class DirectTransport(httpx2.AsyncBaseTransport):
    """Sends requests as they are, one try each: no redirects, no cookies, no proxy, bodies as they came.

    A connection for each request under way; how many there are is the limiter's to say. Certificates are checked
    against httpx2's trust store. ``extensions["timeout"]`` counts as with httpx2's own transport (``connect`` and ``read``).

    Raises the httpx2.RequestError that httpx2's transport would, aiohttp's own error as its cause, and
    httpx2.RemoteProtocolError for an answer that was there before its question had been sent: see :class:`_Answer`.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._trust: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the body is read from the response's stream."""
        session = self._session or self._open()
        timeouts = request.extensions.get("timeout", {})
        try:
            answer = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=await request.aread() or None,
                allow_redirects=False,
                ssl=self._trusted() if request.url.scheme == "https" else True,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=timeouts.get("connect"), sock_read=timeouts.get("read")
                ),
            )
        except Exception as fault:
            raise _as_httpx2(fault, request) from fault
        return httpx2.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request))

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _trusted(self) -> ssl.SSLContext:
        # Certificates take 30 ms to read: not for a server on this machine.
        if self._trust is None:
            self._trust = httpx2.create_ssl_context()
        return self._trust

    def _open(self) -> aiohttp.ClientSession:
        # Only now, because a session belongs to the event loop that runs.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Answer,
            middlewares=(_once,),
            skip_auto_headers=_NOT_ADDED,
            # httpx2 decodes, and the length is checked against what came over the network.
            auto_decompress=False,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            read_bufsize=READ_AT_ONCE,
        )
        return self._session


class _Leftover(aiohttp.ClientConnectionError):
    """The connection held an answer before the question was sent."""


class _Broken(aiohttp.ClientConnectionError):
    """The connection broke before an answer began."""


class _Answer(aiohttp.ClientResponse):
    """Refuses an answer that was there before its question had been sent.

    A server or proxy that sends one response twice leaves the copy in a kept connection, and HTTP/1.1 gives it to the next
    question; from then on every answer on that connection is the previous question's. aiohttp closes a connection that
    holds more than its answer when the answer ends, but not one to which more comes while it lies idle.
    """

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Wait for the answer's headers."""
        # Here the event loop has not run since the connection was taken: what it holds now is not about this question.
        if connection.protocol is not None and connection.protocol.should_close:
            raise _Leftover("an answer came before the question, so it belongs to another one")
        return await super().start(connection)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a GET again on its own when a kept connection breaks: every try is in the ledger."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as fault:
        raise _Broken(_words(fault)) from fault


class _Body(httpx2.AsyncByteStream):
    """The body as it came over the network."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except Exception as fault:
            raise _as_httpx2(fault, self._request) from fault

    async def aclose(self) -> None:
        """Give the connection back; close it if the body was not read to its end."""
        self._answer.close()


_FAULTS: Final[tuple[tuple[type[BaseException], type[httpx2.RequestError]], ...]] = (
    (aiohttp.InvalidURL, httpx2.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx2.UnsupportedProtocol),
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
    (asyncio.TimeoutError, httpx2.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    # Not a certificate that was refused: a TLS connection that broke.
    (aiohttp.ClientSSLError, httpx2.ConnectError),
    (_Leftover, httpx2.RemoteProtocolError),
    (_Broken, httpx2.ReadError),
    (aiohttp.ClientPayloadError, httpx2.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx2.RemoteProtocolError),
    (aiohttp.ClientError, httpx2.ReadError),
    (OSError, httpx2.ReadError),
    # A header or a host name that can't be written.
    (ValueError, httpx2.LocalProtocolError),
)
"""aiohttp's errors as httpx2's, the first that fits: the retry policy knows only those."""


def _as_httpx2(fault: Exception, request: httpx2.Request) -> Exception:
    kind = next((ours for theirs, ours in _FAULTS if isinstance(fault, theirs)), None)
    return fault if kind is None else kind(_words(fault), request=request)


def _words(fault: BaseException) -> str:
    """What happened, without the request: aiohttp quotes its URL and its headers."""
    if isinstance(fault, aiohttp.ClientResponseError):
        return f"what came is no HTTP: {fault.message}"
    if isinstance(fault, aiohttp.ConnectionTimeoutError):
        return "no connection came about in time"
    if isinstance(fault, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    if isinstance(fault, aiohttp.ClientConnectorError):
        return str(fault.os_error) or type(fault.os_error).__name__
    return str(fault) or type(fault).__name__
