"""Rubrics: what is asked of a judge, in words and labels, with the examples that test whoever judges by it.

A rubric is a folder ``judges/<name>/`` with ``rubric.toml`` (the words and the labels), ``canaries.jsonl`` (clear cases
and traps that a judge must get right before it may judge) and ``gold.jsonl`` (labelled texts for measuring a judge).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from auditor._resources import data_folder
from auditor.errors import RubricError
from auditor.judging.formulas import FORMULAS
from auditor.records import Message, Part, Prompt

_Words = Annotated[str, Field(min_length=1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Model = TypeVar("_Model", bound=BaseModel)


class _LabelModel(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: _Name
    definition: _Words
    evidence: Literal["required", "optional"] = "required"
    score: Annotated[float, Field(ge=0, le=1)] | None = None


class _FieldModel(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: _Name
    definition: _Words
    levels: Annotated[dict[str, str], Field(min_length=2)]


class _RubricModel(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: _Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    description: _Words
    question: _Words
    labels: Annotated[list[_LabelModel], Field(min_length=2)]
    fields: list[_FieldModel] = []
    formula: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [label.name for label in self.labels]
        if len(set(names)) != len(names):
            raise ValueError("two labels have the same name")
        if not self.formula and not self.fields:
            return self
        if self.formula not in FORMULAS:
            raise ValueError(f"fields need a formula, one of {', '.join(FORMULAS)}")
        formula = FORMULAS[self.formula]
        if {field.name: set(field.levels) for field in self.fields} != {
            name: set(levels) for name, levels in formula.fields.items()
        }:
            raise ValueError(f"the formula {self.formula} needs the fields and levels {dict(formula.fields)}")
        if set(names) != set(formula.labels):
            raise ValueError(f"the formula {self.formula} gives the labels {', '.join(formula.labels)}")
        return self


class _ExampleModel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: _Words
    prompt: str
    text: str
    label: _Name
    kind: str = ""
    part: Part = "answer"
    expect: dict[str, Any] = {}


class Example(msgspec.Struct, frozen=True):
    """One labelled text: a canary or a gold row. ``kind`` says which canary it is ("clear", "opposite", "injection")."""

    id: str
    prompt: Prompt
    text: str
    part: Part
    label: str
    kind: str


class Rubric(msgspec.Struct, frozen=True):
    """A rubric as judges use it.

    ``text`` is what an LLM judge reads: question, labels or fields, definitions. ``evidence_optional`` are the labels that
    stand for the absence of something, for which there may be nothing to quote. ``hash`` is the SHA-256 (hex) of what
    defines a judgement (name, version, question, labels, definitions), not of the examples: a better gold set does
    not change what earlier verdicts mean.
    """

    name: str
    version: str
    hash: str
    description: str
    labels: tuple[str, ...]
    definitions: dict[str, str]
    evidence_optional: frozenset[str]
    fields: dict[str, tuple[str, ...]]
    """What is asked instead of the label, each with its levels; empty where the label itself is asked."""
    scores: dict[str, float]
    """What a label is worth by itself, 0 to 1, for replies judged outside an audit; not part of the hash."""
    formula: str
    """Name of the formula that makes a label and a score of the fields; "" without fields."""
    question: str
    """What is asked about a text, in the rubric's words."""
    text: str
    canaries: tuple[Example, ...]
    gold: tuple[Example, ...]

    @property
    def stamp(self) -> str:
        """Version and beginning of the hash: verdicts with different stamps are never compared."""
        return f"{self.version}+{self.hash[:12]}"


def rubric_names(folder: Path | None = None) -> list[str]:
    """Names of the rubrics in ``folder``, or of those that come with the program, sorted."""
    root = _root(folder)
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and (entry / "rubric.toml").is_file())


def load_rubric(name: str, folder: Path | None = None) -> Rubric:
    """The rubric called ``name`` from ``folder``, or from those that come with the program.

    Raises RubricError, naming the file and the fix, when it is missing, can't be read or is malformed.
    """
    place = _root(folder) / name
    file = place / "rubric.toml"
    if not file.is_file():
        known = ", ".join(rubric_names(folder)) or "none"
        raise RubricError(f"There is no rubric {name!r}: {file} does not exist.", f"Known rubrics: {known}.")
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RubricError(f"{file} is not valid TOML: {error}", "Correct the file at the place named above.") from error
    model = _validated(_RubricModel, data, str(file))
    if model.name != name:
        raise RubricError(
            f"{file} calls itself {model.name!r} but lies in the folder {name!r}.",
            "Give the folder and the `name` in the file the same name.",
        )
    labels = tuple(label.name for label in model.labels)
    defining: list[Any] = [
        model.name,
        model.version,
        model.question,
        [[e.name, e.definition, e.evidence] for e in model.labels],
    ]
    if model.fields:
        defining += [[[e.name, e.definition, e.levels] for e in model.fields], model.formula]
    return Rubric(
        name=model.name,
        version=model.version,
        hash=hashlib.sha256(json.dumps(defining, ensure_ascii=False).encode()).hexdigest(),
        description=model.description,
        labels=labels,
        definitions={label.name: label.definition for label in model.labels},
        evidence_optional=frozenset(label.name for label in model.labels if label.evidence == "optional"),
        fields={field.name: tuple(field.levels) for field in model.fields},
        scores={label.name: label.score for label in model.labels if label.score is not None},
        formula=model.formula,
        question=model.question,
        text=_rendered(model),
        canaries=_examples(place / "canaries.jsonl", name, labels),
        gold=_examples(place / "gold.jsonl", name, labels),
    )


def _root(folder: Path | None) -> Traversable:
    return data_folder("judges") if folder is None else folder


def _validated(model: type[_Model], data: object, where: str) -> _Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise RubricError(
            f"{where} is malformed at {field}: {first['msg']}.", f"Correct {field} in {where}."
        ) from error


def _rendered(model: _RubricModel) -> str:
    if model.fields:
        lines = [model.question]
        for field in model.fields:
            lines += ["", f'"{field.name}": {field.definition}']
            lines += [f"- {level}: {meaning}" for level, meaning in field.levels.items()]
        return "\n".join(lines)
    lines = [model.question, "", "Labels:"]
    lines += [f"- {label.name}: {label.definition}" for label in model.labels]
    return "\n".join(lines)


def _examples(file: Traversable, rubric: str, labels: tuple[str, ...]) -> tuple[Example, ...]:
    if not file.is_file():
        raise RubricError(
            f"{file} does not exist.", f"Add the labelled examples of the rubric {rubric!r}, one per line."
        )
    examples: list[Example] = []
    seen: set[str] = set()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{file} line {number}"
        try:
            data = json.loads(line)
        except ValueError as error:
            raise RubricError(f"{where} is not JSON: {error}", "Write one JSON object per line.") from error
        row = _validated(_ExampleModel, data, where)
        if row.label not in labels:
            raise RubricError(f"{where} has the label {row.label!r}.", f"Use one of {', '.join(labels)}.")
        if row.id in seen:
            raise RubricError(f"{where} repeats the id {row.id!r}.", "Give every example its own id.")
        seen.add(row.id)
        prompt = Prompt(
            id=f"{rubric}/{row.id}",
            dimension="",
            bank=rubric,
            kind=row.kind,
            messages=(Message("user", row.prompt),) if row.prompt else (),
            expect=row.expect,
        )
        examples.append(Example(row.id, prompt, row.text, row.part, row.label, row.kind))
    return tuple(examples)
