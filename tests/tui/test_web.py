"""The browser on loopback: it obeys its own page and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from auditor.store import Annotations, RunReader
from auditor.tui.app import AuditorApp
from auditor.tui.theme import UNICODE
from auditor.tui.web import WebView

HERE = "http://127.0.0.1:8765"
OWN = {"Origin": HERE}


@asynccontextmanager
async def served(run: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, WebView]]:
    reader, notes = RunReader(run), Annotations(run)
    view = WebView(AuditorApp(reader, signs=UNICODE, annotations=notes), 8765, size=(80, 24))
    transport = httpx2.ASGITransport(view.asgi())
    async with view.running(), httpx2.AsyncClient(transport=transport, base_url=view.url) as client:
        yield client, view
    notes.close()
    reader.close()


async def words(client: httpx2.AsyncClient, after: int) -> tuple[str, int]:
    answer = await client.get("frame", params={"after": after})
    return answer.text.replace("&#160;", " "), int(answer.headers["X-Frame"])


async def test_keys_and_clicks_of_its_own_page_are_obeyed(run: Path) -> None:
    async with served(run) as (client, _):
        shown, number = await words(client, 0)
        assert "trust dimensions" in shown
        for key in ("Enter", "Enter"):
            assert (await client.post("key", json={"key": key}, headers=OWN)).status_code == 204
        shown, number = await words(client, number)
        assert "I would rather keep" in shown
        assert (await client.post("click", json={"x": 0.2, "y": 0.01}, headers=OWN)).status_code == 204
        shown, _ = await words(client, number)
        assert "trust dimensions" in shown


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.invalid"}, 421),
        ({"Host": "127.0.0.1:9999"}, 421),
        ({"Host": "127.0.0.1.evil.invalid:8765"}, 421),
        ({"Origin": "http://evil.invalid"}, 403),
        ({"Origin": "https://127.0.0.1:8765"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 204),
    ],
)
async def test_other_names_and_other_pages_are_refused(run: Path, headers: dict[str, str], status: int) -> None:
    async with served(run) as (client, view):
        await words(client, 0)
        answer = await client.post("key", json={"key": "a"}, headers={**OWN, **headers})
        assert answer.status_code == status
        assert len(view.app.screen_stack) == (3 if status == 204 else 2)


async def test_a_request_without_the_secret_or_an_origin_gets_nothing(run: Path) -> None:
    async with served(run) as (client, _):
        assert (await client.get(f"{HERE}/")).status_code == 404
        assert (await client.get(f"{HERE}/guess/frame")).status_code == 404
        assert (await client.post("key", json={"key": "a"})).status_code == 403


async def test_the_page_allows_nothing_but_itself(run: Path) -> None:
    async with served(run) as (client, _):
        page = await client.get("")
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "http://" not in page.text
        assert "https://" not in page.text


@pytest.mark.parametrize("body", [b"", b"[]", b'{"key": 5}', b'{"key": "F13"}', b"\xff"])
async def test_nonsense_does_nothing(run: Path, body: bytes) -> None:
    async with served(run) as (client, view):
        await words(client, 0)
        headers = {**OWN, "Content-Type": "application/json"}
        assert (await client.post("key", content=body, headers=headers)).status_code == 204
        assert (await client.post("click", content=body, headers=headers)).status_code == 400
        assert len(view.app.screen_stack) == 2
