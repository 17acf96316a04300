"""Serving an ASGI app over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def serve(app: ASGIApp, host: str = LOOPBACK, port: int = 8000) -> None:
    """Serve until interrupted (SIGINT or SIGTERM); prints nothing. Raises OSError if the port can't be bound."""
    with contextlib.closing(_bound(host, port)) as sock:
        uvicorn.Server(_config(app)).run(sockets=[sock])


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[str]:
    """Serve in the running event loop while the block runs; gives the base URL, "http://host:port/v1". Port 0 picks one.

    Signals stay with the caller. Raises OSError if the port can't be bound.
    """
    with contextlib.closing(_bound(host, port)) as sock:
        sock.listen()
        number = sock.getsockname()[1]
        server = uvicorn.Server(_config(app))
        task = asyncio.create_task(server._serve([sock]))  # noqa: SLF001  (serve() would take over the signals)
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{number}/v1"
        finally:
            server.should_exit = True
            await task
