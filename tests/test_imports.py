"""The table of rooms in docs/how-it-works.md, enforced: a later room never imports a room it does not own the way to."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "auditor"
BASE = {"records", "errors", "defaults"}
EVERYTHING = {"*"}
MAY_IMPORT: dict[str, set[str]] = {
    "records": set(),
    "errors": set(),
    "defaults": set(),
    "_resources": {"errors"},
    "plan": BASE,
    "wire": BASE,
    "endpoints": BASE | {"wire"},
    "banks": {"records", "errors", "_resources"},
    "judging": BASE | {"endpoints", "_resources"},
    "dimensions": BASE | {"judging"},
    "stats": set(),
    "drift": set(),
    # Estimators are pure; modules called protocol_* gather their input.
    "drift.protocol": {"records", "endpoints", "errors"},
    "store": {"records", "errors"},
    "audit": BASE | {"plan", "wire", "endpoints", "banks", "judging", "dimensions", "stats", "drift", "store"},
    "report": {"store", "stats", "records", "errors"},
    "tui": {"store", "stats", "records", "errors", "report"},
    "gate": {"store", "stats", "records", "errors"},
    "simulator": {"records"},
    "cli": EVERYTHING,
    "__main__": {"cli"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("auditor.") for name in found if name.startswith("auditor.")}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    name = name_of(path)
    room = name.split(".")[0]
    if room in ("", "__init__"):
        assert not imports(path)
        return
    allowed = MAY_IMPORT.get(name.partition("_")[0]) or MAY_IMPORT.get(name) or MAY_IMPORT[room]
    if allowed is EVERYTHING:
        return
    for imported in imports(path):
        target = imported.split(".")[0]
        assert target in allowed | {room, "__version__"}, f"{name} imports auditor.{imported}"


def test_every_room_is_in_the_table() -> None:
    rooms = {name_of(path).split(".")[0] for path in modules()} - {"", "__init__"}
    assert rooms <= set(MAY_IMPORT)


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "sys.argv = ['auditor', '--help']\n"
        "from auditor.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "demo" in ran.stdout
    loaded = set(ran.stderr.split())
    heavy = {"httpx2", "pydantic", "msgspec", "numpy", "textual", "rich", "openai", "anthropic", "asyncio", "sqlite3"}
    assert not loaded & heavy


def test_the_pure_rooms_have_no_clock_no_network_and_no_global_randomness() -> None:
    forbidden = {"time", "datetime", "socket", "httpx2", "os", "pathlib", "sqlite3", "asyncio"}
    for room in ("stats", "drift"):
        for path in (PACKAGE / room).glob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            used = {
                alias.name.split(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, ast.Import)
                for alias in node.names
            } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not used & forbidden, path
