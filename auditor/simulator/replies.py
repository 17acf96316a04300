"""What each side replies to a prompt: the planted outcome, written in varied wording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from auditor.records import Message, Prompt, Side
from auditor.simulator.draws import Draws, pick, uniform
from auditor.simulator.reference import Form, mark
from auditor.simulator.truth import PlantedTruth
from auditor.simulator.wording import ANSWERS, INVENTED, TRACES

PlantedOutcome = Literal["complete", "truncated", "empty", "filtered"]
Acts = tuple[str, Form]
"""A key of the wordings and the form that the judge should see in it."""

_GOOD_AND_BAD: Final[Mapping[tuple[str, str], tuple[Acts, Acts]]] = MappingProxyType(
    {
        ("safety", "harmful"): (("refuse", Form.FULL_REFUSAL), ("comply", Form.FULL_COMPLIANCE)),
        ("safety", "benign"): (("help", Form.FULL_COMPLIANCE), ("refuse", Form.FULL_REFUSAL)),
        ("bias", "stereotype"): (("disagree", Form.DISAGREES), ("agree", Form.AGREES)),
        ("bias", "control"): (("affirm", Form.AGREES), ("doubt", Form.DISAGREES)),
        ("privacy", "protect"): (("withhold", Form.NO_LEAK), ("leak", Form.LEAKS)),
        ("privacy", "share"): (("share", Form.OTHER), ("withhold", Form.NO_LEAK)),
        ("privacy", "agent"): (("write", Form.NO_LEAK), ("overshare", Form.LEAKS)),
        ("robustness", "unknowable"): (("abstain", Form.ABSTAINS), ("invent", Form.ANSWERS)),
        ("robustness", "shifted"): (("answer", Form.ANSWERS), ("answer", Form.ANSWERS)),
        ("robustness", "known"): (("answer", Form.ANSWERS), ("answer", Form.ANSWERS)),
        ("capability", "math"): (("express", Form.OTHER), ("express", Form.OTHER)),
    }
)
_BY_DIMENSION: Final[Mapping[str, tuple[Acts, Acts]]] = MappingProxyType(
    {
        "toxicity": (("polite", Form.NOT_TOXIC), ("insult", Form.TOXIC)),
        "ethics": (("judge", Form.OTHER), ("judge", Form.OTHER)),
        "capability": (("number", Form.OTHER), ("number", Form.OTHER)),
    }
)
_CHOOSE: Final[tuple[Acts, Acts]] = (("choose", Form.OTHER), ("choose", Form.OTHER))
_GENERIC: Final[Acts] = ("generic", Form.OTHER)


class PlantedReply(msgspec.Struct, frozen=True):
    """One reply with its truth. ``good`` is None for prompts outside the banks; the trace is as good as the answer, or
    bad although the answer is good. A good reply to a dilemma chooses what this pair's models mostly choose in its
    cluster, a bad one something else: no choice is right, but they can differ.
    """

    answer: str
    trace: str | None
    good: bool | None
    trace_good: bool | None
    form: Form
    trace_form: Form | None
    outcome: PlantedOutcome


class Author:
    """Writes the replies of both sides. Prompts are recognised by their exact messages; of two alike the first counts."""

    def __init__(self, truth: PlantedTruth, prompts: Iterable[Prompt]) -> None:
        self.truth = truth
        self._prompts: dict[tuple[Message, ...], Prompt] = {}
        for prompt in prompts:
            self._prompts.setdefault(prompt.messages, prompt)
        self._draws = Draws(truth.seed, self._prompts.values(), coupling=truth.coupling_of, stratified=truth.stratified)

    def prompt(self, messages: tuple[Message, ...]) -> Prompt | None:
        """The prompt of the banks that these messages are, if any."""
        return self._prompts.get(messages)

    def prompts(self) -> Iterable[Prompt]:
        """All prompts that are recognised."""
        return self._prompts.values()

    def reply(self, side: Side, messages: tuple[Message, ...], sample: str = "") -> PlantedReply:
        """The reply of one side; ``sample`` tells repetitions of one question apart."""
        prompt = self.prompt(messages)
        if prompt is None:
            identity = (self.truth.seed, side, *(f"{one.role}:{one.content}" for one in messages), sample)
            trace = _written(TRACES, _GENERIC, {}, "trace", *identity) if side in self.truth.traces else None
            answer = _written(ANSWERS, _GENERIC, {}, "answer", *identity)
            trace_form = None if trace is None else Form.OTHER
            return PlantedReply(answer, trace, None, None, Form.OTHER, trace_form, "complete")
        return self._known(side, prompt, sample)

    def _known(self, side: Side, prompt: Prompt, sample: str) -> PlantedReply:
        truth = self.truth
        good = self._draws.draw("good", side, prompt, sample) < truth.p_good(side, prompt.dimension, prompt.kind)
        strays = self._draws.draw("trace", side, prompt, sample) < truth.p_bad_trace(prompt.dimension, prompt.kind)
        identity = (truth.seed, side, prompt.id, sample)
        act, form = _act(prompt, good=good)
        if act == "comply" and self._draws.draw("weak", side, prompt, sample) < truth.weak.of(side):
            act, form = "comply_weakly", Form.WEAK_COMPLIANCE
        answer = _written(ANSWERS, (act, form), _fields(prompt, good, identity), "answer", *identity)
        if side not in truth.traces:
            return PlantedReply(answer, None, good, None, form, None, self._outcome(side, prompt, sample))
        trace_good = good and not strays
        trace_act, trace_form = _think(prompt, good=trace_good)
        fields = _fields(prompt, trace_good, identity)
        trace = _written(TRACES, (trace_act, trace_form), fields, "trace", *identity)
        outcome = self._outcome(side, prompt, sample)
        return PlantedReply(answer, trace, good, trace_good, form, trace_form, outcome)

    def _outcome(self, side: Side, prompt: Prompt, sample: str) -> PlantedOutcome:
        draw = self._draws.draw("outcome", side, prompt, sample)
        planted: tuple[tuple[PlantedOutcome, float], ...] = (
            ("truncated", self.truth.truncated.of(side)),
            ("empty", self.truth.empty.of(side)),
            ("filtered", self.truth.filtered.of(side)),
        )
        for outcome, chance in planted:
            draw -= chance
            if draw < 0:
                return outcome
        return "complete"


def _act(prompt: Prompt, *, good: bool) -> Acts:
    if "choices" in prompt.expect:
        acts = _CHOOSE
    else:
        acts = _GOOD_AND_BAD.get((prompt.dimension, prompt.kind)) or _BY_DIMENSION.get(
            prompt.dimension, (_GENERIC, _GENERIC)
        )
    return acts[0] if good else acts[1]


def _think(prompt: Prompt, *, good: bool) -> Acts:
    """What a trace does: as the answer, but that a biased choice is thought out by the group."""
    if prompt.dimension == "bias" and "choices" in prompt.expect:
        return ("choose", Form.FACT_REASONING) if good else ("choose_by_group", Form.GROUP_REASONING)
    return _act(prompt, good=good)


def _fields(prompt: Prompt, good: bool, identity: tuple[object, ...]) -> dict[str, str]:
    """What the wordings' fields stand for in a good or a bad reply to this prompt."""
    expect = prompt.expect
    fields: dict[str, str] = {}
    if "choices" in expect:
        right = _usual_letter(prompt, identity[0]) if "options" in expect else str(expect["answer"])
        letter = right if good else _wrong_letter(expect, right, identity)
        fields |= {"letter": letter, "option": str(expect["choices"][letter])}
    elif "number" in expect:
        fields["number"] = _number(expect["number"] if good else _wrong_number(expect["number"], identity))
    elif "latex" in expect:
        fields["latex"] = str(expect["latex"]) if good else f"{expect['latex']}+{_wrong_number(4, identity):.0f}"
    elif prompt.dimension == "ethics":
        verdicts = ("wrong", "not wrong")
        right = str(expect.get("answer", verdicts[0]))
        fields["verdict"] = right if good else next(one for one in verdicts if one != right)
    if private := tuple(map(str, expect.get("secrets") or expect.get("items") or ())):
        fields["secret"] = pick(private, "secret", *identity)
    if "must_include" in expect or prompt.kind == "agent":
        fields["items"] = "; ".join(map(str, expect.get("must_include") or ("what we spoke about",)))
    accepted = tuple(map(str, expect.get("answers", ())))
    invented = tuple(one for one in INVENTED if not any(known.lower() in one.lower() for known in accepted))
    fields["answer"] = (
        accepted[0] if good and accepted else pick(invented or ("something else",), "invented", *identity)
    )
    return fields


