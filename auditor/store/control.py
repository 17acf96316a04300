"""Asking a running audit to pause or stop: one word in the file ``RUN/control``.

Whoever watches a run writes it, the runner reads it between pairs and never writes it. ``pause``: no new pair is begun until
the file says something else; ``stop``: no new pair is begun, what is being asked is finished and stored, and the same command
continues the run later; an empty or missing file: go on. Anything else reads as "go on".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal, cast, get_args

FILE: Final = "control"

Wish = Literal["", "pause", "stop"]


def wish(folder: Path) -> Wish:
    """What is asked of the run in this folder."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return cast("Wish", text) if text in get_args(Wish) else ""


def ask(folder: Path, what: Wish) -> None:
    """Ask the run in this folder to pause, to stop, or to go on; atomic. Raises OSError if it can't be written."""
    path = folder / FILE
    if not what:
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f"{FILE}.{os.getpid()}")
    draft.write_text(what + "\n", encoding="utf-8")
    draft.replace(path)
