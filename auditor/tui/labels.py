"""The queue of blinded labelling, without a screen: which replies to judge, in an order that tells nothing about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from auditor.records import Part, Side
from auditor.stats.sampling import drawn
from auditor.store import Annotations, RunReader

Rubrics = Mapping[str, Mapping[str, str]]
"""Each rubric's labels with their definitions."""


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
    """Replies that a judge judged, some ``most`` of them: prompts drawn uniformly by the run's seed, and of each both sides,
    in random order. ``rubrics`` gives the rubrics to label by with their labels' definitions; without any, all that the run's
    verdicts name are asked, and the labels that these have are offered.
    """

    def __init__(
        self,
        reader: RunReader,
        annotations: Annotations,
        rubrics: Rubrics | None = None,
        most: int = 400,
    ) -> None:
        self._reader = reader
        self._annotations = annotations
        self._rubrics = rubrics or {}
        seed = int(reader.plan.get("plan", {}).get("run", {}).get("seed", 0))
        items: dict[tuple[str, ...], Item] = {}
        for (prompt_id,) in drawn(((one,) for one in reader.judged_prompts()), seed, "prompt"):
            if len(items) >= most:
                break
            for place in reader.verdict_places(prompt_id):
                if not self._rubrics or place[3] in self._rubrics:
                    items[place] = Item(*place)
        self.items = [items[place] for place in drawn(items, seed, "item")]

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
