"""What people say about a run while they browse it: stars, overrides, comments; and what they make of
its decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

from auditor.errors import AuditorError
from auditor.records import ALL_DIMENSIONS, Part, Side
from auditor.store import Annotation, Annotations, RunReader
from auditor.store.annotations import Kind

if TYPE_CHECKING:
    from auditor.report.overridden import Overrides


class Remarks:
    """Reads annotations once, and again when one was added."""

    def __init__(self, annotations: Annotations) -> None:
        self.annotations = annotations
        self._marks: dict[str, set[str]] | None = None
        self._by_prompt: dict[str, list[Annotation]] | None = None
        self.version = 0
        """Grows with every remark."""

    def marks(self) -> Mapping[str, Collection[str]]:
        """Prompt ids by kind of annotation."""
        if self._marks is None:
            self._marks = {
                "starred": self.annotations.prompts("star"),
                "overridden": self.annotations.prompts("override"),
                "labelled": self.annotations.prompts("label"),
            }
        return self._marks

    def of(self, prompt_id: str) -> tuple[Annotation, ...]:
        """Overrides and comments in force on a prompt."""
        if self._by_prompt is None:
            self._by_prompt = {}
            kinds: tuple[Kind, ...] = ("override", "comment")
            for found in (found for kind in kinds for found in self.annotations.current(kind).values()):
                self._by_prompt.setdefault(found.prompt_id, []).append(found)
        return tuple(self._by_prompt.get(prompt_id, ()))

    def star(self, prompt_id: str) -> None:
        """Star a prompt, or take the star away."""
        starred = prompt_id in self.marks()["starred"]
        self.add("star", prompt_id, "" if starred else "starred", old="starred" if starred else "")

    def add(
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
        self.changed()

    def undo(self, kind: Kind) -> Annotation | None:
        """Take back one's own last remark of a kind; the record of that, or None if there was none."""
        undone = self.annotations.undo(kind)
        self.changed()
        return undone

    def changed(self) -> None:
        """Read them again when they are needed."""
        self._marks = self._by_prompt = None
        self.version += 1


class Weighed:
    """The findings as people would have them: with their overrides (a word for the whole, figures by dimension), and with
    the judge's error taken off by their labels (see `auditor.report.corrected`).
    """

    def __init__(
        self,
        overall_word: str = "",
        overridden: Mapping[str, dict[str, Any]] | None = None,
        corrected: Mapping[str, dict[str, Any]] | None = None,
    ) -> None:
        self.overall = overall_word
        self.overridden = overridden or {}
        self.corrected = corrected or {}


def weigh(reader: RunReader, overrides: Overrides, *, labelled: bool) -> Weighed:
    """Recompute what people's remarks touch; takes seconds on the largest runs, so not on the thread that paints."""
    from auditor.report.corrected import corrections
    from auditor.report.overall import overall
    from auditor.report.overridden import overridden, replaced

    try:
        stored = reader.findings()
        findings = {name: stored[name] for name in ALL_DIMENSIONS if name in stored}
        figures = overridden(reader, findings, overrides)
        error = reader.plan.get("plan", {}).get("run", {}).get("error")
        word = overall(replaced(findings, figures, error)) if figures else ""
        return Weighed(word, figures, corrections(reader, findings) if labelled else None)
    except (AuditorError, KeyError):
        # Findings of another version: nothing is said rather than something wrong.
        return Weighed()
