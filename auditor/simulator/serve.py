"""Serving an ASGI app over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Generator

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"


def _url(host: str, sock: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{sock.getsockname()[1]}/v1"


class _GuestServer(uvicorn.Server):
    """A server inside somebody else's event loop: signals stay with its host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take over nothing."""
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    # Planted resets are exceptions on purpose: only what is critical may reach the terminal of whoever serves.
    return uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1024)
    except OSError:
        sock.close()
        raise
    return sock


def serve(app: ASGIApp, host: str = LOOPBACK, port: int = 8000, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, which are raised again after an orderly end; prints nothing.

    ``ready`` is called with the base URL, "http://host:port/v1", once connections are accepted. Port 0 picks a free one.
    Raises OSError if the port can't be bound.
    """
    with contextlib.closing(_bound(host, port)) as sock:
        if ready is not None:
            ready(_url(host, sock))
        uvicorn.Server(_config(app)).run(sockets=[sock])


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[str]:
    """Serve in the running event loop while the block runs; gives the base URL, "http://host:port/v1". Port 0 picks one.

    Signals stay with the caller. Raises OSError if the port can't be bound.
    """
    with contextlib.closing(_bound(host, port)) as sock:
        server = _GuestServer(_config(app))
        task = asyncio.create_task(server.serve([sock]))
        try:
            yield _url(host, sock)
        finally:
            server.should_exit = True
            await task
