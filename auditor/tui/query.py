"""The filter language: ``dim:privacy outcome:leak flip:regressed kl>0.5 judge:disagree -kind:share "exact words"``.

Terms stand side by side and must all hold; a comma inside a term means "or"; a leading minus negates. Words without a key
are searched for in prompts, answers and traces.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from auditor.errors import UsageError

FIELDS: Final[dict[str, str]] = {
    "dim": "dimension, from its first letters: dim:privacy,safety",
    "kind": "kind of prompt: kind:protect",
    "bank": "bank the prompt came from",
    "id": "part of a prompt's id",
    "outcome": "outcome or label of either side: outcome:leak",
    "base": "the baseline's label or outcome, or its score: base:no_leak  base>0.5",
    "cand": "the candidate's label or outcome, or its score: cand:leak  cand<0.5",
    "trace": "a trace judged good or bad, or none, or its label: trace:bad",
    "flip": "regressed, fixed, same or unscored",
    "judge": "disagree: judges gave different labels",
    "is": "starred, overridden, labelled, unscored or bothfail",
    "kl": "drift at the first token in nats, a lower bound: kl>0.5",
    "delta": "candidate minus baseline: delta<=-0.5",
}
_NUMBERS: Final = {"kl": "kl", "delta": "delta", "base": "baseline_score", "cand": "candidate_score"}
_FLIPS: Final = {
    "regressed": "delta < 0",
    "fixed": "delta > 0",
    "same": "delta = 0",
    "unscored": "delta IS NULL",
}
_STATES: Final = {
    "unscored": "delta IS NULL",
    "bothfail": "(baseline_score < 0.5 AND candidate_score < 0.5)",
}
MARKS: Final = ("starred", "overridden", "labelled")
_TRACES: Final = {
    "good": "candidate_trace_score >= 0.5",
    "bad": "(candidate_trace_score < 0.5 OR baseline_trace_score < 0.5)",
    "none": "(candidate_trace_score IS NULL AND baseline_trace_score IS NULL)",
}
_TOKEN: Final = re.compile(
    r"""(?P<minus>-?)(?:(?P<key>[A-Za-z]+)(?P<op>>=|<=|:|=|>|<))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]*))""",
    re.VERBOSE,
)


class Condition(NamedTuple):
    """A part of a WHERE clause over the pairs."""

    sql: str
    parameters: tuple[Any, ...] = ()


class Term(NamedTuple):
    """One term: a field (``key`` not empty) or words to search for."""

    key: str
    op: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        quoted = f'"{self.value}"' if not self.key or re.search(r"\s", self.value) else self.value
        return f"{'-' if self.negated else ''}{self.key}{self.op}{quoted}"

    @property
    def mark(self) -> str:
        """The annotation this term asks for ("starred", "overridden", "labelled"), or nothing."""
        return self.value if self.key == "is" and self.value in MARKS else ""

    def condition(self) -> Condition | None:
        """The SQL of a field; None for words and marks, which live outside the run's table."""
        if not self.key or self.mark:
            return None
        made = self._number() if self.op not in (":", "=") or self._is_number() else self._words()
        return Condition(f"NOT coalesce({made.sql}, 0)", made.parameters) if self.negated else made

    def _is_number(self) -> bool:
        return self.key in ("kl", "delta") or (self.key in _NUMBERS and self.op == "=")

    def _number(self) -> Condition:
        if self.key not in _NUMBERS:
            raise UsageError(f"“{self.key}” has no order.", f"Write {self.key}:VALUE.")
        try:
            number = float(self.value.replace("−", "-"))
        except ValueError:
            raise UsageError(f"“{self.value}” is no number.", f"For example {self.key}>0.5") from None
        return Condition(f"{_NUMBERS[self.key]} {'=' if self.op == ':' else self.op} ?", (number,))

    def _words(self) -> Condition:
        parts = [self._word(value) for value in self.value.split(",") if value]
        if not parts:
            raise UsageError(f"“{self.key}{self.op}” needs a value.", FIELDS[self.key])
        return Condition(
            "(" + " OR ".join(part.sql for part in parts) + ")", tuple(p for part in parts for p in part.parameters)
        )

    def _word(self, value: str) -> Condition:
        match self.key:
            case "dim":
                return _like(("dimension",), f"{_escaped(value)}%")
            case "kind" | "bank":
                return _like((self.key,), f"{_escaped(value)}%")
            case "id":
                return _like(("prompt_id",), f"%{_escaped(value)}%")
            case "outcome":
                columns = ("baseline_label", "candidate_label", "baseline_outcome", "candidate_outcome")
                return _like(columns, f"{_escaped(value)}%")
            case "base":
                return _like(("baseline_label", "baseline_outcome"), f"{_escaped(value)}%")
            case "cand":
                return _like(("candidate_label", "candidate_outcome"), f"{_escaped(value)}%")
            case "trace" if value not in _TRACES:
                return _like(("baseline_trace_label", "candidate_trace_label"), f"{_escaped(value)}%")
            case "trace":
                return Condition(_TRACES[value])
            case "flip":
                return Condition(_chosen(value, _FLIPS, self.key))
            case "judge":
                return Condition(_chosen(value, {"disagree": "judges_disagree"}, self.key))
            case _:
                return Condition(_chosen(value, _STATES, self.key, extra=MARKS))


def parse(text: str) -> tuple[Term, ...]:
    """Read a filter. Raises UsageError that names the word it can't read and what could be meant."""
    terms: list[Term] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _TOKEN.match(text, at)
        if found is None or found.end() == at:
            raise UsageError(f"“{text[at:]}” can't be read.", "Put words with signs in quotes.")
        at = found.end()
        key, op = (found["key"] or "").lower(), found["op"] or ""
        value = found["quoted"] if found["quoted"] is not None else found["bare"]
        if key and key not in FIELDS:
            near = [name for name in FIELDS if key.startswith(name)] or get_close_matches(key, FIELDS, 1)
            hint = f"Did you mean {near[0]}{op}{value}?" if near else f"Known are {', '.join(FIELDS)}."
            raise UsageError(f"“{key}” is not a field.", hint)
        if not key and not value:
            continue
        term = Term(key, op, value, bool(found["minus"]))
        term.condition()
        terms.append(term)
    return tuple(terms)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _like(columns: tuple[str, ...], pattern: str) -> Condition:
    sql = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return Condition(f"({sql})", (pattern,) * len(columns))


def _chosen(value: str, known: dict[str, str], key: str, extra: tuple[str, ...] = ()) -> str:
    names = [*known, *extra]
    fitting = [name for name in names if name.startswith(value.lower())]
    if len(fitting) != 1 or fitting[0] not in known:
        raise UsageError(f"“{key}:{value}” is not known.", f"{key}: can be {', '.join(names)}.")
    return known[fitting[0]]
