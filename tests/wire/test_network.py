from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from auditor.errors import Unreachable
from auditor.records import Attempt
from auditor.wire import MemoryTape, WireLimits, open_wire
from auditor.wire.network import open_network


class Echo:
    """A raw server that answers each path with itself; what follows ``twice`` in a path comes twice."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
                self.requests += 1
                body = b'{"path": "%s"}' % path
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                writer.write((head + body) * (2 if b"twice" in path else 1))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def test_an_answer_that_comes_twice_is_not_given_to_the_next_question() -> None:
    attempts: list[Attempt] = []
    echo = Echo()
    async with (
        echo.serving() as url,
        open_wire(url, tape=MemoryTape(), on_attempt=attempts.append, limits=WireLimits(backoff_first_s=0.001)) as wire,
    ):
        for number in range(10):
            path = f"/{'twice' if number % 3 == 0 else 'once'}/{number}"
            assert (await wire.client.get(url + path)).json() == {"path": path}
    assert sum("an answer came before the question" in attempt.error for attempt in attempts) in {3, 4}


async def test_connections_are_kept_and_no_more_are_opened_than_are_used_at_once() -> None:
    echo = Echo()
    async with echo.serving() as url, httpx2.AsyncClient(transport=open_network(url)) as client:
        for _ in range(5):
            await client.get(url + "/a")
        assert echo.connections == 1
        await asyncio.gather(*(client.get(f"{url}/{number}") for number in range(4)))
        await asyncio.gather(*(client.get(f"{url}/{number}") for number in range(4)))
        assert echo.connections <= 4
        assert echo.requests == 13


async def test_a_refused_connection_leaves_the_lane_usable() -> None:
    echo = Echo()
    async with echo.serving() as url, httpx2.AsyncClient(transport=open_network(url)) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://127.0.0.1:1/")
        assert (await client.get(url + "/a")).json() == {"path": "/a"}


def test_a_proxy_that_cannot_be_used_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "gopher://proxy.example:70")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(Unreachable, match="proxy"):
        open_network("http://models.example/v1")
