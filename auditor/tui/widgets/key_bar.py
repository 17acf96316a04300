"""The keys that work here, on the last line. One widget that draws text, where Textual's own mounts a widget per key."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding
from textual.strip import Strip

from auditor.tui.theme import ASCII
from auditor.tui.widgets.looks import Looks

NAMES = {
    "question_mark": "?",
    "slash": "/",
    "equals_sign": "=",
    "asterisk": "*",
    "vertical_line": "|",
    "escape": "esc",
    "enter": "⏎",
    "pageup": "page up",
    "pagedown": "page down",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}
_LAST = ("app.help", "app.quit")
"""Shown at the end, also where there is no room for all."""


def key_names(key: str, *, plain: bool = False) -> str:
    """A key as people read it; ``plain`` without signs that an ASCII terminal lacks."""
    names = (NAMES.get(part, part.replace("ctrl+", "^")) for part in key.split(","))
    return " ".join(
        name if name.isascii() or not plain else part for name, part in zip(names, key.split(","), strict=True)
    )


class KeyBar(Looks):
    """Keys and what they do; a click presses one."""

    def on_mount(self) -> None:
        """Follow the focus: what has it may bring keys of its own."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Any) -> None:
        self.refresh()

    def shown(self, width: int) -> list[tuple[str, str, str]]:
        """Key to press, its name, and what it does, as many as fit."""
        first: list[tuple[str, str, str]] = []
        last: list[tuple[str, str, str]] = []
        seen: set[str] = set()
        plain = getattr(self.app, "signs", None) is ASCII
        for active in self.screen.active_bindings.values():
            binding = active.binding
            # One action on several keys is shown once, with the first of them.
            if binding.show and binding.description and active.enabled and binding.description not in seen:
                seen.add(binding.description)
                (last if binding.id in _LAST else first).append(self._entry(binding, plain=plain))
        room = width - 1 - sum(self._width(entry) for entry in last)
        kept = []
        for entry in first:
            room -= self._width(entry)
            if room >= 0:
                kept.append(entry)
        return [*kept, *last]

    def render_line(self, y: int) -> Strip:
        """The one line."""
        width = self.size.width
        base = self.ground
        segments = [Segment(" ", base)]
        for _, name, what in self.shown(width):
            segments.append(Segment(name, base + self.look("keys--key")))
            segments.append(Segment(f" {what}  ", base + self.look("keys--what")))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        at = 1
        for entry in self.shown(self.size.width):
            if at <= event.x < at + self._width(entry):
                self.app.simulate_key(entry[0])
                return
            at += self._width(entry)

    @staticmethod
    def _entry(binding: Binding, *, plain: bool) -> tuple[str, str, str]:
        return binding.key, binding.key_display or key_names(binding.key, plain=plain), binding.description

    @staticmethod
    def _width(entry: tuple[str, str, str]) -> int:
        return cell_len(entry[1]) + cell_len(entry[2]) + 3
