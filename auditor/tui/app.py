"""The application: one reader, a stack of screens, one way back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import get_current_worker

from auditor.store import Annotations, RunReader, TextIndex, Words
from auditor.tui.listing import Filter, Listing
from auditor.tui.sanitise import PlainAscii, Sanitise
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.help import HelpScreen, key_names
from auditor.tui.screens.overview import OverviewScreen
from auditor.tui.screens.records import RecordsScreen
from auditor.tui.summary import summarise
from auditor.tui.theme import ASCII, DARK, LIGHT, Glyphs, glyphs


class AuditorApp(App[None]):
    """Browses one run."""

    TITLE = "auditor"
    CSS_PATH = "auditor.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False, id="app.back"),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help"),
        Binding("q", "quit", "Quit", id="app.quit"),
        Binding("ctrl+t", "next_theme", "Light/dark", show=False, id="app.theme"),
    ]

    def __init__(
        self, reader: RunReader, *, signs: Glyphs | None = None, annotations: Annotations | None = None
    ) -> None:
        super().__init__()
        self.reader = reader
        self.signs = signs or glyphs()
        self.annotations = annotations or Annotations(reader.path)
        self.summary = summarise(reader)
        self._marks: dict[str, set[str]] | None = None
        self._indexed = False

    @cached_property
    def texts(self) -> TextIndex:
        """The index of all texts; opened by the first search."""
        return TextIndex(self.reader.path)

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's own filters, and ours behind them."""
        plain: list[LineFilter] = [PlainAscii()] if self.signs is ASCII else []
        return [*super().get_line_filters(), Sanitise(), *plain]

    def on_mount(self) -> None:
        """Start at the overview."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.push_screen(OverviewScreen())

    def crumbs(self, below: Screen[Any] | None = None) -> list[str]:
        """The steps of the breadcrumb below a screen (or below one that is about to be pushed)."""
        steps = [self.reader.path.name]
        for screen in self.screen_stack:
            if screen is below:
                break
            if isinstance(screen, AuditorScreen):
                steps.append(screen.crumb())
        return steps

    def state_of_run(self) -> tuple[str, str]:
        """What kind of run this is, and what to be wary of, for the title bar."""
        found = self.summary
        progress = "" if found.status == "complete" else f"{found.status} {found.done:,}/{found.planned:,}"
        return progress, "SYNTHETIC" if found.synthetic else ""

    def listing(self, chosen: Filter) -> Listing:
        """The pairs that fit a filter."""
        words = [Words(term.value, term.negated) for term in chosen.words]
        return Listing(self.reader, chosen, self.marks(), self.texts.find(words) if words else None)

    def any_pair(self, chosen: Filter) -> bool:
        """Whether any pair fits a filter."""
        return len(self.listing(chosen)) > 0

    def marks(self) -> Mapping[str, Collection[str]]:
        """Prompt ids by kind of annotation."""
        if self._marks is None:
            self._marks = {
                "starred": self.annotations.prompts("star"),
                "overridden": self.annotations.prompts("override"),
                "labelled": self.annotations.prompts("label"),
            }
        return self._marks

    def star(self, prompt_id: str) -> None:
        """Star a prompt, or take the star away."""
        starred = prompt_id in self.marks().get("starred", ())
        self.annotations.add("star", prompt_id, "" if starred else "starred", old="starred" if starred else "")
        self._marks = None
        if not self.annotations.saved:
            self.notify("This folder can't be written: the star lasts until you leave.", severity="warning")

    def leave(self, up: int = 1) -> None:
        """Go back by a number of screens; the first screen stays."""
        for _ in range(up):
            if len(self.screen_stack) > 2:
                self.pop_screen()

    def action_leave(self) -> None:
        """Leave what is open on the screen, else the screen."""
        inner = getattr(self.screen, "leave", None)
        if inner is None or not inner():
            self.leave()

    def action_help(self) -> None:
        """What this screen shows, and its keys."""
        screen = self.screen
        if not isinstance(screen, AuditorScreen):
            return
        keys: dict[str, list[str]] = {}
        bindings = [active.binding for active in screen.active_bindings.values()]
        # The screen's own keys first; keys that Textual gives every scrolling thing have no id.
        for binding in sorted(bindings, key=lambda b: (b.id or "").startswith(("list.", "text.", "app."))):
            if binding.description and binding.id:
                keys.setdefault(binding.description, []).append(binding.key_display or key_names(binding.key))
        listed = [(" ".join(dict.fromkeys(names)), what) for what, names in keys.items()]
        self.push_screen(HelpScreen(screen.NAME, screen.ABOUT, listed))

    def action_next_theme(self) -> None:
        """Between dark and light; the palette has all themes."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers beside the keys of the screen."""
        yield from super().get_system_commands(screen)

    def remember(self, chosen: Filter) -> None:
        """Keep the filter for the next time this run is opened."""
        self.annotations.put_state("filter", {"mode": chosen.mode.name, "text": chosen.text, "sort": chosen.sort.name})

    def search_for(self, screen: RecordsScreen) -> None:
        """Find the words of a screen's filter; the first search of a run reads all texts once, in the background."""
        if screen.chosen.words and not self._indexed:
            self.notify("Reading all answers and traces for the first search…", markup=False)
            self.run_worker(partial(self._index, screen), thread=True, exclusive=True, group="search")

    def _index(self, screen: RecordsScreen) -> None:
        worker = get_current_worker()
        reader = RunReader(self.reader.path)
        try:
            self.texts.extend(reader, lambda *_: not worker.is_cancelled)
        finally:
            reader.close()
        if not worker.is_cancelled:
            self.call_from_thread(self._searched, screen)

    def _searched(self, screen: RecordsScreen) -> None:
        # A run that is still going on has new texts at the next search.
        self._indexed = self.summary.status != "running"
        if screen.is_mounted and screen.chosen.words:
            screen.show(self.listing(screen.chosen))
