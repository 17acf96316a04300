"""Run a server and see to it that it never outlives whoever asked for it:  python guard.py COMMAND...

Started in a session of its own with a pipe as its standard input. When the pipe closes (because the asking process
closed it, ended, or was killed) the server's whole process group is told to stop, and is killed if it does not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 10.0


def main() -> int:
    """Run the command; return its exit code."""
    group = os.getpgrp()
    if group != os.getpid():
        raise SystemExit("the guard must lead a process group of its own, or it would stop its starter too")
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # after the start, so that the server does not inherit it

    def stop_when_closed() -> None:
        # Not through sys.stdin: its lock, held by this thread, would make the interpreter abort at its end.
        while os.read(0, 4096):
            pass
        os.killpg(group, signal.SIGTERM)
        try:
            server.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)

    threading.Thread(target=stop_when_closed, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
