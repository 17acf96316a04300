"""Pages that the code knows better than a person are what the code says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_up_to_date() -> None:
    # A process of its own: click keeps what an earlier test in this one asked a command's help for.
    check = [sys.executable, str(DOCS / "generate.py"), "--check"]
    ran = subprocess.run(check, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_every_setting_of_a_plan_is_described() -> None:
    for line in generator().settings().splitlines():
        if line.startswith("| `"):
            assert line.split("|")[4].strip(), line
