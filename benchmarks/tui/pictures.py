"""The pictures of the README and the docs, from a seeded demo run: ``python -m benchmarks.tui.pictures``.

Needs a monospaced font with box drawing: Fira Code if it is found, else DejaVu Sans Mono (Debian: fonts-firacode,
fonts-dejavu-core). ``--fonts DIR`` looks there, too. ``--run RUN`` takes a run that exists instead of making one.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from auditor.store import Annotations, RunReader
from auditor.tui.app import AuditorApp
from auditor.tui.theme import DARK, LIGHT, UNICODE
from benchmarks.tui.camera import FONTS, Camera

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 128


class Picture(NamedTuple):
    """A screen: which keys lead there, at which size, in which theme."""

    name: str
    size: tuple[int, int]
    theme: str
    keys: tuple[str, ...]


PICTURES = (
    Picture("overview", (110, 32), DARK.name, ()),
    Picture("overview-light", (110, 32), LIGHT.name, ()),
    Picture("traces", (80, 24), DARK.name, ("t",)),
    Picture("records", (110, 28), DARK.name, ("enter",)),
    Picture("groups", (100, 28), LIGHT.name, ("a", "g")),
    Picture("record", (110, 28), DARK.name, ("enter", "enter")),
    Picture("record-diff", (110, 28), LIGHT.name, ("enter", "enter", "d")),
    Picture("narrow", (80, 24), DARK.name, ("enter", "enter")),
    Picture("drift", (110, 28), DARK.name, ("D",)),
    Picture("live", (110, 32), LIGHT.name, ("L",)),
)
TOUR: tuple[tuple[str, float], ...] = (
    ("", 2.0),
    ("up", 0.5),
    ("up", 0.7),
    ("down", 0.5),
    ("down", 0.9),
    ("enter", 1.6),
    ("down", 0.4),
    ("up", 0.6),
    ("enter", 3.0),
    ("n", 1.6),
    ("d", 2.0),
    ("escape", 0.8),
    ("g", 2.0),
    ("escape", 0.4),
    ("escape", 1.0),
)
"""Keys of the animated picture, and seconds to look at what they did."""


async def take(run: Path, camera: Camera) -> None:
    """Every still picture, and the tour."""
    for picture in PICTURES:
        app = _app(run)
        async with app.run_test(size=picture.size) as pilot:
            app.theme = picture.theme
            await pilot.pause()
            for key in picture.keys:
                await pilot.press(key)
                await app.workers.wait_for_complete()
            await pilot.pause()
            small(camera.png(app)).save(IMAGES / f"{picture.name}.png", optimize=True)
            print(IMAGES / f"{picture.name}.png")
    app = _app(run)
    frames: list[tuple[bytes, float]] = []
    async with app.run_test(size=(100, 28)) as pilot:
        app.theme = DARK.name
        for key, seconds in TOUR:
            if key:
                await pilot.press(key)
            await app.workers.wait_for_complete()
            await pilot.pause()
            frames.append((camera.png(app), seconds))
    animate(frames, IMAGES / "tour.png")
    print(IMAGES / "tour.png")


def small(png: bytes) -> Image.Image:
    """A picture in as many colours as a terminal shows at a time."""
    return Image.open(io.BytesIO(png)).convert("RGB").quantize(colors=COLOURS, dither=Image.Dither.NONE)


def animate(frames: Sequence[tuple[bytes, float]], path: Path) -> None:
    """Write pictures of one size, each with its seconds, as one animated PNG that repeats for ever."""
    shots = [Image.open(io.BytesIO(png)).convert("RGB") for png, _ in frames]
    # One palette for all frames, from all of them: colours that come late in the tour must not be mixed from earlier ones.
    sheet = Image.new("RGB", (shots[0].width, shots[0].height * len(shots)))
    for number, shot in enumerate(shots):
        sheet.paste(shot, (0, number * shot.height))
    palette = sheet.quantize(colors=COLOURS, dither=Image.Dither.NONE)
    images = [
        Image.open(io.BytesIO(png)).convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
        for png, _ in frames
    ]
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=[round(seconds * 1000) for _, seconds in frames],
        loop=0,
        optimize=True,
    )


def _app(run: Path) -> AuditorApp:
    return AuditorApp(RunReader(run), signs=UNICODE, annotations=Annotations(run, who="demo"))


def main() -> None:
    """Make the run if none is given, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fonts", type=Path, action="append", default=[])
    parser.add_argument("--run", type=Path)
    arguments = parser.parse_args()
    camera = Camera([*arguments.fonts, *FONTS])
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = arguments.run or Path(folder) / "demo"
        if arguments.run is None:
            command = [sys.executable, "-m", "auditor", "demo", "--no-tui", "--seed", "0", "--out", str(run)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        asyncio.run(take(run, camera))


if __name__ == "__main__":
    main()
