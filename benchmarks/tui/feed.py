"""Writes pairs into a run at a steady pace: ``python -m benchmarks.tui.feed RUN PAIRS PER_SECOND``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.tui.make import Maker


def main() -> None:
    """Feed, then end the run."""
    path, pairs, pace = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    maker = Maker(path, pairs, status="running")
    print("ready", flush=True)
    start = time.monotonic()
    for seq in range(pairs):
        ahead = start + seq / pace - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        maker.put(seq)
    print(f"{pairs / (time.monotonic() - start):.0f} pairs/s", flush=True)
    maker.close()


if __name__ == "__main__":
    main()
