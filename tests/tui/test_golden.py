"""Eight screens of a seeded run as text. After a change that is meant, look at them and write them anew:
``AUDITOR_WRITE_GOLDEN=1 pytest tests/tui/test_golden.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.conftest import browsing

GOLDEN = Path(__file__).parent / "golden"
SCREENS: dict[str, tuple[tuple[int, int], list[str]]] = {
    "overview-80": ((80, 24), []),
    "overview-120": ((120, 36), []),
    "traces-80": ((80, 24), ["t"]),
    "records-80": ((80, 24), ["enter"]),
    "records-120": ((120, 36), ["a"]),
    "record-80": ((80, 24), ["enter", "enter"]),
    "record-120": ((120, 36), ["enter", "enter", "v"]),
    "groups-80": ((80, 24), ["a", "g"]),
    "drift-100": ((100, 30), ["D"]),
    "live-120": ((120, 36), ["L"]),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_the_screen_looks_as_it_did(run: Path, name: str) -> None:
    size, keys = SCREENS[name]
    async with browsing(run, size=size) as seen:
        shown = await seen.keys(*keys)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("AUDITOR_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
