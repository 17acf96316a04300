"""The terminal UI: a reader of a run's folder. Nothing here asks an endpoint or writes a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.tui.app import AuditorApp, Price

Rubrics = Callable[[], Mapping[str, Mapping[str, str]]]
"""Gives each rubric's labels with their definitions, once somebody labels by hand."""


def browse(path: Path, *, rubrics: Rubrics | None = None, price: Price | None = None) -> None:
    """Open a run and stay until the user leaves. Raises RunError if there is no run, UsageError if the user's settings
    can't be read.
    """
    with _application(path, rubrics, price) as app:
        app.run()


def browse_on_web(
    path: Path, port: int, told: Callable[[str], None], *, rubrics: Rubrics | None = None, price: Price | None = None
) -> None:
    """Serve the browser on loopback until interrupted. ``told`` hears the address, which holds a secret. Raises as
    :func:`browse`, and UsageError if the port is taken.
    """
    import asyncio
    import contextlib
    import socket

    from auditor.errors import UsageError
    from auditor.tui.web import HOST, serve

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UsageError(
                f"Port {port} can't be used: {error.strerror}.", "Name another one with --port."
            ) from error
    with _application(path, rubrics, price) as app, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(app, port, told))


@contextmanager
def _application(path: Path, rubrics: Rubrics | None, price: Price | None) -> Iterator[AuditorApp]:
    import gc

    # Until the first paint everything is built and nothing dropped: looking for garbage would take a tenth of the time.
    # The application enables it again once it has painted.
    gc.disable()
    from platformdirs import user_config_path

    from auditor.store import Annotations, RunReader
    from auditor.tui.app import AuditorApp

    reader = RunReader(path)
    annotations = Annotations(path)
    try:
        yield AuditorApp(
            reader, annotations=annotations, rubrics=rubrics, price=price, config_folder=user_config_path("auditor")
        )
    finally:
        gc.enable()
        annotations.close()
        reader.close()
