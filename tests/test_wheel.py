"""What is built and installed works from another folder: banks and rubrics travel in the wheel."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the sdist, as an index would serve it."""
    out = tmp_path_factory.mktemp("dist")
    # The build tools come from this environment: building must not depend on what an index serves today.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_banks_rubrics_and_the_stylesheet(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder, ending in (("prompts", ".jsonl"), ("prompts", ".card.toml"), ("judges", "rubric.toml")):
        shipped = sorted((ROOT / folder).rglob(f"*{ending}"))
        inside = [name for name in names if name.startswith(f"auditor/_data/{folder}/") and name.endswith(ending)]
        assert len(inside) == len(shipped) > 0
    assert any(name.endswith(".tcss") for name in names)
    assert "auditor/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_installed_program_runs_the_demo_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    demo = [str(home / "bin" / "auditor"), "demo", "--out", str(tmp_path / "run")]
    ran = subprocess.run(demo, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    for word in ("SYNTHETIC", "safety", "toxicity", "bias", "ethics", "privacy", "robustness", "drift", "REGRESSED"):
        assert word in ran.stdout
    listed = subprocess.run(
        [str(home / "bin" / "auditor"), "banks", "lint"], capture_output=True, text=True, check=False
    )
    assert listed.returncode == 0, listed.stdout
