"""One small run for all tests that only read it; each test gets its own copy where it writes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.pilot import Pilot

from auditor.store import Annotations, RunReader
from auditor.tui.app import AuditorApp
from auditor.tui.theme import UNICODE, Glyphs
from tests.tui.make_run import make_run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("made") / "seeded-run")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy to annotate."""
    return Path(shutil.copytree(made, tmp_path / "seeded-run"))


class Seen(NamedTuple):
    """A running browser."""

    app: AuditorApp
    pilot: Pilot[None]

    def text(self) -> str:
        """The screen as lines of text."""
        return screen_text(self.app)

    def told(self) -> str:
        """What the last toasts said."""
        return "\n".join(str(note.message) for note in self.app._notifications)

    async def keys(self, *keys: str) -> str:
        """Press keys, wait for what they started, and give the screen."""
        await self.pilot.press(*keys)
        await self.settled()
        return self.text()

    async def settled(self) -> None:
        """Wait for workers and messages."""
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()


def screen_text(app: AuditorApp) -> str:
    """What is on screen, without colours; blanks at line ends are dropped."""
    import io

    from rich.console import Console

    width, height = app.size
    console = Console(
        width=width, height=height, file=io.StringIO(), record=True, force_terminal=True, color_system=None
    )
    console.print(app.screen._compositor.render_update(full=True, screen_stack=app._background_screens))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


@asynccontextmanager
async def browsing(path: Path, *, size: tuple[int, int] = (80, 24), signs: Glyphs = UNICODE) -> AsyncIterator[Seen]:
    """The browser on a run, in a terminal of a size."""
    reader = RunReader(path)
    annotations = Annotations(path, who="tester", clock=lambda: 1_700_000_000.0)
    app = AuditorApp(reader, signs=signs, annotations=annotations)
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Seen(app, pilot)
    finally:
        annotations.close()
        reader.close()
