"""A pseudo-terminal for running the real program in."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
from collections.abc import Sequence

_CONTROL = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()][0-9A-Z]|\x1b[=>78]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class Terminal:
    """Starts a command in a pseudo-terminal; remembers everything it painted."""

    def __init__(self, command: Sequence[str], environ: dict[str, str], size: tuple[int, int] = (80, 24)) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**os.environ, "TERM": "xterm-256color", **environ})  # noqa: S606
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.raw = b""

    def wait_for(self, text: str) -> None:
        """Read until a text is painted that was not there when the last key was sent. Raises AssertionError."""
        at = len(self.raw) if not text else self._mark
        while text.encode() not in _CONTROL.sub(b"", self.raw[at:]):
            # A generous limit for a machine under load: reaching it means that the text never comes.
            ready, _, _ = select.select([self._fd], [], [], 60)
            assert ready, f"{text!r} was not painted: {_CONTROL.sub(b'', self.raw)[-500:]!r}"
            try:
                self.raw += os.read(self._fd, 65536)
            except OSError:
                raise AssertionError(f"the program ended: {_CONTROL.sub(b'', self.raw)[-500:]!r}") from None

    _mark = 0

    def send(self, keys: str) -> None:
        """Press keys."""
        self._mark = len(self.raw)
        os.write(self._fd, keys.encode())

    def end(self) -> int:
        """Read to the end and give the exit status."""
        while True:
            try:
                got = os.read(self._fd, 65536)
            except OSError:
                break
            if not got:
                break
            self.raw += got
        _, status = os.waitpid(self.pid, 0)
        os.close(self._fd)
        return os.waitstatus_to_exitcode(status)
