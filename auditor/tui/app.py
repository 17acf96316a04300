"""The application: one reader, a stack of screens, one way back."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from platformdirs import user_config_path
from textual.app import App, SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import get_current_worker

from auditor.errors import UsageError
from auditor.records import Part, Prompt, Side
from auditor.report.plain import harmless
from auditor.store import Annotation, Annotations, RunReader, TextIndex, Words
from auditor.store.annotations import Kind
from auditor.tui.config import FILE as CONFIG_FILE
from auditor.tui.config import Config, load, template
from auditor.tui.listing import Filter, Listing, Mode, Sort
from auditor.tui.sanitise import PlainAscii, Sanitise
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.overview import OverviewScreen
from auditor.tui.screens.record import RecordScreen
from auditor.tui.screens.records import RecordsScreen
from auditor.tui.summary import Summary, summarise
from auditor.tui.theme import ASCII, DARK, LIGHT, Glyphs, glyphs
from auditor.tui.widgets.key_bar import key_names
from auditor.tui.widgets.row_list import RowList
from auditor.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from auditor.tui.screens.document import DocumentScreen

Price = Callable[[dict[str, Any], Side, int, int], float | None]
"""US dollars for tokens in and out of one side of a run, from its frozen plan; None where no price is known."""


class AuditorApp(App[None]):
    """Browses one run."""

    TITLE = "auditor"
    CSS_PATH = "auditor.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-middle"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False, id="app.back"),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help"),
        Binding("q", "quit", "Quit", id="app.quit"),
        Binding("ctrl+o", "jump", "Jump", show=False, id="app.jump"),
        Binding("ctrl+t", "next_theme", "Light/dark", show=False, id="app.theme"),
    ]

    def __init__(
        self,
        reader: RunReader,
        *,
        signs: Glyphs | None = None,
        annotations: Annotations | None = None,
        rubrics: Callable[[], Mapping[str, Mapping[str, str]]] | None = None,
        price: Price | None = None,
        config_folder: Path | None = None,
    ) -> None:
        """``rubrics`` gives the labels with their definitions, once somebody labels by hand.
        ``price`` says what a side's tokens cost. ``config_folder``: where the user's keys and
        theme are set; None reads none. Raises UsageError if they can't be read.
        """
        super().__init__()
        # Over SSH an animated scroll is many screens where one was asked for.
        self.animation_level = "none"
        self.reader = reader
        self.rubrics = rubrics or dict
        self.price = price
        self.config_folder = config_folder or user_config_path("auditor")
        self.config = load(config_folder) if config_folder is not None else Config()
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
        for theme in (self.annotations.state("theme"), self.config.theme, DARK.name):
            if theme in self.available_themes:
                self.theme = str(theme)
                break
        if self.config.keys:
            self.set_keymap(dict(self.config.keys))
            unknown = sorted(set(self.config.keys) - {name for name, _, _ in actions()})
            if unknown:
                self.notify(f"Unknown in {CONFIG_FILE}: {', '.join(unknown)}", severity="warning", markup=False)
        self.push_screen(OverviewScreen())
        self.set_timer(1.0, gc.enable)
        if self.summary.status == "running":
            self.action_live()

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
        where, parameters = chosen.where(self.marks())
        return bool(self.reader.pair_ids(where, parameters, "seq LIMIT 1"))

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
        self.annotate("star", prompt_id, "" if starred else "starred", old="starred" if starred else "")

    def annotate(
        self,
        kind: Kind,
        prompt_id: str,
        new: str,
        *,
        side: Side | Literal[""] = "",
        part: Part | Literal[""] = "",
        old: str = "",
        reason: str = "",
    ) -> None:
        """Record what somebody says about a prompt."""
        self.annotations.add(kind, prompt_id, new, side=side, part=part, old=old, reason=reason)
        self.annotated()
        if not self.annotations.saved:
            self.notify("This folder can't be written: it lasts until you leave.", severity="warning")

    def annotated(self) -> None:
        """Annotations changed: read them again when they are needed."""
        self._marks = None

    def notes(self, prompt_id: str) -> tuple[Annotation, ...]:
        """Overrides and comments in force on a prompt."""
        kinds: tuple[Kind, ...] = ("override", "comment")
        return tuple(
            note for kind in kinds for note in self.annotations.current(kind).values() if note.prompt_id == prompt_id
        )

    def renew(self, summary: Summary) -> None:
        """Show newer findings wherever they are shown."""
        self.summary = summary
        for screen in self.screen_stack:
            if isinstance(screen, OverviewScreen):
                screen.refresh_findings()

    def copy(self, text: str) -> None:
        """Copy to the clipboard of whoever sits at the terminal, as far as it lets one."""
        self.copy_to_clipboard(harmless(text))
        self.notify(
            f"Copied {len(text):,} characters (OSC 52: some terminals ignore it; | opens a pager).", markup=False
        )

    def open_outside(self, text: str, variable: str, otherwise: str) -> None:
        """Show harmless text in the user's pager or editor."""
        command = shlex.split(os.environ.get(variable) or otherwise)
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", delete=False) as file:
            file.write(text)
        try:
            with self.suspend():
                subprocess.run([*command, file.name], check=False)  # noqa: S603 - the user's own program
        except SuspendNotSupported:
            self.notify("This terminal can't be handed to another program.", severity="warning")
        except OSError as error:
            self.notify(f"{command[0]}: {error.strerror}; set {variable}.", severity="error", markup=False)
        finally:
            Path(file.name).unlink(missing_ok=True)

    def export(self, listing: Listing) -> None:
        """Ask for a file and write a list to it; the name's ending chooses the format."""
        from auditor.tui.export import FORMATS
        from auditor.tui.screens.ask import AskScreen

        folder = self.reader.path if self.annotations.saved else Path.cwd()
        hint = f"{len(listing):,} pairs, in the order of the list. The ending chooses: {', '.join('.' + f for f in FORMATS)}"
        self.push_screen(AskScreen("Export", str(folder / "pairs.csv"), hint), partial(self._export, listing))

    def _export(self, listing: Listing, name: str | None) -> None:
        if name:
            self.run_worker(partial(self._write, listing, Path(name).expanduser()), thread=True, group="export")

    def _write(self, listing: Listing, path: Path) -> None:
        from auditor.tui.export import export

        reader = RunReader(self.reader.path)
        try:
            own = Listing(reader, listing.filter, listing.marks, listing.found)
            many = export(reader, own, path, self.annotations.current("override"))
            told, severity = f"{many:,} pairs are in {path}", "information"
        except (OSError, ValueError) as error:
            told, severity = str(error), "error"
        finally:
            reader.close()
        self.call_from_thread(self.notify, told, severity=severity, markup=False)

    def listing_of(self, ids: Sequence[int]) -> Listing:
        """A list of just these pairs, in their order."""
        listing = Listing(self.reader, Filter(sort=Sort.SCHEDULE), self.marks(), set(ids))
        listing.ids = list(ids)
        return listing

    def open_records(self, chosen: Filter) -> None:
        """Show the pairs that fit a filter."""
        self.push_screen(RecordsScreen(chosen))

    def open_record(self, listing: Listing, index: int) -> None:
        """Read a pair of a list."""
        self.push_screen(RecordScreen(listing, index))

    def open_request(self, prompt: Prompt) -> None:
        """Show every request that was sent about a prompt; the tape is read in the background."""
        from auditor.tui.screens.document import DocumentScreen

        screen = DocumentScreen("request")
        self.push_screen(screen)
        words = max((message.content for message in prompt.messages), key=len)
        screen.run_worker(partial(self._find_requests, screen, words), thread=True)

    def _find_requests(self, screen: DocumentScreen, words: str) -> None:
        from auditor.tui.screens.document import exchange_blocks

        reader = RunReader(self.reader.path)
        try:
            blocks = exchange_blocks(reader.exchanges_about(words))
        finally:
            reader.close()
        self.call_from_thread(screen.fill, blocks)

    def action_drift(self) -> None:
        """How far the candidate drifted."""
        from auditor.tui.screens.drift import DriftScreen

        self.push_screen(DriftScreen())

    def action_live(self) -> None:
        """Watch the run."""
        from auditor.tui.screens.live import LiveScreen

        self.push_screen(LiveScreen())

    def action_runs(self) -> None:
        """The runs beside this one."""
        from auditor.tui.screens.runs import RunsScreen

        self.push_screen(RunsScreen())

    def action_label(self) -> None:
        """Label replies blind."""
        from auditor.tui.labels import Queue
        from auditor.tui.screens.label import LabelScreen

        self.push_screen(LabelScreen(Queue(self.reader, self.annotations, self.rubrics())))

    def action_jump(self) -> None:
        """A letter on everything one can go to."""
        from auditor.tui.screens.jump import JumpScreen

        targets = [w for w in self.screen.query("*") if w.focusable and w.region.area and w.display]

        def go(target: Widget | None) -> None:
            if target is not None:
                target.focus()

        self.push_screen(JumpScreen(targets), go)

    def action_write_keys(self) -> None:
        """Write a settings file with every action and its keys, for remapping."""
        path = self.config_folder / CONFIG_FILE
        if path.exists():
            self.notify(f"{path} exists: edit it.", markup=False)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template(actions()), encoding="utf-8")
        self.notify(f"Written: {path}", markup=False)

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
        from auditor.tui.screens.help import HelpScreen

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

    def watch_theme(self, theme: str) -> None:
        """Remember the theme for this run."""
        if self.is_running and theme != self.annotations.state("theme"):
            self.annotations.put_state("theme", theme)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers beside the keys of the screen."""
        yield from super().get_system_commands(screen)
        yield SystemCommand("Drift", "How far the candidate drifted, and in which words", self.action_drift)
        yield SystemCommand("Live", "Watch the run, pause or stop it", self.action_live)
        yield SystemCommand("Runs", "The runs in this folder, and compare with one", self.action_runs)
        yield SystemCommand("Label", "Label replies blind, to measure the judge", self.action_label)
        yield SystemCommand("Write a keys file", "Every action and its keys, for remapping", self.action_write_keys)
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and binding.id and not binding.id.startswith(("list.", "text.", "app.")):
                yield SystemCommand(
                    binding.description,
                    f"key {key_names(binding.key)}",
                    partial(self.run_action, binding.action, active.node),
                )

    def remember(self, chosen: Filter) -> None:
        """Keep the filter for the next time this run is opened."""
        self.annotations.put_state("filter", {"mode": chosen.mode.name, "text": chosen.text, "sort": chosen.sort.name})

    def remembered(self) -> Filter | None:
        """The filter of the last list, or None."""
        kept = self.annotations.state("filter")
        try:
            return Filter.of(kept["text"], Mode[kept["mode"]], Sort[kept["sort"]])
        except (TypeError, KeyError, UsageError):
            return None

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


def actions() -> list[tuple[str, str, str]]:
    """Every action that can be given other keys: its id, its keys, what it does."""
    from auditor.tui import screens

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
