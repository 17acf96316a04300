"""A terminal to run the real program in: a pseudo-terminal that remembers what was painted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_STYLE = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][0-9A-Z]|\x1b[=>78]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class Terminal:
    """Starts a command in a pseudo-terminal of a size; ``raw`` is all that it painted."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None, size: tuple[int, int] = (120, 36)
    ) -> None:
        self.started = time.perf_counter()
        self.raw = b""
        self._mark = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
            os.execvpe(command[0], list(command), {**os.environ, **usual, **(environ or {})})  # noqa: S606 - under test
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, seconds: float) -> None:
        """Take in what is painted within some time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and self._read(left):
            pass

    def wait_for(self, text: str, seconds: float = 60.0) -> float:
        """Seconds from the start until a text is painted that was not there when the last key was sent. Raises TimeoutError
        if it is not, and EOFError if the program ends before.
        """
        end = time.perf_counter() + seconds
        while text.encode() not in _STYLE.sub(b"", self.raw[self._mark :]):
            left = end - time.perf_counter()
            if left <= 0:
                raise TimeoutError(f"{text!r} was not painted; the last of it: {_STYLE.sub(b'', self.raw)[-500:]!r}")
            if self._read(min(left, 0.05)) is None:
                raise EOFError(f"the program ended: {_STYLE.sub(b'', self.raw)[-500:]!r}")
        return time.perf_counter() - self.started

    def send(self, keys: str) -> None:
        """Press keys."""
        self._mark = len(self.raw)
        os.write(self.fd, keys.encode())

    def _read(self, seconds: float) -> bool | None:
        """Whether something came in time; None at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return None
        self.raw += got
        return True if got else None

    def cpu_s(self) -> float:
        """CPU seconds of the program so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident memory of the program in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def end(self) -> int:
        """Read to the end and give the exit status."""
        while self._read(1.0) is not None:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def view(run: Path) -> list[str]:
    """The command that opens a run."""
    return [sys.executable, "-m", "auditor", "view", str(run)]
