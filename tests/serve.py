"""An ASGI app on loopback in a thread of its own, for tests that start other processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from starlette.types import ASGIApp

from auditor.simulator import serving


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve while the block runs; gives the base URL."""
    ready: Future[str] = Future()
    stop: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        event = asyncio.Event()
        async with serving(app) as url:
            stop.set_result((asyncio.get_running_loop(), event))
            ready.set_result(url)
            await event.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        yield ready.result(timeout=30)
    finally:
        loop, event = stop.result(timeout=30)
        loop.call_soon_threadsafe(event.set)
        thread.join()
