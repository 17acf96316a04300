"""The real program in a real (pseudo-)terminal: it paints, obeys keys, and leaves the terminal as it found it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.tui.terminal import Terminal, view

ENTER_ALTERNATE, LEAVE_ALTERNATE = b"\x1b[?1049h", b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
SIZE = (80, 24)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "LANG": "C.UTF-8", "PYTHONUTF8": "1"}


def test_it_paints_reads_keys_and_restores_the_terminal(run: Path, environ: dict[str, str]) -> None:
    terminal = Terminal(view(run), environ, SIZE)
    terminal.wait_for("trust dimensions")
    terminal.send("\r")
    terminal.wait_for("dim:privacy")
    terminal.send("\r")
    terminal.wait_for("candidate")
    terminal.send("q")
    assert terminal.end() == 0
    assert ENTER_ALTERNATE in terminal.raw
    assert terminal.raw.rindex(LEAVE_ALTERNATE) > terminal.raw.rindex(ENTER_ALTERNATE)
    assert SHOW_CURSOR in terminal.raw[terminal.raw.rindex(ENTER_ALTERNATE) :]


def test_without_colour_and_unicode_it_paints_plain_text(run: Path, environ: dict[str, str]) -> None:
    plain = {**environ, "NO_COLOR": "1", "AUDITOR_ASCII": "1"}
    terminal = Terminal(view(run), plain, SIZE)
    terminal.wait_for("v REGRESSED")
    terminal.send("q")
    assert terminal.end() == 0
    painted = terminal.raw[terminal.raw.index(ENTER_ALTERNATE) : terminal.raw.rindex(LEAVE_ALTERNATE)]
    assert painted.isascii()


def test_a_crash_restores_the_terminal_too(run: Path, environ: dict[str, str]) -> None:
    script = (
        "import sys; from pathlib import Path; from auditor.store import RunReader;"
        "from auditor.tui.app import AuditorApp\n"
        "def broken(self): raise RuntimeError('broken on purpose')\n"
        "AuditorApp.action_live = broken\n"
        "app = AuditorApp(RunReader(Path(sys.argv[1]))); app.run(); sys.exit(app.return_code or 0)"
    )
    terminal = Terminal([sys.executable, "-c", script, str(run)], environ, SIZE)
    terminal.wait_for("trust dimensions")
    terminal.send("L")
    terminal.wait_for("broken on purpose")
    assert terminal.end() == 1
    assert terminal.raw.rindex(LEAVE_ALTERNATE) > terminal.raw.rindex(ENTER_ALTERNATE)


def test_in_a_pipe_it_says_what_to_do_instead(run: Path) -> None:
    ran = subprocess.run(view(run), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert ran.returncode == 2
    assert "auditor results" in ran.stderr


def test_a_folder_without_a_run_is_said_to_be_none(tmp_path: Path) -> None:
    ran = subprocess.run(view(tmp_path), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert ran.returncode == 2
    assert "holds no run" in ran.stderr


def test_a_run_is_not_browsed_live_without_a_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "auditor", "run", "--live", "--out", str(tmp_path / "run")]
    pair = ["--baseline", "http://127.0.0.1:9/v1#a", "--candidate", "http://127.0.0.1:9/v1#b"]
    ran = subprocess.run([*command, *pair], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert ran.returncode == 2
    assert "--live needs a terminal" in ran.stderr
