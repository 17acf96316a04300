"""A screen of the browser as pixels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import resvg_py

from auditor.tui.app import AuditorApp

FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"), Path.home() / ".fonts")
FAMILIES = (("Fira Code", "FiraCode-Regular.ttf"), ("DejaVu Sans Mono", "DejaVuSansMono.ttf"))


class Camera:
    """Turns the screen into pixels."""

    def __init__(self, fonts: Sequence[Path]) -> None:
        for self._family, name in FAMILIES:
            found = [path for folder in fonts if folder.is_dir() for path in folder.rglob(name)]
            if found:
                self._files = [
                    str(path) for path in sorted(found[0].parent.glob(f"{name.split('-')[0].split('.')[0]}*"))
                ]
                return
        sys.exit(
            "No monospaced font found; install fonts-firacode or fonts-dejavu-core, or name a folder with --fonts."
        )

    def png(self, app: AuditorApp, zoom: float = 1.0) -> bytes:
        """The present screen."""
        svg = app.export_screenshot(title="auditor view")
        svg = svg.replace("font-family: arial", "font-family: Fira Code").replace("Fira Code", self._family)
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, font_files=self._files, skip_system_fonts=True, zoom=zoom))
