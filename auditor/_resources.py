"""Where the data that ships with the program lies: inside the package in a wheel, beside it in a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from auditor.errors import AuditorError


def data_folder(name: str) -> Traversable:
    """The folder of shipped data called ``name`` ("prompts" or "judges").

    Raises AuditorError if the installation has no such folder.
    """
    packaged = files("auditor").joinpath("_data", name)
    if packaged.is_dir():
        return packaged
    beside = Path(__file__).resolve().parent.parent / name
    if beside.is_dir():
        return beside
    raise AuditorError(
        f"this installation has no {name}/ folder (looked in the package and at {beside})",
        "install auditor again from a wheel or a complete checkout",
    )
