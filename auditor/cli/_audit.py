"""Carrying out an audit from the command line: shared by ``run`` and ``demo``."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import httpx2

from auditor.audit.runner import Audit
from auditor.cli._shared import progress
from auditor.plan import Plan
from auditor.store import RunFolder
from auditor.wire import Tape, TapeMode


def carry_out(
    plan: Plan,
    out: Path,
    *,
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    synthetic: bool = False,
    tape: Tape | None = None,
    mode: TapeMode = "auto",
) -> None:
    """Run or continue an audit. Raises AuditorError leaves; on Ctrl-C tells how to continue and exits with 130."""
    folder = RunFolder(out)
    watcher = progress()
    audit = Audit(
        plan,
        folder,
        environ=os.environ,
        progress=watcher,
        networks=networks,
        synthetic=synthetic,
        tape=tape,
        mode=mode,
    )
    handler = _logging_to(folder)
    try:
        asyncio.run(audit.run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        watcher.stop()
        click.echo(f"Interrupted. Nothing is lost: run the same command to continue {out}.", err=True)
        sys.exit(130)
    finally:
        watcher.stop()
        handler.close()
        logging.getLogger("auditor").removeHandler(handler)


def _logging_to(folder: RunFolder) -> logging.Handler:
    handler = logging.FileHandler(folder.log, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("auditor")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    return handler
