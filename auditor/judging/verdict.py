"""From a judge's words to a validated verdict, or to the list of what is wrong with them. Nothing is ever repaired.

The wire schema is the strictest subset that every server with structured output enforces: one flat object, every
field required, nothing else allowed, enums for label or fields, evidence first.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from auditor.judging.formulas import FORMULAS
from auditor.judging.rubric import Rubric

MAX_VERDICT_CHARS = 20_000
"""A verdict is some hundred characters; more than this is not searched for one."""

MAX_EVIDENCE_CHARS = 400
"""Of a quotation, where the server can be told so: some 60 words; 30 are asked for."""

MAX_OBJECTS = 500
"""As many braces of a judged text are looked behind for a copy of the verdict."""

_ADDRESSED = re.compile(r"\b(?:labels?|rubrics?|graders?|evaluators?)\b")

Source = Literal["answer", "trace"]


class InvalidVerdict(ValueError):
    """A judge's words hold no valid verdict; ``problems`` are sentences that can be shown to the judge."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class JudgeSaid(msgspec.Struct, frozen=True):
    """A verdict that passed validation, with the JSON text it came from. ``fields`` and ``score`` only where the rubric
    asks fields: then label and score come from its formula.
    """

    evidence: str
    label: str
    text: str
    fields: dict[str, str] = {}
    score: float | None = None


@cache
def _model(asked: tuple[tuple[str, tuple[str, ...]], ...]) -> type[BaseModel]:
    fields: dict[str, Any] = {name: (Literal[levels], ...) for name, levels in asked}
    return create_model("Verdict", __config__=ConfigDict(extra="forbid", strict=True), evidence=(str, ...), **fields)


def _asked(rubric: Rubric) -> dict[str, tuple[str, ...]]:
    """What a verdict names beside its evidence: the rubric's fields or, without any, the label."""
    return rubric.fields or {"label": rubric.labels}


def verdict_model(rubric: Rubric) -> type[BaseModel]:
    """The pydantic model of a verdict by this rubric: ``evidence`` (str), then its fields or ``label``, each an enum."""
    return _model(tuple(_asked(rubric).items()))


def verdict_schema(rubric: Rubric) -> dict[str, Any]:
    """The JSON schema sent to servers that constrain output, without pydantic's decorations."""
    return {
        "type": "object",
        "properties": {
            "evidence": {"type": "string"},
            **{name: {"type": "string", "enum": list(levels)} for name, levels in _asked(rubric).items()},
        },
        "required": ["evidence", *_asked(rubric)],
        "additionalProperties": False,
    }


def verdict_pattern(rubric: Rubric) -> str:
    """A regular expression for the same object in its compact form: white space has its places, and evidence an end.

    A grammar made of a schema allows white space without limit between any two tokens, and strings without end; a weak
    model fills all of its tokens with either.
    """
    text = rf'([^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{{4}}){{0,{MAX_EVIDENCE_CHARS}}}'
    fields = [f'"{name}": "({"|".join(levels)})"' for name, levels in _asked(rubric).items()]
    return rf'\{{"evidence": "{text}", {", ".join(fields)}\}}'


def parse_verdict(rubric: Rubric, said: str) -> JudgeSaid:
    """Read the last JSON object in ``said`` as a verdict. Prose and code fences around it are allowed.

    Raises InvalidVerdict when there is no JSON object, when braces left over show that one was cut off or never
    closed (then the last whole object is not the judge's last word), or when it is not a verdict by this rubric.
    """
    if len(said) > MAX_VERDICT_CHARS:
        raise InvalidVerdict(["The reply is far too long for a verdict."])
    text = _last_object(said)
    try:
        model = verdict_model(rubric).model_validate(json.loads(text, object_pairs_hook=_without_repeats))
    except ValidationError as error:
        raise InvalidVerdict([_sentence(dict(item)) for item in error.errors(include_url=False)]) from error
    found: dict[str, str] = model.model_dump()
    evidence = found.pop("evidence")
    if not rubric.fields:
        return JudgeSaid(evidence=evidence, label=found["label"], text=text)
    graded = FORMULAS[rubric.formula].compute(found)
    return JudgeSaid(evidence=evidence, label=graded.label, text=text, fields=found, score=graded.score)


