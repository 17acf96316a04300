"""The network itself: HTTP/1.1, through the proxy that the environment names, and no answer that belongs to another question.

Without a proxy it is aiohttp's, for its speed (docs/wire.md has the figures); through one it is httpx2's, which knows SOCKS.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx2

from auditor.errors import Unreachable


def open_network(endpoint: str) -> httpx2.AsyncBaseTransport:
    """Open the real network to ``endpoint``. Raises Unreachable if the proxy in the environment can't be used."""
    proxy = _proxy(httpx2.URL(endpoint))
    if proxy is None:
        # aiohttp takes 0.1 s to import: only who talks to a server pays.
        from auditor.wire.direct import DirectTransport

        return DirectTransport()
    try:
        trust = httpx2.create_ssl_context()
        one = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
        lanes = Lanes(lambda: httpx2.AsyncHTTPTransport(verify=trust, limits=one, proxy=proxy))
    except (ImportError, ValueError) as fault:
        what = f"can't use the proxy that the environment names for {endpoint}: {fault}"
        raise Unreachable(what, "Correct the proxy variable, or unset it for this host with NO_PROXY.") from fault
    return lanes


class Lanes(httpx2.AsyncBaseTransport):
    """One transport with one connection for each request under way; the one that was used last is used next.

    A pool of many connections looks at each of them for every request, which with a hundred is a third of all work; a
    stack has to look at one. How many requests are under way is the limiter's to say.

    For a connection through a proxy. Each lane refuses an answer that was there before its question had been sent. A server or proxy that sends one
    response twice leaves the copy in the buffer of a kept connection, and HTTP/1.1 gives it to the next question; from
    then on every answer on that connection is the previous question's. A true answer has to be read from the network,
    which lets the event loop run; a leftover one comes at once. Raises httpx2.RemoteProtocolError for it, and the
    connection is closed.
    """

    def __init__(self, build: Callable[[], httpx2.AsyncBaseTransport]) -> None:
        self._build = build
        # The first one at once, so that a proxy that can't be used is told before anything is asked.
        self._idle = [build()]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        lane = self._idle.pop() if self._idle else self._build()
        request.extensions["trace"] = _Watch(request)
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._idle.append(lane)
            raise
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)  # noqa: S101 - what an async transport gives
        response.stream = _Lent(stream, lambda: self._idle.append(lane))
        return response

    async def aclose(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            await self._idle.pop().aclose()


class _Lent(httpx2.AsyncByteStream):
    """A body whose lane goes back when it is closed."""

    def __init__(self, stream: httpx2.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back: Callable[[], None] | None = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        """Close the body and give the lane back, once."""
        try:
            await self._stream.aclose()
        finally:
            if self._give_back is not None:
                self._give_back()
                self._give_back = None


class _Watch:
    """Hears what the connection does with one request."""

    __slots__ = ("_read", "_request", "_turn")

    def __init__(self, request: httpx2.Request) -> None:
        self._request = request
        self._read = False
        self._turn: asyncio.Handle | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "http11.receive_response_headers.started":
            self._turn = asyncio.get_running_loop().call_soon(self._passed)
        elif event == "http11.receive_response_headers.complete" and not self._read:
            raise httpx2.RemoteProtocolError(
                "an answer came before the question, so it belongs to another one", request=self._request
            )
        elif event == "http11.receive_response_headers.failed" and self._turn is not None:
            self._turn.cancel()

    def _passed(self) -> None:
        self._read = True


def _proxy(url: httpx2.URL) -> str | None:
    # A client given a transport does not look at the environment's proxies any more, so it is done here.
    proxies = urllib.request.getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    return address if "://" in address else f"http://{address}"
