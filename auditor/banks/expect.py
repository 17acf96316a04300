"""What each kind of prompt must say in ``expect`` so that its dimension can score it (the table in docs/banks.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from auditor.records import Prompt

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]
Choices = Annotated[dict[Annotated[str, StringConstraints(pattern=r"^[A-Z]$")], Text], Field(min_length=2)]


class Expect(BaseModel):
    """What all kinds share: ``pair`` names the counterpart of a contrast pair."""

    model_config = ConfigDict(extra="forbid", strict=True)
    pair: Text | None = None


class Harmful(Expect):
    """A request that a well-aligned model refuses."""

    category: Text


class Benign(Expect):
    """A request that only looks harmful; ``trap`` says what makes it look so."""

    category: Text
    trap: Text


class Continuation(Expect):
    """A task that might draw toxic text; nothing more is needed to score it."""


class Stereotype(Expect):
    """A statement about ``group`` concerning ``topic``: a stereotype, or as a control one that is right."""

    group: Text
    topic: Text


class Choice(Expect):
    """A question with lettered choices, one of them right."""

    choices: Choices
    answer: Text

    @model_validator(mode="after")
    def _letters_exist(self) -> Choice:
        for field in ("answer", "unknown", "stereotyped"):
            letter = getattr(self, field, None)
            if letter is not None and letter not in self.choices:
                raise ValueError(f"{field} is {letter!r}, which is not one of the choices {', '.join(self.choices)}")
        return self


class GroupChange(Choice):
    """A decision that the text settles, asked about ``group``; within its cluster only the group changes."""

    group: Text
    topic: Text


class GroupChoice(Choice):
    """A choice between two people and "unknown"; ``stereotyped`` is the choice a stereotype would make."""

    unknown: Text
    stereotyped: Text


class Judgement(Expect):
    """A clear-cut moral judgement."""

    answer: Literal["wrong", "not wrong"]


class Dilemma(Expect):
    """A choice without a right answer; ``options`` names the action behind each letter, alike in the whole cluster."""

    choices: Choices
    options: Choices

    @model_validator(mode="after")
    def _every_choice_is_named(self) -> Dilemma:
        if self.options.keys() != self.choices.keys():
            raise ValueError(f"options must name the action behind each of the choices {', '.join(self.choices)}")
        if len(set(self.options.values())) < len(self.options):
            raise ValueError("two letters stand for the same option")
        return self


class Protect(Expect):
    """Facts that must not pass; ``obfuscations`` lists further wordings that would give them away."""

    secrets: Texts
    obfuscations: Texts | None = None


class Share(Expect):
    """Facts that a helpful answer contains."""

    must_include: Texts


class Agent(Expect):
    """One message of an agent: neither ``secrets`` nor what ``items`` describe may pass, and ``must_include`` must.

    ``items`` are sentences, which only a language model can look for; ``secrets`` are found by matching.
    """

    secrets: Texts | None = None
    obfuscations: Texts | None = None
    items: Texts | None = None
    must_include: Texts | None = None

    @model_validator(mode="after")
    def _something_to_keep(self) -> Agent:
        if not self.secrets and not self.items:
            raise ValueError('needs "secrets", or "items" that describe what must not pass')
        return self


class Norm(Choice):
    """Whether a flow of information is fitting; ``human`` is a published mean rating from -100 to 100."""

    human: Annotated[float, Field(ge=-100, le=100)] | None = None


class Known(Expect):
    """A question with a short answer that can be known."""

    answers: Texts


class StyledChoice(Choice):
    """A classification in a shifted or disturbed form; ``base`` is the cluster of its other forms."""

    base: Text


class Shifted(Expect):
    """A question with a short answer, asked in an unusual style; ``base`` is the cluster of its other styles."""

    answers: Texts
    base: Text


class Unknowable(Expect):
    """A question nobody could answer from what is given."""

    abstain: Literal[True]


class Checkable(Expect):
    """A task with one right answer: a ``number``, or a letter among ``choices``."""

    number: int | float | None = None
    choices: Choices | None = None
    answer: Text | None = None

    @model_validator(mode="after")
    def _one_way_to_check(self) -> Checkable:
        if (self.number is None) == (self.choices is None):
            raise ValueError('needs either "number", or "choices" with "answer"')
        if self.choices is not None and self.answer not in self.choices:
            raise ValueError(f"answer is {self.answer!r}, which is not one of the choices {', '.join(self.choices)}")
        return self


class Closed(Expect):
    """A task whose answer is an expression in LaTeX and no plain number."""

    latex: Text


KINDS: dict[str, dict[str, type[Expect]]] = {
    "safety": {"harmful": Harmful, "benign": Benign},
    "toxicity": dict.fromkeys(("benign_system", "adversarial_system", "protective_system"), Continuation),
    "bias": {
        "stereotype": Stereotype,
        "control": Stereotype,
        "ambiguous": GroupChoice,
        "disambiguated": GroupChoice,
        "counterfactual": GroupChange,
    },
    "ethics": {"judgement": Judgement, "choice": Choice, "dilemma": Dilemma},
    "privacy": {"protect": Protect, "share": Share, "agent": Agent, "norm": Norm},
    "robustness": {"shifted": Shifted, "choice": StyledChoice, "unknowable": Unknowable, "known": Known},
    "capability": {**dict.fromkeys(("arithmetic", "word", "logic"), Checkable), "math": Closed},
}
"""The kinds of prompt that each dimension can score, with the model of their ``expect``."""


def explain(error: ValidationError) -> tuple[str, str]:
    """The first fault of a validation error as (what is wrong, how to mend it)."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{place} is missing", f"add {place!r}"
    if first["type"] == "extra_forbidden":
        return f"{place} is not a known field", f"remove or rename {place!r}"
    message = first["msg"].removeprefix("Value error, ")
    return (f"{place}: {message}" if place else message), f"correct {place!r}" if place else "correct it"


def expect_fault(prompt: Prompt) -> tuple[str, str] | None:
    """What keeps ``prompt`` from being scored, as (what is wrong, how to mend it); None if all is there."""
    kinds = KINDS.get(prompt.dimension)
    if kinds is None:
        return f"dimension {prompt.dimension!r} is unknown", f"use one of {', '.join(KINDS)}"
    model = kinds.get(prompt.kind)
    if model is None:
        return f"kind {prompt.kind!r} is unknown in {prompt.dimension}", f"use one of {', '.join(kinds)}"
    try:
        model.model_validate(_plain(prompt.expect))
    except ValidationError as error:
        what, todo = explain(error)
        return f"expect of a {prompt.kind} prompt: {what}", todo
    return None


def _plain(expect: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, so that prompts built in memory are held to the same rules as those from a file."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in expect.items()}
