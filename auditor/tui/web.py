"""The browser in a web browser, on this machine only: ``auditor view RUN --web``.

The same application runs without a terminal; the page shows its screen as a picture (SVG) and sends keys and clicks back.
It listens on loopback only, and answers only requests that name this host, come from its own page, and know a secret that is
made anew each time: another page in the same web browser can do none of these. One screen, shared by all its tabs.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from textual.pilot import Pilot

from auditor.tui.app import AuditorApp

HOST: Final = "127.0.0.1"
LOOK_S: Final = 0.25
"""Seconds between two looks at whether the screen changed by itself."""
PATIENCE_S: Final = 20.0
"""Seconds a page waits for a new picture before it asks again."""
_KEYS: Final = {
    "ArrowUp": "up",
    "ArrowDown": "down",
    "ArrowLeft": "left",
    "ArrowRight": "right",
    "PageUp": "pageup",
    "PageDown": "pagedown",
    "Home": "home",
    "End": "end",
    "Enter": "enter",
    "Escape": "escape",
    "Tab": "tab",
    "Backspace": "backspace",
    "Delete": "delete",
}
_WITH_CONTROL: Final = frozenset("optdu")


class WebView:
    """Serves one application to one person's web browser."""

    def __init__(self, app: AuditorApp, port: int, *, size: tuple[int, int] = (120, 36)) -> None:
        self.app = app
        self.port = port
        self.secret = secrets.token_urlsafe(24)
        self._size = size
        self._pilot: Pilot[None] = Pilot(app)
        self._number = 0
        self._picture = ""
        self._changed = asyncio.Condition()
        self._typing = asyncio.Lock()

    @property
    def url(self) -> str:
        """Where to look; holds the secret."""
        return f"http://{HOST}:{self.port}/{self.secret}/"

    def asgi(self) -> Starlette:
        """The web application."""
        base = f"/{self.secret}"
        routes = [
            Route(f"{base}/", self._guarded(self._page)),
            Route(f"{base}/frame", self._guarded(self._frame)),
            Route(f"{base}/key", self._guarded(self._key), methods=["POST"]),
            Route(f"{base}/click", self._guarded(self._click), methods=["POST"]),
        ]
        return Starlette(routes=routes)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the application without a terminal, and watch its screen."""
        running = asyncio.create_task(self.app.run_async(headless=True, size=self._size, mouse=True))
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            self.app.exit()
            await asyncio.gather(running, watching, return_exceptions=True)

    async def look(self) -> None:
        """Take a picture; if it is another one, tell the pages that wait for it."""
        if not self.app.is_running or len(self.app.screen_stack) < 2:
            return
        picture = self.app.export_screenshot(title="auditor view")
        if picture != self._picture:
            async with self._changed:
                self._picture = picture
                self._number += 1
                self._changed.notify_all()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            allowed = {f"{HOST}:{self.port}", f"localhost:{self.port}"}
            origin = request.headers.get("origin")
            if request.headers.get("host") not in allowed:
                return PlainTextResponse("This name is not served here.", 421)
            if origin is not None and (urlsplit(origin).scheme != "http" or urlsplit(origin).netloc not in allowed):
                return PlainTextResponse("Only the browser's own page may ask.", 403)
            if request.method == "POST" and origin is None:
                return PlainTextResponse("Only the browser's own page may ask.", 403)
            response = await answer(request)
            response.headers.update(
                {
                    "Cache-Control": "no-store",
                    "X-Content-Type-Options": "nosniff",
                    "Referrer-Policy": "no-referrer",
                    "Cross-Origin-Resource-Policy": "same-origin",
                    "X-Frame-Options": "DENY",
                }
            )
            return response

        return guarded

    async def _page(self, request: Request) -> Response:
        nonce = secrets.token_urlsafe(12)
        policy = (
            f"default-src 'none'; img-src blob:; connect-src 'self'; script-src 'nonce-{nonce}';"
            f" style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'"
        )
        return HTMLResponse(_PAGE.replace("{nonce}", nonce), headers={"Content-Security-Policy": policy})

    async def _frame(self, request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", "0"))
        except ValueError:
            after = 0
        await self.look()
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(lambda: self._number > after), PATIENCE_S)
            headers = {"X-Frame": str(self._number)}
            return Response(self._picture, media_type="image/svg+xml", headers=headers)

    async def _key(self, request: Request) -> Response:
        body = await _json(request)
        key, control = str(body.get("key", "")), bool(body.get("ctrl"))
        if key in _KEYS:
            name = _KEYS[key]
        elif len(key) == 1 and control and key.lower() in _WITH_CONTROL:
            name = f"ctrl+{key.lower()}"
        elif len(key) == 1 and not control:
            name = key
        else:
            return PlainTextResponse("", 204)
        async with self._typing:
            await self._pilot.press(name)
        await self.look()
        return PlainTextResponse("", 204)

    async def _click(self, request: Request) -> Response:
        body = await _json(request)
        try:
            x, y = float(body["x"]), float(body["y"])
        except (KeyError, TypeError, ValueError):
            return PlainTextResponse("", 400)
        if not (0 <= x < 1 and 0 <= y < 1):
            return PlainTextResponse("", 400)
        async with self._typing:
            await self._pilot.click(offset=(int(x * self._size[0]), int(y * self._size[1])))
        await self.look()
        return PlainTextResponse("", 204)


async def serve(app: AuditorApp, port: int, told: Callable[[str], None]) -> None:
    """Serve until interrupted. ``told`` hears the address. Raises OSError if the port is taken."""
    view = WebView(app, port)
    config = uvicorn.Config(view.asgi(), host=HOST, port=port, log_level="error", access_log=False, lifespan="off")
    async with view.running():
        told(view.url)
        await uvicorn.Server(config).serve()


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


# Cells of Rich's picture: where the text begins in it, and how large it is, so that a click finds its cell.
_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>auditor view</title>
<style nonce="{nonce}">
html, body { margin: 0; height: 100%; background: #12151c }
img { display: block; margin: 0 auto; max-width: 100%; max-height: 100vh }
</style></head><body><img id="screen" alt="The browser's screen"><script nonce="{nonce}">
const screen = document.getElementById("screen");
let number = 0, box = null;
const post = (where, body) => fetch(where, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
async function frames() {
  for (;;) {
    try {
      const answer = await fetch("frame?after=" + number);
      number = Number(answer.headers.get("X-Frame"));
      const text = await answer.text();
      const view = text.match(/viewBox="0 0 ([\\d.]+) ([\\d.]+)"/), clip = text.match(/-clip-terminal">\\s*<rect x="0" y="0" width="([\\d.]+)" height="([\\d.]+)"/);
      const move = text.match(/translate\\(([\\d.]+), ([\\d.]+)\\)" clip-path/);
      if (view && clip && move) box = [view, clip, move].map(m => [Number(m[1]), Number(m[2])]);
      const old = screen.src;
      screen.src = URL.createObjectURL(new Blob([text], {type: "image/svg+xml"}));
      if (old) URL.revokeObjectURL(old);
    } catch (error) { await new Promise(done => setTimeout(done, 1000)); }
  }
}
document.addEventListener("keydown", event => {
  if (event.altKey || event.metaKey || (event.ctrlKey && !"optdu".includes(event.key))) return;
  event.preventDefault();
  post("key", {key: event.key, ctrl: event.ctrlKey});
});
screen.addEventListener("click", event => {
  if (!box) return;
  const shown = screen.getBoundingClientRect(), [view, clip, move] = box;
  const x = (event.clientX - shown.left) / shown.width * view[0], y = (event.clientY - shown.top) / shown.height * view[1];
  post("click", {x: (x - move[0]) / clip[0], y: (y - move[1]) / clip[1]});
});
frames();
</script></body></html>"""
