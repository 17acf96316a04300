"""The network itself: HTTP/1.1 through the proxy that the environment names, and no answer that belongs to another question."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping
from typing import Any

import httpx2

from auditor.errors import Unreachable
from auditor.wire.limits import WireLimits


def open_network(endpoint: str, limits: WireLimits) -> httpx2.AsyncBaseTransport:
    """Open the real network to ``endpoint``. Raises Unreachable if the proxy in the environment can't be used."""
    connections = httpx2.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency)
    try:
        return FreshAnswers(httpx2.AsyncHTTPTransport(limits=connections, proxy=_proxy(httpx2.URL(endpoint))))
    except (ImportError, ValueError) as fault:
        what = f"can't use the proxy that the environment names for {endpoint}: {fault}"
        raise Unreachable(what, "Correct the proxy variable, or unset it for this host with NO_PROXY.") from fault


class FreshAnswers(httpx2.AsyncBaseTransport):
    """Refuses an answer that was there before its question had been sent.

    A server or proxy that sends one response twice leaves the copy in the buffer of a kept connection, and HTTP/1.1
    gives it to the next question; from then on every answer on that connection is the previous question's. A true
    answer has to be read from the network, which lets the event loop run; a leftover one comes at once. Raises
    httpx2.RemoteProtocolError for it, and the connection is closed.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        request.extensions["trace"] = _Watch(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


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
