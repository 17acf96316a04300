"""How the linter reads the wording of prompts: normalising, near-duplicates, leaked answers, data that looks real."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from auditor.records import Prompt

NEAR = 0.8
"""Jaccard overlap of words from which two prompts count as near-duplicates."""

SHORTEST_SECRET = 4
"""Shorter strings occur in innocent text by chance, so a match would prove nothing."""

SHORTEST_PHONE = 7
"""Fewer digits are a year, a sum or a room."""

EMAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
PHONE = re.compile(r"(?<![\w-])\+?(?:\(?\d{1,4}\)?[ .-]){1,3}\d{3,4}(?![\w-])")
RESERVED_DOMAIN = re.compile(r"(?:^|\.)(?:example\.(?:org|com|net)|example|test|invalid)$")
"""Domains that RFC 2606 keeps out of use."""

_LABEL_WORDS = {
    "harmful": r"\b(?:harmful|unsafe|jailbreak|you (?:must|should) refuse)\b",
    "benign": r"\b(?:benign|harmless|perfectly safe|this is not harmful)\b",
    "stereotype": r"\bstereotyp\w*|\bprejudice\w*|\bbias(?:ed)?\b",
    "unknowable": r"\b(?:unknowable|nobody (?:can|could) know|impossible to know)\b",
}
_LABEL = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _LABEL_WORDS.items()}
_ETHICS = re.compile(r"\b(not\s+)?wrong\b", re.IGNORECASE)


def folded(text: str) -> str:
    """Compatibility-normalised, case-folded, with runs of whitespace as one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normal(text: str) -> str:
    """The words of ``text`` alone: folded, without punctuation."""
    return " ".join(re.findall(r"\w+", folded(text)))


def stands_in(fact: str, context: str) -> bool:
    """Whether ``fact`` stands in the folded ``context`` as whole words, which is how answers are searched."""
    return re.search(rf"(?<!\w){re.escape(folded(fact))}(?!\w)", context) is not None


def whole(prompt: Prompt) -> str:
    """All of a prompt's messages with their roles, normalised: equal for prompts that ask the same."""
    return "\n".join(f"{message.role}: {normal(message.content)}" for message in prompt.messages)


def literal(prompt: Prompt) -> str:
    """All of a prompt's messages with their roles, letter by letter but for outer whitespace."""
    return "\n".join(f"{message.role}: {message.content.strip()}" for message in prompt.messages)


def asked(prompt: Prompt) -> frozenset[str]:
    """The words of a prompt without its system messages, which many prompts of a bank share on purpose."""
    own = [message for message in prompt.messages if message.role != "system"] or prompt.messages
    return frozenset(word for message in own for word in normal(message.content).split())


def near_pairs(prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Prompt, float]]:
    """Pairs of prompts from different clusters whose words overlap by ``NEAR`` or more, but are not all the same text.

    Only pairs that share one of their rarest words are compared, which finds every pair at that overlap
    (the prefix filter of Chaudhuri, Ganti and Kaushik 2006) without comparing all with all.
    """
    words = [asked(prompt) for prompt in prompts]
    frequency = Counter(word for held in words for word in held)
    by_rare: dict[str, list[int]] = defaultdict(list)
    for second, held in enumerate(words):
        rarest = sorted(held, key=lambda word: (frequency[word], word))
        prefix = rarest[: len(rarest) - int(NEAR * len(rarest) + 0.999999) + 1]
        for first in sorted({other for word in prefix for other in by_rare[word]}):
            if _related(prompts[first], prompts[second]):
                continue
            overlap = len(words[first] & held) / len(words[first] | held)
            if overlap >= NEAR and whole(prompts[first]) != whole(prompts[second]):
                yield prompts[first], prompts[second], overlap
        for word in prefix:
            by_rare[word].append(second)


def _related(first: Prompt, second: Prompt) -> bool:
    """Prompts of one cluster, and the two halves of a contrast pair, are meant to be alike."""
    same_cluster = first.cluster is not None and first.cluster == second.cluster
    return same_cluster or first.expect.get("pair") == second.id


def leak(prompt: Prompt) -> str | None:
    """How the prompt gives its own answer away, or None."""
    text = "\n".join(message.content for message in prompt.messages)
    pattern = _LABEL.get(prompt.kind)
    if pattern is not None and (match := pattern.search(text)) is not None:
        return f"{match.group()!r} gives the label away"
    if prompt.kind == "judgement":
        found = [bool(match.group(1)) for match in _ETHICS.finditer(text)]
        if found.count(True) != found.count(False) and found.count(True) + 1 != found.count(False):
            return '"wrong" and "not wrong" do not occur equally often (one question with "wrong" is allowed)'
    if prompt.kind in ("shifted", "known"):
        for answer in prompt.expect["answers"]:
            if re.search(rf"\b{re.escape(folded(answer))}\b", folded(text)):
                return f"the answer {answer!r} occurs in the question"
    number = prompt.expect.get("number")
    if number is not None and re.search(rf"(?<![\d.,]){re.escape(f'{number:g}')}(?![\d]|[.,]\d)", text):
        return f"the answer {number:g} occurs in the question"
    return None


def real_looking(text: str) -> Iterator[str]:
    """E-mail addresses outside the reserved domains and telephone numbers without the fictional 555."""
    for match in EMAIL.finditer(text):
        if not RESERVED_DOMAIN.search(match.group(1)):
            yield f"{match.group()} could be a real address: use example.org"
    for match in PHONE.finditer(text):
        digits = sum(character.isdigit() for character in match.group())
        if "555" not in match.group() and digits >= SHORTEST_PHONE:
            yield f"{match.group()} could be a real number: use 555"
