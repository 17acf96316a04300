"""Handing what is shown to other programs: the clipboard, a pager, an editor, a file."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from auditor.report.plain import harmless
from auditor.store import RunReader
from auditor.tui.listing import Listing

if TYPE_CHECKING:
    from auditor.tui.app import AuditorApp


class HandOver:
    """Hands text over for one application, and tells its user what became of it."""

    def __init__(self, app: AuditorApp) -> None:
        self._app = app

    def copy(self, text: str) -> None:
        """Copy to the clipboard of whoever sits at the terminal, as far as it lets one."""
        self._app.copy_to_clipboard(harmless(text))
        self._app.notify(
            f"Copied {len(text):,} characters (OSC 52: some terminals ignore it; | opens a pager).", markup=False
        )

    def open_outside(self, text: str, variable: str, otherwise: str) -> None:
        """Show harmless text in the user's pager or editor: the program that an environment variable names."""
        command = shlex.split(os.environ.get(variable) or otherwise)
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", delete=False) as file:
            file.write(text)
        try:
            with self._app.suspend():
                subprocess.run([*command, file.name], check=False)  # noqa: S603 - the user's own program
        except SuspendNotSupported:
            self._app.notify("This terminal can't be handed to another program.", severity="warning")
        except OSError as error:
            self._app.notify(f"{command[0]}: {error.strerror}; set {variable}.", severity="error", markup=False)
        finally:
            Path(file.name).unlink(missing_ok=True)

    def export(self, listing: Listing) -> None:
        """Ask for a file and write a list to it; the name's ending chooses the format."""
        from auditor.tui.export import FORMATS
        from auditor.tui.screens.ask import AskScreen

        folder = self._app.reader.path if self._app.annotations.saved else Path.cwd()
        formats = ", ".join("." + name for name in FORMATS)
        hint = f"{len(listing):,} pairs, in the order of the list. The ending chooses: {formats}"
        self._app.push_screen(AskScreen("Export", str(folder / "pairs.csv"), hint), partial(self._start, listing))

    def _start(self, listing: Listing, name: str | None) -> None:
        if name:
            self._app.run_worker(partial(self._write, listing, Path(name).expanduser()), thread=True, group="export")

    def _write(self, listing: Listing, path: Path) -> None:
        from auditor.tui.export import export

        reader = RunReader(self._app.reader.path)
        try:
            own = Listing(reader, listing.filter, listing.marks, listing.found)
            many = export(reader, own, path, self._app.annotations.current("override"))
            told, severity = f"{many:,} pairs are in {path}", "information"
        except (OSError, ValueError) as error:
            told, severity = str(error), "error"
        finally:
            reader.close()
        self._app.call_from_thread(self._app.notify, told, severity=severity, markup=False)
