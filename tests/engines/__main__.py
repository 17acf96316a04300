"""Real engines by hand.

python -m tests.engines serve [--engine vllm|llama|sglang|all]    start the pairs, print their URLs, stop them on Ctrl-C
python -m tests.engines build                               fill the cache and end
python -m tests.engines where                               print the cache folder
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
from types import FrameType

from .lane import EngineLaneError, Lane, llama_pair, sglang_pair, vllm_pair
from .lane.build import Part
from .lane.cache import cache_root

PAIRS = {"vllm": vllm_pair, "llama": llama_pair, "sglang": sglang_pair}


def _on_terminate(number: int, frame: FrameType | None) -> None:
    """Leave the contexts in an orderly way on SIGTERM as on Ctrl-C."""
    raise KeyboardInterrupt


def serve(parts: list[Part]) -> None:
    """Serve the pairs until interrupted."""
    with Lane() as lane, contextlib.ExitStack() as servers:
        lane.prefetch(parts)
        for part in parts:
            pair = servers.enter_context(PAIRS[part](lane))
            for role, server in (("baseline", pair.baseline), ("candidate", pair.candidate)):
                endpoint = f"{server.base_url}#{server.model}"
                print(f"{server.engine:<13} {role:<10} {endpoint}   log: {server.log}", flush=True)
        print("Ctrl-C stops them.", flush=True)
        signal.pause()


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.engines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("serve", "build", "where"))
    parser.add_argument("--engine", choices=("vllm", "llama", "sglang", "all"), default="all")
    asked = parser.parse_args()
    parts: list[Part] = ["llama", "vllm", "sglang"] if asked.engine == "all" else [asked.engine]
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("auditor.engines").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _on_terminate)
    try:
        if asked.command == "where":
            print(cache_root())
        elif asked.command == "build":
            with Lane() as lane:
                lane.prefetch(parts)
                lane.models()
                if "llama" in parts:
                    lane.llama_binaries()
                if "sglang" in parts:
                    lane.sglang_python()
        else:
            serve(parts)
    except KeyboardInterrupt:
        return 130
    except EngineLaneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
