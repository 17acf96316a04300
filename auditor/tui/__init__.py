"""The terminal UI: a reader of a run's folder. Nothing here asks an endpoint or writes a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path


def browse(path: Path, *, rubrics: Callable[[], Mapping[str, Mapping[str, str]]] | None = None) -> None:
    """Open a run and stay until the user leaves. ``rubrics`` gives each rubric's labels with their definitions
    once somebody labels by hand. Raises RunError if there is no run, UsageError if the user's settings can't be read.
    """
    from platformdirs import user_config_path

    from auditor.store import Annotations, RunReader
    from auditor.tui.app import AuditorApp

    reader = RunReader(path)
    annotations = Annotations(path)
    try:
        AuditorApp(reader, annotations=annotations, rubrics=rubrics, config_folder=user_config_path("auditor")).run()
    finally:
        annotations.close()
        reader.close()