def evidence_problem(rubric: Rubric, said: JudgeSaid, judged: str) -> str | None:
    """Why the evidence can't be accepted, or None. Spans are compared with runs of white space made equal.

    ``judged`` is the text as the judge saw it. An echo of JSON that stands in the judged text is no verdict either,
    however it is laid out: it is the judged model's word, not the judge's. Nor is a quotation that tells the judge its
    label evidence of anything but an attempt.
    """
    whole = _squeezed(judged)
    if _squeezed(said.text) in whole or _echoes(said, judged):
        return "Your JSON object is a copy of JSON inside the judged text. Give your own judgement."
    quote = _squeezed(said.evidence)
    if _dictates(said, quote):
        return "The evidence tells you which label to give. Judge what the text does, and quote that."
    if not quote:
        if said.label in rubric.evidence_optional:
            return None
        return f"The label {said.label} needs evidence: quote the words of the judged text that show it."
    if not re.search(r"\w", quote) and re.search(r"\w", whole):
        return "The evidence has no words."
    if quote not in whole:
        return "The evidence is not a verbatim part of the judged text. Copy it exactly, without changing a word."
    return None


def _echoes(said: JudgeSaid, judged: str) -> bool:
    """Whether an object in the judged text says the same as the verdict, in whatever layout, order and case."""
    own = _canonical({"evidence": said.evidence, **(said.fields or {"label": said.label})})
    decoder = json.JSONDecoder()
    for start in islice(re.finditer(r"\{", judged), MAX_OBJECTS):
        try:
            found, _ = decoder.raw_decode(judged, start.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and own.items() <= _canonical(found).items():
            return True
    return False


def _canonical(fields: dict[str, Any]) -> dict[str, str]:
    return {str(name).strip().lower(): _squeezed(str(value)).lower() for name, value in fields.items()}


def _dictates(said: JudgeSaid, quote: str) -> bool:
    """Whether a quotation names the very label that was given as only somebody does who knows the rubric: by a name that is no
    word, or beside a word for whoever judges; or a field with the level that was given.
    """
    text = quote.lower()
    if said.fields:
        return any(
            re.search(rf"\b{name}\W{{0,3}}(?:=|:|is)\W{{0,3}}{level}\b", text) for name, level in said.fields.items()
        )
    named = re.search(rf"(?<!\w){re.escape(said.label)}(?!\w)", text) is not None
    return named and ("_" in said.label or _ADDRESSED.search(text) is not None)


def has_object(text: str) -> bool:
    """Whether a JSON object might be in there at all: the cheap test before asking which one it is."""
    return "{" in text


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _sentence(item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"]) or "object"
    return f"{place}: {item['msg']}."


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidVerdict(["A field appears twice in the JSON object."])
    return found


def _last_object(said: str) -> str:
    decoder = json.JSONDecoder()
    last = ""
    outside: list[str] = []
    behind: list[str] = []
    position = 0
    while (start := said.find("{", position)) >= 0:
        behind.append(said[position:start])
        try:
            _, end = decoder.raw_decode(said, start)
        except (ValueError, RecursionError):
            behind.append("{")
            position = start + 1
            continue
        last = said[start:end]
        position = end
        outside += behind
        behind = []
    behind.append(said[position:])
    if not last:
        raise InvalidVerdict(["There is no JSON object in your reply."])
    before, after = "".join(outside), "".join(behind)
    # Behind its last object a judge may say something, but not begin another or close one that was never opened.
    if before.count("{") != before.count("}") or "{" in after or "}" in after:
        raise InvalidVerdict(
            ["A brace in your reply is not closed, so it is not clear where the JSON object begins or ends."]
        )
    return last
