"""The lane as a whole: what depends on what, built lazily and two things at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from . import install
from .cache import cache_root, recipe_hash, run_logged, step, stop_running

__all__ = ["BASELINE", "CANDIDATE", "FURTHER", "INSIDE", "MODEL_NAMES", "QUANTISED", "Lane", "TinyModels"]

INSIDE = Path(__file__).parents[1] / "inside"
"""The scripts that run in the engines' environment rather than in the project's."""

BASELINE, CANDIDATE, FURTHER = "tiny-a", "tiny-b", "tiny-c"
MODEL_NAMES = (BASELINE, CANDIDATE, FURTHER)
QUANTISED = "tiny-a.Q4_K_M"

Part = Literal["vllm", "llama", "sglang"]


@dataclass(frozen=True)
class TinyModels:
    """Where the tiny models are."""

    python: Path
    """The Python of the engines' environment: has torch, transformers and vLLM."""
    hf: dict[str, Path]
    """Model folders by name: `tiny-a` (baseline), `tiny-b` (candidate), `tiny-c` (drifted further)."""
    gguf: dict[str, Path]
    """The same models as fp32 GGUF files, by the same names."""


class Lane:
    """Builds the parts of the lane once each, on first demand; to be used as a context manager.

    `prefetch` starts building in the background, so that llama-server compiles while vLLM is downloaded and the models
    are trained. The methods wait for what they return and raise what its building raised. What they return is held
    until the lane is left: a run with other recipes waits that long before it rebuilds anything.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else cache_root()
        self._workers = ThreadPoolExecutor(max_workers=7, thread_name_prefix="engines")
        self._guard = threading.Lock()
        self._held = ExitStack()
        self._parts: dict[str, Future[Path]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What still builds now is wanted by nobody any more; what is whole stays in the cache.
        with stop_running():
            self._workers.shutdown(wait=True, cancel_futures=True)
        self._held.close()

    def prefetch(self, parts: Iterable[Part]) -> None:
        """Start building what the named engines need, models included; returns at once."""
        for part in parts:
            if part != "vllm":
                self._start(part)
            self._start("gguf")

    def vllm_python(self) -> Path:
        """Return the Python of the engines' environment."""
        return self._start("vllm").result()

    def sglang_python(self) -> Path:
        """Return the Python of the environment that SGLang runs in."""
        return self._start("sglang").result()

    def llama_binaries(self) -> Path:
        """Return the folder with `llama-server` and `llama-quantize`."""
        return self._start("llama").result()

    def models(self) -> TinyModels:
        """Return the tiny models, in both formats."""
        gguf = self._start("gguf").result()
        folder = self._start("models").result()
        return TinyModels(
            python=self.vllm_python(),
            hf={name: folder / name for name in MODEL_NAMES},
            gguf={name: gguf / f"{name}.gguf" for name in MODEL_NAMES},
        )

    def quantised(self) -> Path:
        """Return the baseline quantised to 4 bits (Q4_K_M) by llama.cpp: a drift of another kind than training."""
        return self._start("quantised").result() / f"{QUANTISED}.gguf"

    def _start(self, name: str) -> Future[Path]:
        """Return the future of a part, after the futures of what it needs were made.

        There are as many workers as parts, so one that waits for another never holds the worker that the other needs.
        """
        needs = {
            "llama": ("source",),
            "sglang": ("vllm",),
            "models": ("vllm",),
            "gguf": ("source", "models"),
            "quantised": ("llama", "gguf"),
        }
        for need in needs.get(name, ()):
            self._start(need)
        make = {
            "source": lambda: install.llama_source(self.root, self._held),
            "vllm": lambda: install.vllm_python(self.root, self._held),
            "llama": self._build_llama,
            "sglang": self._install_sglang,
            "models": self._train,
            "gguf": self._convert,
            "quantised": self._quantise,
        }[name]
        with self._guard:
            if name not in self._parts:
                self._parts[name] = self._workers.submit(make)
            return self._parts[name]

    def _build_llama(self) -> Path:
        self._parts["source"].result()
        return install.llama_binaries(self.root, self._held)

    def _install_sglang(self) -> Path:
        return install.sglang_python(self.root, self._parts["vllm"].result(), self._held)

    def _train(self) -> Path:
        python = self._parts["vllm"].result()

        def make(folder: Path) -> None:
            log = self.root / "logs" / "train.log"
            log.unlink(missing_ok=True)
            run_logged([python, INSIDE / "train.py", folder], log, env={"OMP_NUM_THREADS": "1"})

        recipe = recipe_hash({"torch": install.TORCH}, [INSIDE / "corpus.py", INSIDE / "train.py"])
        return step(self.root, "models", recipe, make, self._held)

    def _convert(self) -> Path:
        python, source = self._parts["vllm"].result(), self._parts["source"].result()
        models = self._parts["models"].result()

        def make(folder: Path) -> None:
            log = self.root / "logs" / "convert.log"
            log.unlink(missing_ok=True)
            for name in MODEL_NAMES:
                run_logged([python, INSIDE / "convert.py", source, models / name, folder / f"{name}.gguf"], log)

        scripts = [INSIDE / name for name in ("corpus.py", "train.py", "convert.py")]
        recipe = recipe_hash({"llama": install.LLAMA_CPP_PYTHON, "torch": install.TORCH}, scripts)
        return step(self.root, "gguf", recipe, make, self._held)

    def _quantise(self) -> Path:
        gguf, binaries = self._parts["gguf"].result(), self._parts["llama"].result()

        def make(folder: Path) -> None:
            log = self.root / "logs" / "quantise.log"
            log.unlink(missing_ok=True)
            source, target = gguf / f"{BASELINE}.gguf", folder / f"{QUANTISED}.gguf"
            run_logged([binaries / "llama-quantize", source, target, "Q4_K_M", "1"], log)

        recipe = recipe_hash({"of": (self.root / "gguf.stamp").read_text()})
        return step(self.root, "quantised", recipe, make, self._held)
