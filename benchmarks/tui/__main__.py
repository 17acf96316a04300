"""The browser's budgets on a generated run: ``python -m benchmarks.tui [--pairs 100000] [--keep FOLDER]``.

Times on the wall depend on what else the machine does, CPU times much less, memory not at all. Exits with 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.store import Annotations, RunReader, TextIndex, Words
from auditor.tui.app import AuditorApp
from auditor.tui.listing import Filter, Listing, Mode, Sort
from auditor.tui.theme import UNICODE
from benchmarks.tui.make import LONG, make
from benchmarks.tui.terminal import Terminal, view

FILTERS = (
    ("", Mode.ALL),
    ("", Mode.REGRESSED),
    ("dim:privacy", Mode.REGRESSED),
    ("dim:privacy outcome:bad kl>0.1", Mode.ALL),
    ("id:0420 -cand:bad", Mode.ALL),
    ("trace:bad", Mode.ALL),
)

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self): yield Static("an empty application")
    def key_q(self): self.exit()
Bare().run()
"""


class Table:
    """Prints a line per measurement, and remembers whether all were within budget."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def line(self, what: str, value: float, unit: str, budget: float | None = None) -> None:
        """One measurement."""
        verdict = "" if budget is None else "ok" if value <= budget else "MISSED"
        if verdict == "MISSED":
            self.missed.append(what)
        allowed = "" if budget is None else f"≤ {budget:g} {unit}"
        print(f"{what:<58} {value:>9.1f} {unit:<5} {allowed:<12} {verdict}", flush=True)


def first_paint(run: Path, table: Table) -> None:
    """Process start to first paint, and memory after a walk through the run, in a real terminal."""
    seconds, cpu, memory = [], [], []
    for _ in range(5):
        terminal = Terminal(view(run))
        seconds.append(terminal.wait_for("trust dimensions"))
        cpu.append(terminal.cpu_s())
        memory.append(terminal.rss_mb())
        terminal.send("q")
        terminal.end()
    table.line("first paint in a real terminal, median of 5", statistics.median(seconds) * 1000, "ms", 500)
    table.line("  fastest of these", min(seconds) * 1000, "ms")
    table.line("  CPU until then, which other load changes less", statistics.median(cpu) * 1000, "ms")
    bare = []
    for _ in range(3):
        terminal = Terminal([sys.executable, "-c", BARE])
        terminal.wait_for("an empty application")
        bare.append(terminal.cpu_s())
        terminal.send("q")
        terminal.end()
    table.line("  of which an empty Textual application takes", statistics.median(bare) * 1000, "ms")
    table.line("memory after first paint", max(memory), "MB", 80)
    terminal = Terminal(view(run))
    terminal.wait_for("trust dimensions")
    terminal.send("a")
    terminal.read(2)
    terminal.send("\x1b[6~" * 20)
    terminal.read(3)
    terminal.send("\r")
    terminal.read(1)
    terminal.send("nnnnnnnnnn")
    terminal.read(3)
    table.line("memory after listing, paging and reading", terminal.rss_mb(), "MB", 80)
    terminal.send("q")
    terminal.end()


async def keys(run: Path, table: Table) -> None:
    """CPU from a key to the paint that follows it."""

    async def cost(pilot: Any, key: str, times: int = 20) -> float:
        spent = []
        for _ in range(times):
            before = time.process_time()
            await pilot.press(key)
            await pilot.pause()
            spent.append(time.process_time() - before)
        return statistics.median(spent) * 1000

    app = AuditorApp(RunReader(run), signs=UNICODE, annotations=Annotations(run))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        nothing = await cost(pilot, "f11")
        spent = [await cost(pilot, key, 1) for key in ("up", "down") * 8]
        table.line("overview: up and down", statistics.median(spent) - nothing, "ms", 50)
        before = time.process_time()
        await pilot.press("a")
        await pilot.pause()
        table.line("open the list of all pairs", (time.process_time() - before) * 1000 - nothing, "ms", 200)
        for key, label in (
            ("down", "list: down"),
            ("pagedown", "list: page down"),
            ("end", "list: to the end and back"),
        ):
            table.line(label, await cost(pilot, key) - nothing, "ms", 50)
        await pilot.press("home", "enter")
        await pilot.pause()
        table.line("record: next", await cost(pilot, "n") - nothing, "ms", 50)
        table.line("record: scroll", await cost(pilot, "down") - nothing, "ms", 50)
        await pilot.press("escape", "escape")
        await pilot.press("home", *["down"] * 4, "enter")
        await pilot.pause()
        before = time.process_time()
        await pilot.press("enter")
        await pilot.pause()
        long = (time.process_time() - before) * 1000 - nothing
        scroll = await cost(pilot, "pagedown") - nothing
        spent = []
        for _ in range(4):
            await pilot.press("escape", "end")
            await pilot.pause()
            spent.append(await cost(pilot, "enter", 1))
        table.line("open a short record", statistics.median(spent) - nothing, "ms")
        table.line(f"open a reply of {LONG:,} characters", long, "ms", 200)
        table.line("  more than a short one takes", max(long - statistics.median(spent), 0.0), "ms", 50)
        table.line("  and scroll it", scroll, "ms", 50)


def filters(run: Path, table: Table) -> None:
    """Making the list of a filter: CPU, which is all it takes (one thread, the file in memory), best of 3."""

    def best(work: Callable[[], object]) -> float:
        spent = []
        for _ in range(3):
            before = time.process_time()
            work()
            spent.append(time.process_time() - before)
        return min(spent) * 1000

    reader = RunReader(run)
    for text, mode in FILTERS:
        chosen = Filter.of(text, mode)
        table.line(f"filter: {mode} {text}".strip(), best(lambda chosen=chosen: Listing(reader, chosen)), "ms", 200)  # type: ignore[misc]
    table.line("sort: most drift first", best(lambda: Listing(reader, Filter(sort=Sort.DRIFT))), "ms", 200)
    index = TextIndex(run)
    before = time.perf_counter()
    index.extend(reader)
    table.line("index of all texts, built once in the background", (time.perf_counter() - before) * 1000, "ms")
    for text in ("amber basin cedar", "kelp"):
        words = [Words(text)]
        table.line(
            f'search: "{text}"',
            best(lambda words=words: Listing(reader, Filter(), None, index.find(words))),  # type: ignore[misc]
            "ms",
            200,
        )
    index.close()
    table.line("groups of failures", best(lambda: Listing(reader, Filter()).groups()), "ms")
    reader.close()


def live(folder: Path, table: Table, seconds: int = 15) -> None:
    """The CPU that watching 200 pairs a second takes, after a start."""
    run = folder / "live"
    shutil.rmtree(run, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.tui.feed", str(run), str(200 * (seconds + 8)), "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as feed:
        assert feed.stdout is not None
        feed.stdout.readline()
        terminal = Terminal(view(run))
        terminal.wait_for("in the last minute")
        terminal.read(2)
        before, start = terminal.cpu_s(), time.perf_counter()
        terminal.read(seconds)
        share = (terminal.cpu_s() - before) / (time.perf_counter() - start)
        table.line("watching 200 pairs/s: share of one core", 100 * share, "%", 25)
        table.line("memory while watching", terminal.rss_mb(), "MB", 80)
        terminal.send("q")
        terminal.end()
        print(f"  the writer kept {feed.stdout.readline().strip()}")


def main() -> None:
    """Make the run if there is none, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="Keep the generated run here, and use it if it is there.")
    arguments = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        run = folder / f"run-{arguments.pairs}"
        if not (run / "plan.json").exists():
            print(f"making a run of {arguments.pairs:,} pairs in {run}", file=sys.stderr)
            make(run, arguments.pairs)
        print(f"{arguments.pairs:,} pairs, {(run / 'run.sqlite').stat().st_size / 1e6:.0f} MB")
        first_paint(run, table)
        asyncio.run(keys(run, table))
        filters(run, table)
        live(folder, table)
    print("all budgets met" if not table.missed else f"missed: {', '.join(table.missed)}")
    sys.exit(bool(table.missed))


if __name__ == "__main__":
    main()
