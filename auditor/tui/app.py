"""The application: one reader, a stack of screens, one way back."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from platformdirs import user_config_path
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import get_current_worker

from auditor.errors import UsageError
from auditor.records import Part, Prompt, Side, Usage
from auditor.store import Annotations, RunReader, Words
from auditor.store.annotations import Kind
from auditor.tui.config import FILE as CONFIG_FILE
from auditor.tui.config import Config, load, template
from auditor.tui.listing import Filter, Listing, Mode, Sort
from auditor.tui.remarks import Remarks, Weighed, weigh
from auditor.tui.sanitise import PlainAscii, Sanitise
from auditor.tui.screens.base import AuditorScreen
from auditor.tui.screens.overview import OverviewScreen
from auditor.tui.screens.record import RecordScreen
from auditor.tui.screens.records import RecordsScreen
from auditor.tui.summary import Summary, summarise
from auditor.tui.theme import ASCII, DARK, LIGHT, Glyphs, glyphs
from auditor.tui.widgets.key_bar import key_names

if TYPE_CHECKING:
    from auditor.report.overridden import Overrides
    from auditor.tui.hand_over import HandOver
    from auditor.tui.search import Search

Price = Callable[[dict[str, Any], Side, Usage], float | None]
"""US dollars for a reply's tokens of one side of a run, from its frozen plan; None where no price is known."""


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
        self.remarks = Remarks(self.annotations)
        # Always the same ones: Textual keeps each line that it has filtered, by the filter.
        self._filters_of_ours: list[LineFilter] = [Sanitise(), *([PlainAscii()] if self.signs is ASCII else [])]
        self._record: RecordScreen | None = None
        self._labels: dict[tuple[str, str], list[str]] = {}
        self._last_listing: tuple[tuple[Filter, int], Listing] | None = None
        self.weighed = Weighed()
        self._weighed_version = -1

    @cached_property
    def hand_over(self) -> HandOver:
        """The clipboard, a pager, an editor, a file; made when first needed, like the search: neither is at the first paint."""
        from auditor.tui.hand_over import HandOver

        return HandOver(self)

    @cached_property
    def search(self) -> Search:
        """All texts of the run."""
        from auditor.tui.search import Search

        return Search(self)

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's own filters, and ours behind them."""
        return [*super().get_line_filters(), *self._filters_of_ours]

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
            from auditor.tui.actions import actions

            unknown = sorted(set(self.config.keys) - {name for name, _, _ in actions()})
            if unknown:
                self.notify(f"Unknown in {CONFIG_FILE}: {', '.join(unknown)}", severity="warning", markup=False)
        self.push_screen(OverviewScreen())
        self.set_timer(1.0, self._collect_again)
        if self.summary.status == "running":
            self.action_live()

    @staticmethod
    def _collect_again() -> None:
        """Look for garbage from now on, but never again in what was loaded at the start: that takes a tenth of a second."""
        gc.freeze()
        gc.enable()

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
        """The pairs that fit a filter; the last one of a run that has ended is not made again."""
        key = chosen, self.remarks.version
        if self._last_listing is not None and self._last_listing[0] == key and self.summary.status != "running":
            return self._last_listing[1]
        words = [Words(term.value, term.negated) for term in chosen.words]
        made = Listing(self.reader, chosen, self.remarks.marks(), self.search.find(words) if words else None)
        if not words:
            self._last_listing = key, made
        return made

    def labels_of(self, dimension: str, kind: str) -> list[str]:
        """Every label of a kind of prompt; looked up once, but for a run that is still going on."""
        if (dimension, kind) not in self._labels or self.summary.status == "running":
            self._labels[dimension, kind] = self.reader.labels(dimension, kind)
        return self._labels[dimension, kind]

    def any_pair(self, chosen: Filter) -> bool:
        """Whether any pair fits a filter."""
        where, parameters = chosen.where(self.remarks.marks())
        return bool(self.reader.pair_ids(where, parameters, "seq LIMIT 1"))

    def star(self, prompt_id: str) -> None:
        """Star a prompt, or take the star away."""
        self.remarks.star(prompt_id)
        self._told_if_lost()

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
        self.remarks.add(kind, prompt_id, new, side=side, part=part, old=old, reason=reason)
        self._told_if_lost()

    def weigh_remarks(self) -> None:
        """Recompute, in the background, what people's remarks make of the findings, if there are newer ones."""
        marks = self.remarks.marks()
        if self._weighed_version == self.remarks.version or not (
            marks["overridden"] or marks["labelled"] or self.weighed.overridden or self.weighed.corrected
        ):
            return
        from auditor.report.overridden import overrides_of

        self._weighed_version = self.remarks.version
        work = partial(self._weigh, overrides_of(self.annotations), labelled=bool(marks["labelled"]))
        self.run_worker(work, thread=True, exclusive=True, group="weigh")

    def _weigh(self, overrides: Overrides, *, labelled: bool) -> None:
        worker = get_current_worker()
        reader = RunReader(self.reader.path)
        try:
            found = weigh(reader, overrides, labelled=labelled)
        finally:
            reader.close()
        if not worker.is_cancelled:
            self.call_from_thread(self._show_weighed, found)

    def _show_weighed(self, found: Weighed) -> None:
        self.weighed = found
        self.renew(self.summary)

    def _told_if_lost(self) -> None:
        if not self.annotations.saved:
            self.notify("This folder can't be written: it lasts until you leave.", severity="warning")

    def renew(self, summary: Summary) -> None:
        """Show newer findings wherever they are shown."""
        self.summary = summary
        for screen in self.screen_stack:
            if isinstance(screen, OverviewScreen):
                screen.refresh_findings()
            elif isinstance(screen, AuditorScreen):
                screen.retitle()

    def listing_of(self, ids: Sequence[int]) -> Listing:
        """A list of just these pairs, in their order."""
        listing = Listing(self.reader, Filter(sort=Sort.SCHEDULE), self.remarks.marks(), set(ids))
        listing.ids = list(ids)
        return listing

    def open_records(self, chosen: Filter) -> None:
        """Show the pairs that fit a filter."""
        self.push_screen(RecordsScreen(chosen))

    def open_record(self, listing: Listing, index: int, walked: Callable[[int], None] | None = None) -> None:
        """Read a pair of a list; ``walked`` hears where in it one has gone. One screen is made and used again and again:
        mounting a dozen widgets costs more than all that is drawn in them.
        """
        if self._record in self.screen_stack:
            # By way of the palette one can read a record above a record.
            self.push_screen(RecordScreen(listing, index, walked))
            return
        if self._record is None:
            self._record = RecordScreen(listing, index, walked)
            self.install_screen(self._record, "record")
        else:
            self._record.turn_to(listing, index, walked)
        self.push_screen(self._record)

    def open_request(self, prompt: Prompt) -> None:
        """Show every request that was sent about a prompt."""
        from auditor.tui.screens.document import RequestScreen

        self.push_screen(RequestScreen(prompt))

    def action_drift(self) -> None:
        """How far the candidate drifted."""
        from auditor.tui.screens.drift import DriftScreen

        if self.summary.status == "running" or any(isinstance(screen, DriftScreen) for screen in self.screen_stack):
            self.push_screen(DriftScreen())
            return
        if not self.is_screen_installed("drift"):
            self.install_screen(DriftScreen(), "drift")
        self.push_screen("drift")

    def action_live(self) -> None:
        """Watch the run."""
        from auditor.tui.screens.live import LiveScreen

        if any(isinstance(screen, LiveScreen) for screen in self.screen_stack):
            self.push_screen(LiveScreen())
            return
        if not self.is_screen_installed("live"):
            # Kept: what it has read of the ledger need not be read again.
            self.install_screen(LiveScreen(), "live")
        self.push_screen("live")

    def action_runs(self) -> None:
        """The runs beside this one."""
        from auditor.tui.screens.runs import RunsScreen

        self.push_screen(RunsScreen())

    def action_label(self) -> None:
        """Label replies blind."""
        from auditor.tui.screens.label import LabelScreen

        self.push_screen(LabelScreen())

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
        from auditor.tui.actions import actions

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
        plain = self.signs is ASCII
        bindings = [active.binding for active in screen.active_bindings.values()]
        # The screen's own keys first; keys that Textual gives every scrolling thing have no id.
        for binding in sorted(bindings, key=lambda b: (b.id or "").startswith(("list.", "text.", "app."))):
            if binding.description and binding.id:
                keys.setdefault(binding.description, []).append(
                    binding.key_display or key_names(binding.key, plain=plain)
                )
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
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Quit", "Leave the browser", self.action_quit)
        known = {active.binding.description for active in screen.active_bindings.values()}
        for name, what, go in (
            ("Drift", "How far the candidate drifted, and in which words", self.action_drift),
            ("Live", "Watch the run, pause or stop it", self.action_live),
            ("Runs", "The runs in this folder, and compare with one", self.action_runs),
            ("Label", "Label replies blind, to measure the judge", self.action_label),
        ):
            if name not in known:
                yield SystemCommand(name, what, go)
        yield SystemCommand("Write a keys file", "Every action and its keys, for remapping", self.action_write_keys)
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and binding.id and not binding.id.startswith(("list.", "text.", "app.")):
                yield SystemCommand(
                    binding.description,
                    f"{screen.NAME}: {key_names(binding.key)}" if isinstance(screen, AuditorScreen) else "",
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
