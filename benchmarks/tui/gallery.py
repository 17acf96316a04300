"""Every screen in every look, to be looked at by people: ``python -m benchmarks.tui.gallery FOLDER``.

80 × 24 and 120 × 36, dark and light, of a seeded demo run; the two themes of a screen stand side by side in one file.
``--only NAME`` takes some of them.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx2
from PIL import Image

from auditor.audit.runner import Audit
from auditor.banks import bank_names, load_bank
from auditor.cli.view import ReplyPrices, rubric_labels
from auditor.errors import BudgetReached
from auditor.plan import Plan
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, build_app, preset
from auditor.store import Annotations, RunFolder, RunReader, RunWriter
from auditor.tui.app import AuditorApp
from auditor.tui.theme import DARK, LIGHT, UNICODE
from benchmarks.tui.camera import FONTS, Camera

URL = "http://synthetic.invalid/v1"
SIZES = ((80, 24), (120, 36))
THEMES = (DARK.name, LIGHT.name)


class Shot(NamedTuple):
    """A screen: in which run, and which keys lead there; a key of one letter and a colon types the rest."""

    name: str
    keys: tuple[str, ...]
    run: str = "demo"


SHOTS = (
    Shot("overview", ()),
    Shot("overview-drift", ("end",)),
    Shot("overview-overrides", (), "by-hand"),
    Shot("traces", ("t",)),
    Shot("records", ("enter",)),
    Shot("records-all", ("a",)),
    Shot("records-filter", ("a", "slash", "type:dim:privacy cand:leak kl>0.02")),
    Shot("records-chips", ("a", "slash", "type:dim:privacy cand:leak -kind:share", "enter")),
    Shot("records-empty", ("a", "slash", "type:kl>9", "enter")),
    Shot("groups", ("a", "g")),
    Shot("export", ("a", "e")),
    Shot("record", ("enter", "enter")),
    Shot("record-evidence", ("enter", "enter", "e")),
    Shot("record-diff", ("enter", "enter", "d")),
    Shot("record-judges", ("enter", "enter", "v")),
    Shot("record-zoom", ("enter", "enter", "z")),
    Shot("record-overridden", ("enter", "enter"), "by-hand"),
    Shot("override", ("enter", "enter", "o")),
    Shot("request", ("enter", "enter", "i")),
    Shot("tokens", ("D", "enter", "k")),
    Shot("drift", ("D",)),
    Shot("live", (), "running"),
    Shot("live-done", ("L",)),
    Shot("label", ("B",)),
    Shot("runs", ("R",)),
    Shot("compare", ("R", "down", "down", "enter")),
    Shot("help", ("question_mark",)),
    Shot("help-record", ("enter", "enter", "question_mark")),
    Shot("palette", ("ctrl+p",)),
    Shot("jump", ("enter", "enter", "ctrl+o")),
)


def demo(path: Path, *, plant: str = "demo", seed: int = 0, until: str = "all", max_calls: int | None = None) -> None:
    """A run of the built-in pair; one that ends early looks as if it were still going on."""
    prompts = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
    sides = {"baseline": BASELINE_MODEL, "candidate": CANDIDATE_MODEL, "judge": JUDGE_MODEL}
    plan = Plan.from_mapping(
        {side: {"base_url": URL, "model": model} for side, model in sides.items()}
        | {"run": {"seed": seed, "until": until, "max_calls": max_calls, "concurrency": 8}}
        | ({"dimensions": {name: {"limit": 100} for name in _dimensions()}} if until == "all" else {})
    )
    app = build_app(preset(plant, seed), prompts)
    audit = Audit(plan, RunFolder(path), environ={}, networks={URL: httpx2.ASGITransport(app)}, synthetic=True)
    try:
        asyncio.run(audit.run())
    except BudgetReached:
        folder = RunFolder(path)
        folder.claim()
        writer = RunWriter(folder)
        writer.put_meta("status", "running")
        writer.close()
        folder.release()


def _dimensions() -> Sequence[str]:
    from auditor.records import ALL_DIMENSIONS

    return ALL_DIMENSIONS


def family(folder: Path) -> None:
    """The demo with runs beside it: as one has when a model's descendants are audited."""
    demo(folder / "demo")
    demo(folder / "distilled", plant="one-worse:safety", seed=1)
    demo(folder / "hybrid", plant="none", seed=2)
    demo(folder / "rl-long", plant="all-worse", seed=3)
    demo(folder / "running", until="decided", max_calls=1200)
    shutil.copytree(folder / "demo", folder / "by-hand")
    reader, annotations = RunReader(folder / "by-hand"), Annotations(folder / "by-hand", who="ada")
    leaked = [pair for pair in reader.pair_scores("privacy") if pair.candidate_label == "leaks"]
    worst = reader.pairs(
        reader.pair_ids(
            "dimension = 'privacy'", (), "delta, candidate_trace_score IS NULL, candidate_trace_score, seq LIMIT 1"
        )
    )
    for row in worst.values():
        annotations.add("comment", row.prompt_id, "The name is in the prompt: is this a leak at all?")
        annotations.add("star", row.prompt_id, "starred")
    for prompt_id in [row.prompt_id for row in worst.values()] + [pair.prompt_id for pair in leaked[:11]]:
        about = {"side": "candidate", "part": "answer", "old": "leaks", "reason": "the user gave it"}
        annotations.add("override", prompt_id, "no_leak", **about)  # type: ignore[arg-type]
    annotations.close()
    reader.close()


async def shoot(runs: Path, out: Path, camera: Camera, only: Sequence[str]) -> None:
    """Take them all."""
    for shot in SHOTS:
        if only and shot.name not in only:
            continue
        for size in SIZES:
            pictures = [await _look(runs / shot.run, shot, size, theme, camera) for theme in THEMES]
            sheet = Image.new("RGB", (sum(picture.width for picture in pictures), pictures[0].height))
            at = 0
            for picture in pictures:
                sheet.paste(picture, (at, 0))
                at += picture.width
            sheet.save(out / f"{shot.name}-{size[0]}.png")
        print(shot.name, file=sys.stderr)


async def _look(run: Path, shot: Shot, size: tuple[int, int], theme: str, camera: Camera) -> Image.Image:
    annotations = Annotations(run, who="demo")
    app = AuditorApp(RunReader(run), signs=UNICODE, annotations=annotations, rubrics=rubric_labels, price=ReplyPrices())
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        await pilot.pause()
        for key in shot.keys:
            await pilot.press(*(key[5:] if key.startswith("type:") else [key]))
            await app.workers.wait_for_complete()
        await app.workers.wait_for_complete()
        await pilot.pause()
        return Image.open(io.BytesIO(camera.png(app, zoom=0.9))).convert("RGB")


def main() -> None:
    """Make the runs, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, action="append", default=[])
    parser.add_argument("--runs", type=Path, help="Keep the runs here, and use them if they are there.")
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    camera = Camera([*arguments.fonts, *FONTS])
    with tempfile.TemporaryDirectory() as scratch:
        runs = arguments.runs or Path(scratch)
        if not (runs / "by-hand").exists():
            shutil.rmtree(runs, ignore_errors=True)
            family(runs)
        asyncio.run(shoot(runs, arguments.folder, camera, arguments.only))


if __name__ == "__main__":
    main()
