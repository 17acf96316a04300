"""Every action of every screen, for the file in which people give them other keys."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from textual.binding import Binding
from textual.screen import Screen


def actions() -> list[tuple[str, str, str]]:
    """Every action that can be given other keys: its id, its keys, what it does."""
    from auditor.tui import screens
    from auditor.tui.app import AuditorApp
    from auditor.tui.widgets.row_list import RowList
    from auditor.tui.widgets.text_pane import TextPane

    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    found: dict[str, tuple[str, str, str]] = {}
    waiting: list[type[Any]] = [AuditorApp, Screen, RowList, TextPane]
    while waiting:
        owner = waiting.pop()
        waiting += owner.__subclasses__()
        for binding in vars(owner).get("BINDINGS", ()) if owner.__module__.startswith("auditor.") else ():
            if isinstance(binding, Binding) and binding.id:
                found[binding.id] = (binding.id, binding.key, binding.description)
    return list(found.values())
