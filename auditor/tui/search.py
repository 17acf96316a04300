"""Searching all texts of a run: an index that the first search builds, in the background."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from auditor.store import RunReader, TextIndex, Words

if TYPE_CHECKING:
    from auditor.tui.app import AuditorApp
    from auditor.tui.screens.records import RecordsScreen


class Search:
    """Finds words for one application."""

    def __init__(self, app: AuditorApp) -> None:
        self._app = app
        self._complete = False

    @cached_property
    def index(self) -> TextIndex:
        """The index of all texts; opened by the first search."""
        return TextIndex(self._app.reader.path)

    def find(self, words: Iterable[Words]) -> set[int]:
        """Pairs with all of these words, as far as they are indexed."""
        return self.index.find(words)

    def start(self, screen: RecordsScreen) -> None:
        """Index what is missing for the words of a screen's filter, then show its list anew."""
        if screen.chosen.words and not self._complete:
            self._app.notify("Reading all answers and traces for the first search…", markup=False)
            self._app.run_worker(partial(self._extend, screen), thread=True, exclusive=True, group="search")

    def _extend(self, screen: RecordsScreen) -> None:
        worker = get_current_worker()
        reader = RunReader(self._app.reader.path)
        try:
            self.index.extend(reader, lambda *_: not worker.is_cancelled)
        finally:
            reader.close()
        if not worker.is_cancelled:
            self._app.call_from_thread(self._show, screen)

    def _show(self, screen: RecordsScreen) -> None:
        # A run that is still going on has new texts at the next search.
        self._complete = self._app.summary.status != "running"
        if screen.is_mounted and screen.chosen.words:
            screen.show(self._app.listing(screen.chosen))
