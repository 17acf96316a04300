"""What makes a bank measure something else than it says. Each rule reports; none of them repairs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from auditor.banks import wording
from auditor.banks.expect import expect_fault
from auditor.banks.model import Bank
from auditor.records import Prompt

SHARE_TOLERANCE = 0.1
"""How far a class may lie from its equal share before a bank counts as unbalanced."""

LETTER_TOLERANCE = 0.15
"""The same for the letters of choices, where a handful of prompts must not raise an alarm."""

LARGEST_CLUSTER = 0.25
"""The largest part of a bank that one cluster may make up: beyond it the bank is hardly more than one question."""

BALANCED_KINDS = {
    "safety": ("harmful", "benign"),
    "toxicity": ("benign_system", "adversarial_system", "protective_system"),
    "privacy": ("protect", "share"),
}
"""Kinds that must be in balance: without their counterparts a model that refuses everything looks perfect."""


class Problem(msgspec.Struct, frozen=True):
    """One fault of a bank. ``prompt_id`` is empty if it concerns the bank as a whole."""

    bank: str
    prompt_id: str
    rule: str
    what: str


_SAME_IN_A_CLUSTER = {
    "shifted": ("answers",),
    "counterfactual": ("answer", "choices"),
    "dilemma": ("options",),
}
"""What all prompts of a kind within one cluster must share, since flips between them are counted."""

Finding = tuple[str, str]
"""(prompt id or "", what is wrong)."""


def lint(bank: Bank) -> list[Problem]:
    """All problems of one bank, rule by rule; an empty list if it is clean."""
    complete = [prompt for prompt in bank.prompts if expect_fault(prompt) is None]
    return [
        Problem(bank.name, prompt_id, rule, what)
        for rule, check in _RULES.items()
        for prompt_id, what in check(bank.prompts if rule in _ON_ALL else complete)
    ]


def lint_together(banks: Sequence[Bank]) -> list[Problem]:
    """The problems of each bank, and of the banks as a set: ids, names and texts that occur in two of them."""
    problems = [problem for bank in banks for problem in lint(bank)]
    seen_names: set[str] = set()
    seen_ids: dict[str, str] = {}
    seen_texts: dict[str, str] = {}
    for bank in banks:
        if bank.name in seen_names:
            problems.append(Problem(bank.name, "", "duplicate-bank", "another bank has the same name"))
        seen_names.add(bank.name)
        for prompt in bank.prompts:
            if seen_ids.setdefault(prompt.id, bank.name) != bank.name:
                what = f"the id is also in bank {seen_ids[prompt.id]}"
                problems.append(Problem(bank.name, prompt.id, "duplicate-id", what))
            text = wording.whole(prompt)
            if seen_texts.setdefault(text, bank.name) != bank.name:
                what = f"the same text is in bank {seen_texts[text]}"
                problems.append(Problem(bank.name, prompt.id, "duplicate-text", what))
    return problems


def _ids(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt_id, count in Counter(prompt.id for prompt in prompts).items():
        if count > 1:
            yield prompt_id, f"the id is used {count} times"
    for prompt in prompts:
        if not prompt.id.startswith(f"{prompt.bank}/"):
            yield prompt.id, f"the id does not begin with {prompt.bank}/"


def _expect(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        if (fault := expect_fault(prompt)) is not None:
            yield prompt.id, f"{fault[0]}: {fault[1]}"


def _messages(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        if any(not message.content.strip() for message in prompt.messages):
            yield prompt.id, "a message is empty"
        if not prompt.messages or prompt.messages[-1].role != "user":
            yield prompt.id, "the last message is not the user's"


def _exact_duplicates(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for prompt in prompts:
        # Within a cluster capitals and punctuation may be the very difference that is studied.
        text = wording.whole(prompt) if prompt.cluster is None else f"{prompt.cluster}\n{wording.literal(prompt)}"
        other = first.setdefault(text, prompt.id)
        if other != prompt.id:
            yield prompt.id, f"the same text as {other}"


def _near_duplicates(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for first, second, overlap in wording.near_pairs(prompts):
        yield second.id, f"{overlap:.0%} of its words are those of {first.id}; give them one cluster or reword"


def _leakage(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        if (what := wording.leak(prompt)) is not None:
            yield prompt.id, what


def _polarity(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    if not prompts:
        return
    kinds = BALANCED_KINDS.get(prompts[0].dimension)
    if kinds and (seen := [prompt.kind for prompt in prompts if prompt.kind in kinds]):
        yield from _unbalanced("kinds", kinds, seen)
    answers = [str(prompt.expect["answer"]) for prompt in prompts if prompt.kind == "judgement"]
    if answers:
        yield from _unbalanced("answers", ("wrong", "not wrong"), answers)
    choices = [prompt.kind for prompt in prompts if prompt.kind in ("ambiguous", "disambiguated")]
    if choices:
        yield from _unbalanced("kinds", ("ambiguous", "disambiguated"), choices)
    truths = [
        "right" if prompt.expect["answer"] == prompt.expect["stereotyped"] else "not right"
        for prompt in prompts
        if prompt.kind == "disambiguated"
    ]
    if truths:
        yield from _unbalanced("stereotyped choices of disambiguated questions", ("right", "not right"), truths)


def _unbalanced(
    what: str, classes: Sequence[str], seen: Sequence[str], tolerance: float = SHARE_TOLERANCE
) -> Iterator[Finding]:
    counts = Counter(seen)
    fair = 1 / len(classes)
    # One prompt more or less is no imbalance, however small the bank is.
    slack = max(tolerance, 1 / len(seen)) + 1e-9
    if any(abs(counts[name] / len(seen) - fair) > slack for name in classes):
        yield "", f"{what} are out of balance: " + ", ".join(f"{name} {counts[name]}" for name in classes)


def _letters(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for field in ("answer", "unknown", "stereotyped"):
        by_letters: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for prompt in prompts:
            if "choices" in prompt.expect and field in prompt.expect:
                by_letters[tuple(sorted(prompt.expect["choices"]))].append(str(prompt.expect[field]))
        for letters, seen in by_letters.items():
            yield from _unbalanced(f"letters of the {field} choice", letters, seen, LETTER_TOLERANCE)


def _choices(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        choices: Mapping[str, str] = prompt.expect.get("choices") or {}
        text = wording.normal(prompt.messages[-1].content)
        missing = [letter for letter, choice in choices.items() if wording.normal(choice) not in text]
        if missing:
            yield prompt.id, f"the text of choice {', '.join(missing)} is not in the question"
        if len({wording.normal(choice) for choice in choices.values()}) < len(choices):
            yield prompt.id, "two choices have the same text"


def _unknown_choice(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        if prompt.kind not in ("ambiguous", "disambiguated"):
            continue
        answer, unknown = prompt.expect["answer"], prompt.expect["unknown"]
        if prompt.kind == "ambiguous" and answer != unknown:
            yield prompt.id, f"ambiguous, but the answer is {answer} and not the unknown choice {unknown}"
        if prompt.kind == "disambiguated" and answer == unknown:
            yield prompt.id, "disambiguated, but the answer is the unknown choice"
        if prompt.expect["stereotyped"] == unknown:
            yield prompt.id, "the stereotyped choice is the unknown one"


def _clusters(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    members: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        if "base" in prompt.expect and prompt.cluster != prompt.expect["base"]:
            yield prompt.id, f"the cluster is {prompt.cluster!r}, but the base is {prompt.expect['base']!r}"
        if prompt.cluster is not None:
            members[prompt.cluster].append(prompt)
    for cluster, held in members.items():
        if len(held) == 1:
            yield held[0].id, f"the only prompt of cluster {cluster!r}: a typing slip, or no cluster at all"
        if len(held) > max(LARGEST_CLUSTER * len(prompts), 4):
            yield "", f"cluster {cluster!r} makes up {len(held)} of {len(prompts)} prompts"
        for kind, fields in _SAME_IN_A_CLUSTER.items():
            told = {repr([_told(prompt, field) for field in fields]) for prompt in held if prompt.kind == kind}
            if len(told) > 1:
                yield held[0].id, f"cluster {cluster!r} asks one question, but its {kind} prompts differ in {fields[0]}"


def _told(prompt: Prompt, field: str) -> object:
    """A dilemma's options may change letters within a cluster; what they are may not."""
    value = prompt.expect.get(field)
    return sorted(value.values()) if field == "options" and isinstance(value, dict) else value


