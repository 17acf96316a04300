from __future__ import annotations

import asyncio
import signal
import sys

import httpx2
import pytest

from auditor.simulator import Faults, PlantedTruth, build_app, serve, serving
from tests.simulator.support import body_of

SERVER = """
from auditor.simulator import build_app, preset, serve
serve(build_app(preset("demo"), []), "127.0.0.1", 0, ready=lambda url: print(url, flush=True))
"""


async def test_serves_inside_a_running_loop() -> None:
    async with serving(build_app(PlantedTruth(), [])) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.get("/models")).status_code == 200
        assert (await client.post("/chat/completions", json=body_of("Hi"))).status_code == 200


async def test_resets_reach_the_client_as_broken_connections() -> None:
    app = build_app(PlantedTruth(faults=Faults(reset=1.0)), [])
    async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post("/chat/completions", json=body_of("Hi"))


async def test_serves_until_interrupted_and_prints_nothing() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx2.AsyncClient(base_url=url) as client:
        assert (await client.get("/models")).json()["data"][0]["owned_by"] == "auditor-simulator (synthetic)"
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert out == b""
    assert b"KeyboardInterrupt" in err
    assert b"INFO" not in err


async def test_a_taken_port_is_an_error() -> None:
    app = build_app(PlantedTruth(), [])
    async with serving(app) as url:
        port = httpx2.URL(url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            serve(app, port=port)
