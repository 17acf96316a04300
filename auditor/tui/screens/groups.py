"""The ways of failing in a list, with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.worker import get_current_worker

from auditor.report.plain import one_line
from auditor.tui.axis import Piece, share_bar
from auditor.tui.listing import Filter, Group, Listing, Mode
from auditor.tui.theme import Glyphs
from auditor.tui.widgets.key_bar import KeyBar
from auditor.tui.widgets.row_list import RowList, fit


class GroupList(RowList):
    """One line per way of failing."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.groups: Sequence[Group] | None = None
        self.signs = glyphs
        self._most = 1

    def show(self, groups: Sequence[Group]) -> None:
        """Show the groups once they are counted."""
        self.groups = groups
        self._most = max((group.many for group in groups), default=1)
        self.measure()

    def empty(self) -> str:
        """While they are being counted, and if there are none."""
        return "counting…" if self.groups is None else "this list is empty"

    def count(self) -> int:
        """Groups."""
        return len(self.groups or ())

    def heading(self, line: int, width: int) -> Sequence[Piece]:
        """Names of the columns."""
        return [
            (fit("pairs", 7, right=True) + fit("", self._bar(width)) + fit("    dimension", 15), ""),
            (fit("kind", 16) + "what happened", ""),
        ]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A group."""
        if self.groups is None:
            return []
        group = self.groups[index]
        style = {"regressed": "row--worse", "fixed": "row--better", "unscored": "row--unsure"}.get(
            group.flip, "row--muted"
        )
        sign = {"regressed": self.signs.worse, "fixed": self.signs.better, "unscored": self.signs.unsure}.get(
            group.flip, " "
        )
        return [
            (fit(f"{group.many:,}", 7, right=True) + " ", "row--strong"),
            (share_bar(group.many / self._most, self._bar(width), self.signs), style),
            (f" {sign} ", style),
            (fit(one_line(group.dimension, 10), 11) + fit(one_line(group.kind, 15), 16), "row--muted"),
            (self._happened(group, max(width - 38 - self._bar(width), 8)), ""),
        ]

    def _happened(self, group: Group, room: int) -> str:
        """What both sides did; two long labels share the room."""
        both = [one_line(label, 40) for label in (group.baseline, group.candidate)]
        if sum(map(cell_len, both)) + 3 > room:
            half = (room - 3) // 2
            spare = [max(half - cell_len(label), 0) for label in both]
            both = [fit(label, min(cell_len(label), half + spare[1 - i])) for i, label in enumerate(both)]
        return f" {self.signs.arrow} ".join(both)

    @staticmethod
    def _bar(width: int) -> int:
        return 7 if width < 90 else 24


class GroupsScreen(ModalScreen[Filter | None]):
    """Choose a group to see its pairs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Show these", id="groups.open"),
        Binding("escape,g", "dismiss(None)", "Back", id="groups.back"),
    ]

    def __init__(self, listing: Listing) -> None:
        super().__init__()
        self.listing = listing

    def compose(self) -> ComposeResult:
        """Build the screen."""
        groups = GroupList(getattr(self.app, "signs"))  # noqa: B009
        groups.border_title = f"{len(self.listing):,} pairs by what happened"
        yield groups
        yield KeyBar()

    def on_mount(self) -> None:
        """Count in the background."""
        self.run_worker(self._count, thread=True, group="groups")

    def _count(self) -> None:
        worker = get_current_worker()
        groups = self.listing.groups()
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show, groups)

    def _show(self, groups: Sequence[Group]) -> None:
        if self.is_mounted:
            self.query_one(GroupList).show(groups)

    def action_open(self) -> None:
        """Choose the group under the cursor."""
        self.query_one(GroupList).action_open()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """Show the pairs of a group; what was searched for stays."""
        rows = event.rows
        group = rows.groups[event.index] if isinstance(rows, GroupList) and rows.groups is not None else None
        if group is not None:
            chosen = self.listing.filter
            self.dismiss(Filter(Mode.ALL, (*group.terms(), *chosen.words), chosen.sort))
