"""Run the bench: `python -m benchmarks.throughput [--quick | --full]`.

A whole audit against a mock server that answers after 0 or 100 ms, with small bodies or with 64 positions of top-20
logprobs, beside a bare httpx2 loop and a bare aiohttp loop over the same server in the same run. Each client and the
server have a process of their own; the audit is timed from the end of its probes to the last finding. Wall-clock figures mean little on a busy machine; CPU time and the ratios mean more.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from typing import Any

from benchmarks.throughput.clients import CONNECTIONS
from benchmarks.throughput.server import BODIES, mock

CPU_MS = {"small": 1.5, "logprobs": 3.0}
MEMORY_MB = 80.0
PER_S = 600.0
OF_BARE = 0.9
HEAD = f"{'client':<10}{'replies/s':>10}{'CPU ms':>9}{'peak MB':>9}{'x httpx2 speed':>16}{'x httpx2 CPU':>14}"


def measure(client: str, url: str, replies: int) -> dict[str, Any] | None:
    """One client in a fresh process; None if what it needs is not installed. Raises if it fails."""
    command = [sys.executable, "-m", "benchmarks.throughput.clients", client, url, str(replies)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | {"per_s": replies / figures["wall_s"], "cpu_ms": figures["cpu_s"] / replies * 1000}


def best(client: str, url: str, replies: int, rounds: int) -> dict[str, Any] | None:
    """The round with the least CPU: what the others had more is the machine's, not the program's."""
    if client == "aiohttp" and importlib.util.find_spec("aiohttp") is None:
        return None
    found = [figures for _ in range(rounds) if (figures := measure(client, url, replies)) is not None]
    return min(found, key=lambda figures: figures["cpu_ms"])


def section(kind: str, delay: float, replies: int, rounds: int, clients: tuple[str, ...]) -> dict[str, Any]:
    """Measure and print one table."""
    print(
        f"\n{replies:,} replies, {CONNECTIONS} connections, {kind} bodies ({len(BODIES[kind]()):,} bytes), {delay * 1000:g} ms"
    )
    print(HEAD)
    found: dict[str, Any] = {}
    with mock(kind, delay) as url:
        for client in clients:
            figures = best(client, url, replies, rounds)
            if figures is None:
                print(f"{client:<10}not installed, left out")
                continue
            found[client] = figures
            row = f"{client:<10}{figures['per_s']:>10.0f}{figures['cpu_ms']:>9.2f}{figures['peak_mb']:>9.0f}"
            if "httpx2" in found:
                base = found["httpx2"]
                row += f"{figures['per_s'] / base['per_s']:>16.2f}{figures['cpu_ms'] / base['cpu_ms']:>14.2f}"
            print(row, flush=True)
    audit = found["audit"]
    assert audit["pairs"] == replies // 2
    print(
        f"tape: {audit['tape_bytes']:.0f} bytes a row (request and answer, compressed), the whole run's file"
        f" {audit['file_bytes']:.0f} a reply; {audit['attempts'] - replies} further calls by the probes;"
        f" {audit['import_s']:.2f} s CPU to start; slots {' '.join(map(str, audit['limits'][:12]))}"
    )
    return found


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 replies, once: for a look, not for the documents")
    parser.add_argument("--full", action="store_true", help="100,000 replies too, for the memory")
    options = parser.parse_args()
    replies, rounds = (500, 1) if options.quick else (2000, 2)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    if os.getloadavg()[0] > 1:
        print("The machine is busy: replies/s are lower bounds, and CPU times are higher than on a quiet one.")
    everybody = ("httpx2", "aiohttp", "audit")
    tables = {
        (kind, delay): section(kind, delay, replies, rounds, everybody) for kind in BODIES for delay in (0.0, 0.1)
    }
    small, bare = tables["small", 0.1]["audit"], tables["small", 0.1]["httpx2"]
    memory = [small["peak_mb"], tables["logprobs", 0.1]["audit"]["peak_mb"]]
    if options.full:
        memory.append(section("small", 0.1, 100_000, 1, ("httpx2", "audit"))["audit"]["peak_mb"])
    print("\nBudgets")
    for text, measured, kept in (
        (f"at least {PER_S:.0f} replies/s at 100 ms", f"{small['per_s']:.0f}", small["per_s"] >= PER_S),
        (
            f"at least {OF_BARE:.0%} of the bare httpx2 loop",
            f"{small['per_s'] / bare['per_s']:.0%}",
            small["per_s"] >= OF_BARE * bare["per_s"],
        ),
        *(
            (f"at most {most} ms CPU, {kind}", f"{used:.2f}", used <= most)
            for kind, most in CPU_MS.items()
            for used in (tables[kind, 0.1]["audit"]["cpu_ms"],)
        ),
        (
            f"at most {MEMORY_MB:.0f} MB, flat",
            " / ".join(f"{peak:.0f}" for peak in memory),
            max(memory) <= MEMORY_MB,
        ),
    ):
        print(f"  {'kept' if kept else 'NOT KEPT':<10}{text:<45}{measured}")


if __name__ == "__main__":
    main()
