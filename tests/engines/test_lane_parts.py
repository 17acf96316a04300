"""The parts of the lane that need no engine: stamps, logs, and servers that never outlive whoever started them."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from .inside.corpus import BASELINE_STYLE, CANDIDATE_STYLE, END_OF_TEXT, Corpus, Style
from .lane import EngineLaneError, install
from .lane.cache import CACHE_VARIABLE, StoppedError, cache_root, recipe_hash, run_logged, step, stop_running
from .lane.serve import serving

# A server that is ready at once.
READY = "import http.server as h, sys; h.HTTPServer.allow_reuse_address = True\n"
READY += "class A(h.BaseHTTPRequestHandler):\n"
READY += "    def do_GET(self): self.send_response(200); self.end_headers()\n"
READY += "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), A).serve_forever()\n"


def python_server(source: str) -> Callable[[int], list[str]]:
    return lambda port: [sys.executable, "-c", source, str(port)]


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        # A zombie of somebody else's still has a pid.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_a_step_is_built_once_and_again_when_its_recipe_changes(tmp_path: Path) -> None:
    built: list[str] = []

    def make(folder: Path) -> None:
        built.append(folder.name)
        (folder / "thing").write_text("x")

    for recipe in ("one", "one", "two", "two"):
        with contextlib.ExitStack() as held:
            assert (step(tmp_path, "part", recipe, make, held) / "thing").read_text() == "x"
    assert built == ["part", "part"]


def test_a_step_that_failed_is_built_again_from_an_empty_folder(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise EngineLaneError("no")

    with contextlib.ExitStack() as held, pytest.raises(EngineLaneError):
        step(tmp_path, "part", "recipe", fail, held)
    with contextlib.ExitStack() as held:
        folder = step(tmp_path, "part", "recipe", lambda folder: (folder / "whole").touch(), held)
        assert [path.name for path in folder.iterdir()] == ["whole"]


def test_a_step_in_use_is_not_rebuilt(tmp_path: Path) -> None:
    """A second run with another recipe waits until the first lets go; one with the same recipe does not."""

    def tag(name: str) -> Callable[[Path], None]:
        return lambda folder: (folder / name).touch()

    with ThreadPoolExecutor() as other, contextlib.ExitStack() as theirs:
        with contextlib.ExitStack() as ours:
            folder = step(tmp_path, "part", "one", tag("one"), ours)
            with contextlib.ExitStack() as same:
                assert step(tmp_path, "part", "one", tag("again"), same) == folder
            waiting = other.submit(step, tmp_path, "part", "two", tag("two"), theirs)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
            assert [path.name for path in folder.iterdir()] == ["one"]
        assert [path.name for path in waiting.result(10).iterdir()] == ["two"]


def test_a_recipe_covers_its_facts_and_its_sources(tmp_path: Path) -> None:
    source = tmp_path / "script.py"
    source.write_text("1")
    first = recipe_hash({"version": "1"}, [source])
    assert first == recipe_hash({"version": "1"}, [source])
    assert first != recipe_hash({"version": "2"}, [source])
    source.write_text("2")
    assert first != recipe_hash({"version": "1"}, [source])


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "engines"))
    assert cache_root() == tmp_path / "engines"
    assert cache_root().is_dir()


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(EngineLaneError, match=r"exit code 3(.|\n)*the reason"):
        run_logged([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"], tmp_path / "log")
    with pytest.raises(EngineLaneError, match="could not start"):
        run_logged([tmp_path / "no-such-program"], tmp_path / "log")


def test_a_server_is_up_inside_the_context_and_gone_after_it(tmp_path: Path) -> None:
    with serving("vllm", "tiny-a", python_server(READY), tmp_path / "log") as server:
        assert httpx2.get(f"{server.root_url}/health", trust_env=False).status_code == httpx2.codes.OK
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{server.root_url}/health", trust_env=False)


def test_a_server_that_dies_shows_why(tmp_path: Path) -> None:
    dying = python_server("print('weights are missing'); raise SystemExit(7)")
    server = serving("vllm", "tiny-a", dying, tmp_path / "log")
    with pytest.raises(EngineLaneError, match=r"exit code 7(.|\n)*weights are missing"), server:
        pytest.fail("it never was ready")


def test_a_server_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    silent = python_server("import signal; print('loading', flush=True); signal.pause()")
    server = serving("vllm", "tiny-a", silent, tmp_path / "log", ready_seconds=1.0)
    with pytest.raises(EngineLaneError, match="was not ready after 1 s"), server:
        pytest.fail("it never was ready")


def test_servers_do_not_outlive_a_killed_session(tmp_path: Path) -> None:
    """The session is killed outright, so that no handler of its own can tidy up."""
    source = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n{READY}"
    session = (
        f"import signal; from pathlib import Path; from {__package__}.lane.serve import serving\n"
        f"command = lambda port: [{sys.executable!r}, '-c', {source!r}, str(port)]\n"
        f"with serving('vllm', 'tiny-a', command, Path({str(tmp_path / 'log')!r})):\n"
        "    print('ready', flush=True); signal.pause()\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", session], cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        pid = int((tmp_path / "pid").read_text())
        assert alive(pid)
        process.send_signal(signal.SIGKILL)
    assert gone_within(pid, 20.0)


def test_the_corpus_is_the_same_each_time_and_differs_by_style() -> None:
    def texts(seed: int, style: Style = BASELINE_STYLE) -> list[str]:
        return list(itertools.islice(Corpus(seed, style), 300))

    assert texts(1) == texts(1) != texts(2)
    assert texts(1) != texts(1, CANDIDATE_STYLE)
    chats = [text for text in texts(1) if "assistant" in text]
    assert all(text.endswith(END_OF_TEXT) for text in texts(1))
    assert 0.3 < sum("<think>\n\n" not in text and "<think>" in text for text in chats) / len(chats) < 0.7


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to install one, the message says what to install."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineLaneError, match=r"needs a C and C\+\+ compiler.*`g\+\+`"):
        install._ensure_compiler(tmp_path / "log")


def test_leaving_the_lane_stops_what_still_builds(tmp_path: Path) -> None:
    """Also where a failed command would have been followed by another try."""
    with ThreadPoolExecutor() as worker:
        waiting = worker.submit(run_logged, [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")
        while not (tmp_path / "log").exists():
            assert not waiting.done()
        with stop_running():
            with pytest.raises(StoppedError):
                waiting.result(20)
            with pytest.raises(StoppedError):
                run_logged([sys.executable, "-c", ""], tmp_path / "log")
    run_logged([sys.executable, "-c", ""], tmp_path / "log")
