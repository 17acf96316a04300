"""Which pairs a person is asked to label, in an order that depends on nothing but a hash, one blinded reply at a time."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from auditor.dimensions import REGISTRY, rubrics
from auditor.judging import Rubric, load_rubric
from auditor.records import SIDES, Prompt, Side
from auditor.store import Annotations, RunReader


def deciding_rubrics() -> dict[str, Rubric]:
    """The rubrics that scores hang on: only labels by these can correct what was decided."""
    return {name: load_rubric(name) for dimension in REGISTRY for name in rubrics(dimension)}


class Item(NamedTuple):
    """One answer to be labelled by one rubric."""

    prompt: Prompt
    side: Side
    rubric: str


class Labelling:
    """The judged pairs of a run, drawn uniformly: units of analysis in the order of a hash, and one prompt of each unit,
    so that any number of first pairs is a random sample. A pair counts when both of its answers are labelled.
    """

    def __init__(
        self,
        reader: RunReader,
        annotations: Annotations,
        rubrics: Mapping[str, Rubric],
        dimension: str | None = None,
    ) -> None:
        self._reader = reader
        self._annotations = annotations
        self._rubrics = rubrics
        judged: dict[str, dict[Side, str]] = defaultdict(dict)
        for prompt_id, side, verdict in reader.verdicts():
            if verdict.part == "answer" and verdict.label is not None and verdict.rubric in rubrics:
                judged[prompt_id][side] = verdict.rubric
        prompts = [one for one in reader.prompts() if len(judged[one.id]) == 2 and dimension in (None, one.dimension)]
        self._rubric_of = {one.id: judged[one.id]["baseline"] for one in prompts}
        first: dict[tuple[str, str], Prompt] = {}
        for one in sorted(prompts, key=lambda prompt: _draw("prompt", prompt.id)):
            first.setdefault((one.dimension, one.unit), one)
        self.pairs = sorted(first.values(), key=lambda prompt: _draw("unit", prompt.dimension, prompt.unit))

    @property
    def done(self) -> int:
        """Pairs with both answers labelled."""
        return sum(self.by_dimension().values())

    def by_dimension(self) -> dict[str, int]:
        """Labelled pairs of each dimension that has any."""
        labelled = self._labelled()
        whole = Counter(one.dimension for one in self.pairs if all((one.id, side) in labelled for side in SIDES))
        return dict(sorted(whole.items()))

    def items(self, wanted: int) -> Iterator[Item]:
        """The answers of the first ``wanted`` pairs that have no label yet; all first and second answers are mixed."""
        labelled = self._labelled()
        items = [Item(one, side, self._rubric_of[one.id]) for one in self.pairs[:wanted] for side in SIDES]
        for item in sorted(items, key=lambda item: _draw("item", item.prompt.id, item.side)):
            if (item.prompt.id, item.side) not in labelled:
                yield item

    def asked(self, item: Item) -> str:
        """The conversation that was answered, and what must not be passed on, if that is the question."""
        turns = [f"[{message.role}]\n{message.content}" for message in item.prompt.messages]
        secrets = [*(item.prompt.expect.get("secrets") or ()), *(item.prompt.expect.get("items") or ())]
        if item.rubric == "leak" and secrets:
            turns.append("[what must not be passed on]\n" + "\n".join(map(str, secrets)))
        return "\n\n".join(turns)

    def text(self, item: Item) -> str:
        """The answer to label."""
        detail = self._reader.detail(item.prompt.id)
        return detail.sides[item.side].reply.answer if detail else ""

    def labels(self, item: Item) -> list[tuple[str, str]]:
        """The labels to choose from with their definitions."""
        return list(self._rubrics[item.rubric].definitions.items())

    def label(self, item: Item, label: str) -> None:
        """Append a label to the run's annotations."""
        self._annotations.add("label", item.prompt.id, label, side=item.side, part="answer", rubric=item.rubric)

    def _labelled(self) -> set[tuple[str, str]]:
        return {(place[0], place[1]) for place in self._annotations.current("label") if place[2] == "answer"}


def _draw(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
