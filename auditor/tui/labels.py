"""The queue of blinded labelling, without a screen: which replies to judge, in an order that tells nothing about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from auditor.records import Part, Side
from auditor.store import Annotations, RunReader


class Item(NamedTuple):
    """One part of one reply, to be judged by one rubric."""

    prompt_id: str
    side: Side
    part: Part
    rubric: str

    @property
    def place(self) -> tuple[str, str, str, str]:
        """The key of its annotation."""
        return self.prompt_id, self.side, self.part, self.rubric


class Queue:
    """Replies that a judge judged, shuffled by a hash of what they are: the same order for everybody, unrelated to sides
    and scores. ``rubrics`` gives each rubric's labels with their definitions; where it is missing, the labels that the run's
    verdicts have are offered.
    """

    def __init__(
        self,
        reader: RunReader,
        annotations: Annotations,
        rubrics: Mapping[str, Mapping[str, str]] | None = None,
        most: int = 400,
    ) -> None:
        self._reader = reader
        self._annotations = annotations
        self._rubrics = rubrics or {}
        items = {Item(*place) for place in reader.verdict_places(most)}
        self.items = sorted(items, key=lambda item: hashlib.sha256("\0".join(item).encode()).digest())

    def labels(self, item: Item) -> list[tuple[str, str]]:
        """The labels to choose from, with their definitions."""
        known = self._rubrics.get(item.rubric)
        return list(known.items()) if known else [(label, "") for label in self._reader.verdict_labels(item.rubric)]

    def done(self) -> int:
        """How many of the queue are labelled."""
        labelled = self._annotations.current("label")
        return sum(item.place in labelled for item in self.items)

    def next(self) -> Item | None:
        """The first item without a label."""
        labelled = self._annotations.current("label")
        return next((item for item in self.items if item.place not in labelled), None)

    def label(self, item: Item, label: str, reason: str = "") -> None:
        """Record a label."""
        self._annotations.add(
            "label", item.prompt_id, label, side=item.side, part=item.part, rubric=item.rubric, reason=reason
        )

    def undo(self) -> bool:
        """Take the last label back."""
        return self._annotations.undo("label") is not None
