"""Which pairs a person is asked to label, drawn at random by the run's seed, one blinded reply at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from auditor.dimensions import REGISTRY, rubrics
from auditor.judging import Rubric, load_rubric
from auditor.records import Prompt, Side
from auditor.stats.sampling import drawn
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
    """The judged pairs of a run, drawn uniformly by the run's seed: units of analysis in random order, and one prompt of each
    unit, so that any number of first pairs is a random sample. A pair counts when all of its judged answers are labelled;
    what was scored exactly needs no label.
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
        beyond = {one for body in reader.findings().values() for one in body.get("beyond_stop", ())}
        prompts = [
            one
            for one in reader.prompts()
            if one.id in judged and one.id not in beyond and dimension in (None, one.dimension)
        ]
        self._judged = dict(judged)
        self._seed = int(reader.plan.get("plan", {}).get("run", {}).get("seed", 0))
        by_id = {one.id: one for one in prompts}
        first: dict[tuple[str, ...], Prompt] = {}
        for (name,) in drawn(((one,) for one in by_id), self._seed, "prompt"):
            first.setdefault((by_id[name].dimension, by_id[name].unit), by_id[name])
        self.pairs = [first[unit] for unit in drawn(first, self._seed, "unit")]

    @property
    def done(self) -> int:
        """Pairs with every judged answer labelled."""
        return sum(self.by_dimension().values())

    def by_dimension(self) -> dict[str, int]:
        """Labelled pairs of each dimension that has any."""
        labelled = self._labelled()
        whole = Counter(
            one.dimension for one in self.pairs if all((one.id, side) in labelled for side in self._judged[one.id])
        )
        return dict(sorted(whole.items()))

    def planned(self, wanted: int) -> dict[str, int]:
        """How many of the first ``wanted`` pairs belong to each dimension."""
        return dict(sorted(Counter(one.dimension for one in self.pairs[:wanted]).items()))

    def items(self, wanted: int) -> Iterator[Item]:
        """The answers of the first ``wanted`` pairs that have no label yet; all first and second answers are mixed."""
        labelled = self._labelled()
        items: dict[tuple[str, ...], Item] = {
            (one.id, side): Item(one, side, rubric)
            for one in self.pairs[:wanted]
            for side, rubric in self._judged[one.id].items()
        }
        for place in drawn(items, self._seed, "item"):
            if place not in labelled:
                yield items[place]

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

    def question(self, item: Item) -> str:
        """What is asked about the answer, in the rubric's words."""
        return self._rubrics[item.rubric].question

    def labels(self, item: Item) -> list[tuple[str, str]]:
        """The labels to choose from with their definitions."""
        return list(self._rubrics[item.rubric].definitions.items())

    def label(self, item: Item, label: str) -> None:
        """Append a label to the run's annotations."""
        self._annotations.add("label", item.prompt.id, label, side=item.side, part="answer", rubric=item.rubric)

    def _labelled(self) -> set[tuple[str, ...]]:
        return {(place[0], place[1]) for place in self._annotations.current("label") if place[2] == "answer"}
