"""What is measured, each in a fresh process: `python -m benchmarks.throughput.clients NAME URL REPLIES` prints one JSON line."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

CONNECTIONS = 100


class Stopwatch:
    """Wall-clock and CPU seconds since the last start."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """What has passed since."""
        return {"wall_s": time.perf_counter() - self._wall, "cpu_s": time.process_time() - self._cpu}


class _Watcher:
    """Starts the stopwatch when the probes are done: the bare loops have none."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch = stopwatch

    def note(self, text: str) -> None:
        pass

    def start(self, total: int, done: int) -> None:
        self._stopwatch.start()

    def pair(self, prompt: object, scored: object) -> None:
        pass


def question(number: int) -> bytes:
    """The body of one request."""
    text = f"What is 6 times 7? This is question {number}. End with the number."
    return json.dumps({"model": "mock", "messages": [{"role": "user", "content": text}], "max_tokens": 1024}).encode()


async def _workers(replies: int, ask: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(replies))

    async def worker() -> None:
        for number in numbers:
            await ask(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(worker())


async def bare_httpx2(url: str, replies: int, _: Path, __: Stopwatch) -> None:
    """One httpx2 client, 100 connections; the body is read and that is all."""
    import httpx2

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    headers = {"content-type": "application/json"}
    async with httpx2.AsyncClient(limits=limits, timeout=None) as client:

        async def ask(number: int) -> None:
            response = await client.post(f"{url}/chat/completions", content=question(number), headers=headers)
            assert response.status_code == 200
            assert response.content

        await _workers(replies, ask)


async def bare_aiohttp(url: str, replies: int, _: Path, __: Stopwatch) -> None:
    """The same with aiohttp."""
    aiohttp = importlib.import_module("aiohttp")

    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as client:

        async def ask(number: int) -> None:
            async with client.post(f"{url}/chat/completions", data=question(number), headers=headers) as response:
                assert response.status == 200
                assert await response.read()

        await _workers(replies, ask)


async def audit(url: str, replies: int, folder: Path, stopwatch: Stopwatch) -> None:
    """A whole audit: asked, split, scored, stored durably, compared. Two replies for each prompt."""
    from auditor.audit.runner import Audit
    from auditor.plan import Plan
    from auditor.store import RunFolder

    bank = folder / "bank.jsonl"
    with bank.open("w") as file:
        for number in range(replies // 2):
            text = f"What is 6 times 7? This is question {number}. End with the number."
            prompt = {
                "id": f"bank/{number}",
                "dimension": "capability",
                "bank": "bank",
                "kind": "arithmetic",
                "messages": [{"role": "user", "content": text}],
                "expect": {"number": 42},
            }
            file.write(json.dumps(prompt) + "\n")
    others = ("safety", "toxicity", "bias", "ethics", "privacy", "robustness")
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": url, "model": "mock-a"},
            "candidate": {"base_url": url, "model": "mock-b"},
            "dimensions": {"capability": {"banks": [str(bank)]}} | {name: {"enabled": False} for name in others},
            "drift": {"enabled": False},
            "run": {"concurrency": CONNECTIONS, "until": "all"},
        }
    )
    await Audit(plan, RunFolder(folder / "run"), environ={}, progress=_Watcher(stopwatch)).run()


NEEDED = {
    "audit": ("auditor.audit.runner", "auditor.endpoints.openai_compatible", "auditor.plan"),
    "httpx2": ("httpx2", "httpcore2"),
    "aiohttp": ("aiohttp",),
}
CLIENTS = {"audit": audit, "httpx2": bare_httpx2, "aiohttp": bare_aiohttp}


def _tape(folder: Path) -> dict[str, Any]:
    database = folder / "run" / "run.sqlite"
    if not database.exists():
        return {}
    from auditor.store import RunReader

    reader = RunReader(folder / "run")
    with sqlite3.connect(database) as db:
        rows, packed = db.execute("SELECT count(*), sum(length(request) + length(response)) FROM tape").fetchone()
        (pairs,) = db.execute("SELECT count(*) FROM pairs WHERE baseline_score = 1 AND candidate_score = 1").fetchone()
        (attempts,) = db.execute("SELECT count(*) FROM ledger").fetchone()
    return {
        "tape_rows": rows,
        "tape_bytes": packed / rows,
        "file_bytes": os.path.getsize(database) / rows,  # noqa: PTH202
        "pairs": pairs,
        "attempts": attempts,
        "limits": [change["limit"] for change in reader.meta("limits") or []],
    }


def main() -> None:
    name, url, replies = sys.argv[1], sys.argv[2], int(sys.argv[3])
    began = time.process_time()
    for module in NEEDED[name]:
        importlib.import_module(module)
    loaded = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        stopwatch = Stopwatch()
        asyncio.run(CLIENTS[name](url, replies, Path(folder), stopwatch))
        figures = stopwatch.read() | {
            "import_s": loaded - began,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        figures |= _tape(Path(folder))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
