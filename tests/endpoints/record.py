"""Recording the shipped cassettes.

    python -m tests.endpoints.record NAME http://host:port      from a real server, as the dialect NAME
    python -m tests.endpoints.record documented                 all that are built from vendors' documentation

What changes from one recording to the next and means nothing (times, ids of replies, the port) is evened out, and paths of
the recording machine are masked.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import msgspec

from auditor.endpoints import connect, with_defaults
from auditor.records import EndpointSpec, Exchange
from auditor.wire import CassetteTape, open_wire
from tests.endpoints.scenes import CASSETTES, play
from tests.endpoints.vendors import Vendor
from tests.endpoints.vendors_apart import DOCUMENTED

REAL = {
    "vllm": EndpointSpec("http://127.0.0.1:8000/v1", "tiny-a", "vllm"),
    "vllm-reasoning": EndpointSpec("http://127.0.0.1:8000/v1", "tiny-b", "vllm"),
    "llama-cpp": EndpointSpec("http://127.0.0.1:8080/v1", "tiny-b", "llama-cpp"),
    "sglang": EndpointSpec("http://127.0.0.1:30000/v1", "tiny-b", "sglang"),
}
"""Dialects whose engine runs on a CPU: recorded with the tiny models of the engine lane."""

_OF_THIS_START = re.compile(
    rb'("(?:port|random_seed|load_weight|kv_cache_allocation|scheduler_e2e|last_gen_throughput|startup_available)": ?)[\d.e+-]+'
)
"""What SGLang's ``/get_server_info`` tells about one start of the server."""


class Even:
    """A tape in front of a cassette that evens out what means nothing."""

    def __init__(self, tape: CassetteTape) -> None:
        self.tape = tape

    def get(self, key: str) -> Exchange | None:
        return self.tape.get(key)

    def put(self, exchange: Exchange) -> None:
        body = re.sub(rb'("(?:created|created_at)": ?)\d+', rb"\g<1>0", exchange.response)
        body = re.sub(rb'("id": ?"(?:chatcmpl|cmpl|modelperm)-)[^"]*"', rb'\g<1>0"', body)
        body = re.sub(rb'("id": ?)"[0-9a-f]{32}"', rb'\g<1>"0"', body)
        body = re.sub(rb'("[a-z0-9_]+_(?:ms|per_second|latency|ts)": ?)[\d.e+-]+', rb"\g<1>0", body)
        body = re.sub(_OF_THIS_START, rb"\g<1>0", body)
        headers = {k: v for k, v in exchange.headers.items() if k == "content-type"}
        self.tape.put(msgspec.structs.replace(exchange, response=body, headers=headers, elapsed_s=0.0))

    def candidates(self, endpoint: str, path: str) -> Iterable[Exchange]:
        return self.tape.candidates(endpoint, path)

    def keys(self) -> Iterable[str]:
        return self.tape.keys()


class Elsewhere(httpx2.AsyncHTTPTransport):
    """Reaches the usual port's address at another one."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.host, self.port = urlsplit(url).hostname or "", urlsplit(url).port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(host=self.host, port=self.port)
        return await super().handle_async_request(request)


async def record(
    name: str,
    spec: EndpointSpec,
    network: httpx2.AsyncBaseTransport,
    note: str,
    secrets: Iterable[str] = (),
    folder: Path = CASSETTES,
) -> None:
    """Record the scene of one cassette, in place of what is there."""
    path = folder / f"{name}.jsonl"
    path.unlink(missing_ok=True)
    spec = with_defaults(spec)
    with CassetteTape(path, note=note) as tape:
        async with open_wire(spec.base_url, tape=Even(tape), mode="auto", network=network, secrets=secrets) as wire:
            await play(connect(spec, wire, key="documented" if spec.api_key_env else None))


async def from_engine(name: str, url: str) -> None:
    """Record a real server."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        told = [
            (await client.get(f"{url}{path}")).text for path in ("/v1/models", "/version", "/props", "/server_info")
        ]
    paths = {p for text in told for p in re.findall(r'"((?:/[\w.+-]+){2,})"', text) if not p.startswith("/v1/")}
    version = re.search(r'"(?:build_info|version)": ?"([^"]+)"', "".join(told))
    engine = REAL[name].dialect
    note = (
        f"recorded from a real {engine} server{f' ({version[1]})' if version else ''} with the engine lane's tiny model"
    )
    await record(name, REAL[name], Elsewhere(url), note, paths)


async def from_documents(vendors: dict[str, Vendor]) -> None:
    """Build the cassettes of vendors that can't be reached from here."""
    for name, vendor in vendors.items():
        await record(name, vendor.spec, httpx2.MockTransport(vendor), vendor.note)


if __name__ == "__main__":
    if sys.argv[1:] == ["documented"]:
        asyncio.run(from_documents(DOCUMENTED))
    else:
        asyncio.run(from_engine(sys.argv[1], sys.argv[2].rstrip("/")))
