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
from collections.abc import Sequence
from pathlib import Path

_STYLE = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][0-9A-Z]|\x1b[=>78]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class Terminal:
    """Starts a command in a pseudo-terminal of a size."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = (120, 36)) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
            os.execvpe(command[0], list(command), environ)  # noqa: S606 - the program under test
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        os.kill(self.pid, signal.SIGWINCH)
        self.seen = b""

    def read(self, seconds: float) -> bytes:
        """What is painted within some time."""
        end, got = time.perf_counter() + seconds, b""
        while (left := end - time.perf_counter()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            try:
                got += os.read(self.fd, 65536)
            except OSError:
                break
        self.seen += got
        return got

    def wait_for(self, text: str, seconds: float = 30.0) -> float:
        """Seconds from the start until a text is painted. Raises TimeoutError."""
        end = time.perf_counter() + seconds
        wanted = text.encode()
        while time.perf_counter() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    break
                if wanted in _STYLE.sub(b"", self.seen):
                    return time.perf_counter() - self.started
        raise TimeoutError(f"{text!r} was not painted; the last of it: {_STYLE.sub(b'', self.seen)[-400:]!r}")

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def cpu_s(self) -> float:
        """CPU seconds of the program so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident memory of the program in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def close(self) -> int:
        """Read to the end and give the exit status."""
        self.read(0.5)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def view(run: Path) -> list[str]:
    """The command that opens a run."""
    return [sys.executable, "-m", "auditor", "view", str(run)]
