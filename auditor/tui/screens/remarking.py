"""What one says about a record while reading it: a star, another verdict, a comment."""

from __future__ import annotations

from collections.abc import Callable

from auditor.records import SIDES, UNSCORED_OUTCOMES, Side
from auditor.store import RecordDetail
from auditor.tui.screens.base import AuditorScreen


class RemarkingScreen(AuditorScreen):
    """A screen about one record, on which one can remark. Subclasses say which record, and draw it."""

    detail: RecordDetail | None = None

    @property
    def prompt_id(self) -> str:
        """Which prompt is shown."""
        raise NotImplementedError

    def draw(self, *, keep: bool = False) -> None:
        """Draw the record anew; ``keep`` stays where it was scrolled to."""
        raise NotImplementedError

    def tell(self) -> None:
        """Say anew what the record is and how it is marked."""
        raise NotImplementedError

    def action_star(self) -> None:
        """Star this pair, or take the star away."""
        self.browser.star(self.prompt_id)
        self.tell()

    def action_override(self) -> None:
        """Say that a verdict is wrong: which side's, what is right, and why."""
        from auditor.tui.screens.ask import AskScreen, ChooseScreen

        if self.detail is None:
            return
        prompt = self.detail.prompt
        labels = self.browser.labels_of(prompt.dimension, prompt.kind)
        sides = [side for side in reversed(SIDES) if side in self.detail.sides]
        options = [
            (side, label)
            for side in sides
            for label in labels
            if label not in UNSCORED_OUTCOMES and label != self._label(side)
        ]
        told = [(f"{side}: {label}", f"instead of {self._label(side) or 'unscored'}") for side, label in options]

        def chosen(index: int | None) -> None:
            if index is not None:
                self.app.push_screen(
                    AskScreen("Why?", hint="One sentence; it is kept with your name and the time."), reasoned(index)
                )

        def reasoned(index: int) -> Callable[[str | None], None]:
            def record(reason: str | None) -> None:
                if reason is not None:
                    side, label = options[index]
                    self.browser.annotate(
                        "override", prompt.id, label, side=side, part="answer", old=self._label(side), reason=reason
                    )
                    self.draw(keep=True)
                    self.tell()

            return record

        if told:
            self.app.push_screen(ChooseScreen("What is right?", told), chosen)

    def action_comment(self) -> None:
        """Write a comment on this pair; an empty one takes it away."""
        from auditor.tui.screens.ask import AskScreen

        prompt_id = self.prompt_id
        before = self.browser.annotations.current("comment").get((prompt_id, "", "", ""))

        def record(text: str | None) -> None:
            if text is not None:
                self.browser.annotate("comment", prompt_id, text, old=before.new if before else "")
                self.draw(keep=True)

        self.app.push_screen(AskScreen("Comment", before.new if before else ""), record)

    def action_undo(self) -> None:
        """Take back the last override of this session's user."""
        undone = self.browser.remarks.undo("override")
        self.notify(
            "There is no override to take back." if undone is None else f"Taken back: {undone.old}", markup=False
        )
        self.draw(keep=True)
        self.tell()

    def _label(self, side: Side) -> str:
        return self.detail.sides[side].scored.label if self.detail is not None and side in self.detail.sides else ""
