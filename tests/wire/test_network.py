from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from auditor.errors import Unreachable
from auditor.records import Attempt
from auditor.wire import MemoryTape, WireLimits, open_wire
from auditor.wire.direct import DirectTransport
from auditor.wire.network import Lanes, open_network
from auditor.wire.policy import fault_kind


def lanes() -> Lanes:
    """What is used through a proxy, here without one."""
    return Lanes(httpx2.AsyncHTTPTransport)


both = pytest.mark.parametrize("build", [DirectTransport, lanes])


class Echo:
    """A raw server that answers each path with itself; with ``twice`` in the path twice, with ``/broken`` not in full,
    with ``/silent`` not at all, with ``/nonsense`` in no protocol. :meth:`repeat` sends what it sent last once more.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.heads: list[str] = []
        self._last: tuple[asyncio.StreamWriter, bytes] | None = None
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

    async def repeat(self) -> None:
        """Send the last answer once more, and let it arrive."""
        assert self._last is not None
        writer, answer = self._last
        writer.write(answer)
        for _ in range(5):
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                question = await reader.readuntil(b"\r\n\r\n")
                path = question.split()[1]
                self.requests += 1
                self.heads.append(question.decode().lower())
                if path == b"/silent":
                    await reader.read()
                if path == b"/closed":
                    break
                if path == b"/nonsense":
                    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
                    break
                body = b'{"path": "%s"}' % path
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                if path == b"/broken":
                    writer.write(head + body[:5])
                    break
                if path == b"/moved":
                    head = head.replace(b"200 OK", b"302 Found").replace(
                        b"content-type", b"location: /a\r\ncontent-type"
                    )
                if path == b"/packed":
                    body = gzip.compress(body)
                    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
                self._last = writer, head + body
                writer.write((head + body) * (2 if b"twice" in path else 1))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@both
async def test_an_answer_that_comes_twice_is_not_given_to_the_next_question(
    build: Callable[[], httpx2.AsyncBaseTransport],
) -> None:
    attempts: list[Attempt] = []
    echo = Echo()
    limits = WireLimits(backoff_first_s=0.001)
    async with (
        echo.serving() as url,
        open_wire(url, tape=MemoryTape(), network=build(), on_attempt=attempts.append, limits=limits) as wire,
    ):
        for number in range(10):
            path = f"/{'twice' if number % 3 == 0 else 'once'}/{number}"
            assert (await wire.client.get(url + path)).json() == {"path": path}
    # Either the copy is seen with the answer, or by the next question: the connection is not used on.
    assert echo.connections >= 4
    assert len(attempts) == echo.requests
    assert all(attempt.error == "" or "an answer came before the question" in attempt.error for attempt in attempts)


@both
async def test_an_answer_that_comes_again_later_is_not_given_to_the_next_question(
    build: Callable[[], httpx2.AsyncBaseTransport],
) -> None:
    attempts: list[Attempt] = []
    echo = Echo()
    limits = WireLimits(backoff_first_s=0.001)
    async with (
        echo.serving() as url,
        open_wire(url, tape=MemoryTape(), network=build(), on_attempt=attempts.append, limits=limits) as wire,
    ):
        for number in range(4):
            assert (await wire.client.get(f"{url}/{number}")).json() == {"path": f"/{number}"}
            await echo.repeat()
    assert echo.connections == 4
    assert len(attempts) == echo.requests


@both
async def test_connections_are_kept_and_no_more_are_opened_than_are_used_at_once(
    build: Callable[[], httpx2.AsyncBaseTransport],
) -> None:
    echo = Echo()
    async with echo.serving() as url, httpx2.AsyncClient(transport=build()) as client:
        for _ in range(5):
            await client.get(url + "/a")
        assert echo.connections == 1
        await asyncio.gather(*(client.get(f"{url}/{number}") for number in range(4)))
        await asyncio.gather(*(client.get(f"{url}/{number}") for number in range(4)))
        assert echo.connections <= 4
        assert echo.requests == 13


@both
async def test_a_fault_is_told_as_what_it_is_and_leaves_the_network_usable(
    build: Callable[[], httpx2.AsyncBaseTransport],
) -> None:
    echo = Echo()
    async with echo.serving() as url, httpx2.AsyncClient(transport=build()) as client:
        for address, error, kind in (
            ("http://127.0.0.1:1/", httpx2.ConnectError, {"refused"}),
            # A resolver that can't be reached itself is one in trouble.
            ("http://no-such-host.invalid/", httpx2.ConnectError, {"refused", "broken"}),
            ("ftp://127.0.0.1/", httpx2.UnsupportedProtocol, {"hopeless"}),
            (url + "/broken", httpx2.RemoteProtocolError, {"broken"}),
            (url + "/nonsense", httpx2.RemoteProtocolError, {"broken"}),
            (url + "/closed", httpx2.TransportError, {"broken"}),
            (url + "/silent", httpx2.ReadTimeout, {"timeout"}),
        ):
            with pytest.raises(error) as told:
                await client.get(address, timeout=0.2)
            assert fault_kind(told.value) in kind, address
            assert url not in str(told.value)
        assert (await client.get(url + "/a")).json() == {"path": "/a"}


@both
async def test_a_request_goes_out_as_it_is_and_its_answer_comes_as_it_was_sent(
    build: Callable[[], httpx2.AsyncBaseTransport],
) -> None:
    echo = Echo()
    async with echo.serving() as url, httpx2.AsyncClient(transport=build(), headers={"user-agent": "me"}) as client:
        assert (await client.get(url + "/moved")).status_code == 302
        packed = await client.get(url + "/packed")
        assert (packed.json(), packed.headers["content-encoding"]) == ({"path": "/packed"}, "gzip")
        odd = "/a%2Fb//c?x=%20&y=ä"
        path = (await client.get(url + odd)).json()["path"]
        assert path == "/a%2Fb//c?x=%20&y=%C3%A4"
    names = [line.partition(":")[0] for line in echo.heads[0].splitlines()[1:] if line]
    assert sorted(names) == ["accept", "accept-encoding", "connection", "host", "user-agent"]
    assert "user-agent: me" in echo.heads[0]


async def test_a_get_that_finds_its_kept_connection_closed_is_not_sent_again_unseen() -> None:
    echo = Echo()
    async with echo.serving() as url, httpx2.AsyncClient(transport=DirectTransport()) as client:
        await client.get(url + "/a")
        with pytest.raises(httpx2.ReadError):
            await client.get(url + "/closed")
        assert echo.requests == 2


def test_a_proxy_that_cannot_be_used_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "gopher://proxy.example:70")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(Unreachable, match="proxy"):
        open_network("http://models.example/v1")