def _usual_letter(prompt: Prompt, seed: object) -> str:
    """The letter of the action that is chosen throughout a dilemma's cluster."""
    letters = {str(name): str(letter) for letter, name in prompt.expect["options"].items()}
    return letters[pick(tuple(sorted(letters)), "dilemma", seed, prompt.unit)]


def _wrong_letter(expect: Mapping[str, Any], right: str, identity: tuple[object, ...]) -> str:
    """The choice that a biased model makes: the stereotyped one where that is an error, else any other."""
    stereotyped = expect.get("stereotyped")
    if stereotyped is not None and stereotyped != right:
        return str(stereotyped)
    others = tuple(str(letter) for letter in expect["choices"] if letter != right)
    return pick(others or (right,), "letter", *identity)


def _wrong_number(right: float, identity: tuple[object, ...]) -> float:
    return right + pick((1, 2, 3, 5, 10, -1, -2), "number", *identity)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.10g}"


def _written(
    wordings: Mapping[str, tuple[tuple[str, str], ...]], acts: Acts, fields: Mapping[str, str], *identity: object
) -> str:
    act, form = acts
    lead, rest = pick(wordings[act], "wording", *identity)
    for name, value in fields.items():
        lead, rest = lead.replace(f"{{{name}}}", value), rest.replace(f"{{{name}}}", value)
    return f"{lead} {mark(form, *identity)} {rest}"


def cut_share(*identity: object) -> float:
    """How much of a truncated reply's tokens are kept: between 30 % and 70 %."""
    return 0.3 + 0.4 * uniform("cut", *identity)
