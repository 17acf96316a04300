"""Pages that the code knows better than a person are what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["plan.md", "commands.md"])
def test_generated_parts_are_up_to_date(page: str) -> None:
    written = (DOCS / page).read_text(encoding="utf-8")
    assert generator().filled(page) == written, "run: python docs/generate.py"


def test_every_setting_of_a_plan_is_described() -> None:
    for line in generator().settings().splitlines():
        if line.startswith("| `"):
            assert line.split("|")[4].strip(), line