def _pairs(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    by_id = {prompt.id: prompt for prompt in prompts}
    for prompt in prompts:
        name = prompt.expect.get("pair")
        if name is None:
            continue
        other = by_id.get(name)
        if other is None:
            yield prompt.id, f"its pair {name!r} is not in the bank"
        elif other.expect.get("pair") != prompt.id:
            yield prompt.id, f"its pair {name!r} does not name it in return"
        elif (other.kind, _right_text(other)) == (prompt.kind, _right_text(prompt)):
            yield prompt.id, f"its pair {name!r} is not its opposite"


def _right_text(prompt: Prompt) -> object:
    """What the right answer says: letters alone tell nothing about opposites."""
    answer = prompt.expect.get("answer")
    return (prompt.expect.get("choices") or {}).get(answer, answer)


def _secrets(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        context = wording.folded("\n".join(message.content for message in prompt.messages))
        for fact in (*(prompt.expect.get("secrets") or ()), *(prompt.expect.get("must_include") or ())):
            if not wording.stands_in(fact, context):
                yield prompt.id, f"{fact!r} does not occur in the prompt as whole words"
        if len(prompt.messages) == 1 or prompt.kind == "agent":
            # The secret of a note or of an agent's own user is theirs to tell; it must not go further.
            continue
        question = wording.folded(prompt.messages[-1].content)
        for fact in prompt.expect.get("secrets") or ():
            if wording.folded(fact) in question:
                yield prompt.id, f"the asker already says the secret {fact!r}"
    for prompt in prompts:
        hidden = (*(prompt.expect.get("secrets") or ()), *(prompt.expect.get("obfuscations") or ()))
        short = [fact for fact in hidden if len(fact.strip()) < wording.SHORTEST_SECRET]
        if short:
            yield prompt.id, f"{short[0]!r} is so short that any text may hold it by chance"


def _synthetic(prompts: Sequence[Prompt]) -> Iterator[Finding]:
    for prompt in prompts:
        if prompt.dimension == "privacy" and "synthetic" not in prompt.tags:
            yield prompt.id, 'the data is not marked as made up: add the tag "synthetic"'
        text = "\n".join(message.content for message in prompt.messages)
        for what in wording.real_looking(text):
            yield prompt.id, what


_RULES: dict[str, Callable[[Sequence[Prompt]], Iterable[Finding]]] = {
    "id": _ids,
    "expect": _expect,
    "message": _messages,
    "duplicate": _exact_duplicates,
    "near-duplicate": _near_duplicates,
    "leakage": _leakage,
    "polarity": _polarity,
    "choice-letters": _letters,
    "choice-text": _choices,
    "unknown-choice": _unknown_choice,
    "cluster": _clusters,
    "pair": _pairs,
    "secret": _secrets,
    "synthetic": _synthetic,
}

_ON_ALL = frozenset({"id", "expect", "message", "duplicate", "near-duplicate", "synthetic"})
"""Rules that also hold for prompts whose ``expect`` is incomplete; the others rely on its fields."""

RULES = tuple(_RULES)
"""The names of all rules."""
