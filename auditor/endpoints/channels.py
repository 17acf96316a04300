"""Telling a reply's reasoning trace from its answer. Pure.

Servers disagree on where the trace goes: a field of its own, typed blocks, tags inside the text, or harmony channels.
Typed places are believed first. Inside text, a marker counts where a model's template puts it and not where a model
merely talks *about* it: anywhere in a code fence, in inline code or in quotes it is text, unless it opens the reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

TAGS: Final = "tags"
HARMONY: Final = "harmony"


class Channels(msgspec.Struct, frozen=True):
    """A reply's parts."""

    answer: str
    trace: str | None = None
    """None if the reply has no trace (an empty think block is none)."""
    source: str = ""
    """Where the trace was found: a field's name, "thinking" (typed blocks), "tags" or "harmony"."""
    unclosed: bool = False
    """The trace never ended, so there is no answer."""


_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
_CLOSES: Final = {opening.lower(): closing for opening, closing in _PAIRS}


def _pattern(markers: Iterable[str]) -> str:
    # Templates write "<think>", models also "< think >" and "<THINK>": spaces inside the brackets and case don't matter.
    return "|".join(
        re.escape(m) if not m.startswith("<") or "|" in m else rf"<\s*{re.escape(m[1:-1])}\s*>" for m in markers
    )


_OPEN: Final = re.compile(_pattern(o for o, _ in _PAIRS), re.IGNORECASE)
_CLOSE: Final = re.compile(_pattern(c for _, c in _PAIRS), re.IGNORECASE)
_WRAPPERS: Final = (
    ("<answer>", "</answer>"),
    ("<response>", "</response>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|start_response|>", "<|end_response|>"),
)
"""Lower case; matched without case."""
_ANSWER: Final = re.compile(
    r"^[ \t]*<answer>|<\|begin_of_solution\|>|<\|START_RESPONSE\|>", re.IGNORECASE | re.MULTILINE
)
"""Where an answer begins, for a trace that was not closed before it."""
_SPOKEN: Final = (
    # s1: special tokens between, or what is left of them when they were stripped.
    (re.compile(r"\A\s*<\|im_start\|>think\b"), re.compile(r"<\|im_start\|>answer\b")),
    (re.compile(r"\A\s*think\n"), re.compile(r"^answer(?:\n|\Z)", re.MULTILINE)),
    # Granite 3: whole sentences (vLLM's granite reasoning parser knows the same ones).
    (
        re.compile(r"\A\s*Here(?:'s| is) my thought process:", re.IGNORECASE),
        re.compile(r"Here(?:'s| is) my response:", re.IGNORECASE),
    ),
)
"""Openings and endings of traces that are told apart by words. Only a reply with both is one of these."""
MAX_BLOCKS: Final = 64
"""Think blocks in a row that are read; what follows is answer. A bound on work, far above what any model writes."""
_FENCE: Final = re.compile(r"^[ \t]*(?:```+|~~~+)(?P<info>[^\n]*)$", re.MULTILINE)
# Atomic groups and bounds keep this linear on text made to be slow.
_PROTECTED: Final = re.compile(
    r"^[ \t]*(?P<fence>```+|~~~+)[^\n]*\n.*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`++)[^\n]*?(?<!`)(?P=ticks)(?!`)"
    r'|"[^"\n]{0,400}"|“[^”\n]{0,400}”|\'[^\'\n]{0,40}\'(?!\w)',
    re.MULTILINE | re.DOTALL,
)


def split_text(text: str, *, only_leading: bool = False) -> Channels:
    """Split text that may carry a trace between markers.

    Args:
        text: what the model wrote.
        only_leading: only markers that the text begins with count. For text whose trace already came in a typed field.

    Returns:
        The parts, stripped of surrounding white space where a trace was found and untouched where none was.
        A leading opening marker that is never closed leaves the answer empty and sets ``unclosed``.
    """
    if (channels := _harmony(text) or _spoken(text)) is not None:
        return channels
    opening = _OPEN.match(text.lstrip())
    if opening is not None:
        return _leading(text.lstrip(), opening)
    if only_leading and _CLOSE.match(text.lstrip()):
        return Channels(answer=_past_closings(text))
    if only_leading or not _CLOSE.search(text):
        return Channels(answer=text)
    guarded = [m.span() for m in _PROTECTED.finditer(text)]
    first_close = _first(_CLOSE.finditer(text), guarded)
    first_open = _first((m for m in _OPEN.finditer(text) if _starts_line(text, m)), guarded)
    if first_open is not None and first_close is not None and first_open.start() < first_close.start():
        return _embedded(text, first_open, first_close)
    if first_close is None:
        if _OPEN.search(text):
            return Channels(answer=text)
        # A fence that the trace left open swallows its end marker; on a line of its own it is still the template's.
        first_close = next((m for m in _CLOSE.finditer(text) if _alone(text, m) and _left_open(text, m)), None)
        if first_close is None:
            return Channels(answer=text)
    return _channels(text[: first_close.start()], text[first_close.end() :])


def split_message(fields: Sequence[tuple[str, str]], blocks: Channels) -> Channels:
    """Split a message: typed fields before typed blocks before markers in the text.

    Args:
        fields: (field name, its text) of every trace field the message has, in order of trust; the first with text wins.
        blocks: the content already read by `read_blocks` (for plain text: an answer and nothing else).
    """
    for name, value in fields:
        if value.strip():
            rest = split_text(blocks.answer, only_leading=True)
            parts = [value.strip(), *(t for t in (blocks.trace, rest.trace) if t)]
            # What follows a trace begins with the template's blank lines.
            return Channels(answer=rest.answer.strip(), trace="\n\n".join(parts), source=name, unclosed=rest.unclosed)
    if blocks.trace is not None:
        rest = split_text(blocks.answer, only_leading=True)
        trace = blocks.trace if rest.trace is None else f"{blocks.trace}\n\n{rest.trace}"
        return Channels(answer=rest.answer, trace=trace, source=blocks.source, unclosed=rest.unclosed)
    return split_text(blocks.answer)


def read_blocks(content: Any) -> Channels:
    """Read ``content`` that is text, null or a list of typed blocks (Anthropic, Mistral, gateways) without markers.

    Blocks of an unknown type are left out: an image or a tool call is neither answer nor trace.
    """
    if content is None:
        return Channels(answer="")
    if isinstance(content, str):
        return Channels(answer=content)
    answer: list[str] = []
    trace: list[str] = []
    for block in content if isinstance(content, list) else ():
        if isinstance(block, str):
            answer.append(block)
        elif isinstance(block, dict):
            kind = str(block.get("type", "text"))
            if kind in {"thinking", "reasoning"}:
                trace.append(flatten(block.get("thinking") or block.get("text") or block.get("reasoning")))
            elif kind in {"text", "output_text"}:
                answer.append(flatten(block.get("text")))
            elif kind == "refusal":
                answer.append(flatten(block.get("refusal")))
    thought = "\n\n".join(t.strip() for t in trace if t.strip())
    return Channels(answer="".join(answer), trace=thought or None, source="thinking" if thought else "")


def flatten(value: Any, *, depth: int = 8) -> str:
    """The text of a trace field, whatever its shape: text, a list of parts, an object with text; "" for anything else.

    Nesting beyond ``depth`` is no text: it comes from nobody but an attacker.
    """
    if isinstance(value, str):
        return value
    if depth == 0:
        return ""
    if isinstance(value, list):
        return "".join(flatten(part, depth=depth - 1) for part in value)
    if isinstance(value, dict):
        for key in ("text", "summary", "content", "thinking"):
            if value.get(key):
                return flatten(value[key], depth=depth - 1)
    return ""


def _leading(text: str, opening: re.Match[str]) -> Channels:
    thoughts: list[str] = []
    rest = text
    for _ in range(MAX_BLOCKS):
        body = rest[opening.end() :]
        closing = _closing(body, _matching(opening)) or _closing(body, _CLOSE)
        thought = (body if closing is None else body[: closing.start()]).strip()
        thoughts += [thought] if thought else []
        trace = "\n\n".join(thoughts) or None
        if closing is None and (begins := _answer_begins(body)) is not None:
            return _channels("\n\n".join((*thoughts[:-1], body[:begins])), body[begins:])
        if closing is None:
            return Channels(answer="", trace=trace, source=TAGS if trace else "", unclosed=True)
        rest = _past_closings(body[closing.end() :])
        following = _OPEN.match(rest)
        if following is None:
            break
        opening = following
    return Channels(answer=_unwrapped(rest), trace=trace, source=TAGS if trace else "")


def _answer_begins(body: str) -> int | None:
    """Where an answer's own marker follows a trace that has no end marker, or None."""
    candidates = list(_ANSWER.finditer(body))
    found = _first(candidates, [m.span() for m in _PROTECTED.finditer(body)]) if candidates else None
    return None if found is None else found.start()


def _spoken(text: str) -> Channels | None:
    for begins, ends in _SPOKEN:
        if (opening := begins.match(text)) and (closing := ends.search(text, opening.end())):
            return _channels(text[opening.end() : closing.start()], text[closing.end() :])
    return None


def _matching(opening: re.Match[str]) -> re.Pattern[str]:
    wanted = _CLOSES.get(re.sub(r"\s", "", opening.group()).lower())
    return _CLOSE if wanted is None else re.compile(_pattern((wanted,)), re.IGNORECASE)


def _closing(body: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    candidates = list(pattern.finditer(body))
    if not candidates:
        return None
    guarded = [m.span() for m in _PROTECTED.finditer(body)]
    free = _first(candidates, guarded)
    if free is not None:
        return free
    # The block was opened for certain, so something must close it even if an unfinished quote seems to cover it.
    return next((m for m in candidates if _alone(body, m)), candidates[-1])


def _embedded(text: str, opening: re.Match[str], closing: re.Match[str]) -> Channels:
    rest = _channels(text[opening.end() : closing.start()], text[closing.end() :])
    before = text[: opening.start()].strip()
    return Channels(answer="\n\n".join(p for p in (before, rest.answer) if p), trace=rest.trace, source=rest.source)


def _channels(trace: str, answer: str) -> Channels:
    thought = trace.strip()
    return Channels(answer=_unwrapped(answer), trace=thought or None, source=TAGS if thought else "")


def _past_closings(text: str) -> str:
    """Text without the markers that close once more what is closed already: models say ``</think>`` twice."""
    text = text.lstrip()
    while (again := _CLOSE.match(text)) is not None:
        text = text[again.end() :].lstrip()
    return text


def _unwrapped(answer: str) -> str:
    answer = _past_closings(answer).rstrip()
    for opening, closing in _WRAPPERS:
        if answer[: len(opening)].lower() == opening:
            answer = answer[len(opening) :].strip()
            if answer[-len(closing) :].lower() == closing:
                answer = answer[: -len(closing)].strip()
    return answer


def _first(matches: Iterable[re.Match[str]], guarded: Sequence[tuple[int, int]]) -> re.Match[str] | None:
    return next((m for m in matches if not any(a <= m.start() and m.end() <= b for a, b in guarded)), None)


def _starts_line(text: str, match: re.Match[str]) -> bool:
    return not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()


def _alone(text: str, match: re.Match[str]) -> bool:
    end = text.find("\n", match.end())
    return _starts_line(text, match) and not text[match.end() : len(text) if end < 0 else end].strip()


def _left_open(text: str, match: re.Match[str]) -> bool:
    """Whether the code fence before the marker has no end of its own: none follows, or the next one opens another."""
    following = _FENCE.search(text, match.end())
    return following is None or bool(following["info"].strip())


_HARMONY_TURN: Final = re.compile(
    r"<\|channel\|>\s*(?P<name>\w+)[^<]*?<\|message\|>(?P<body>.*?)(?=<\|end\|>|<\|return\|>|<\|call\|>|<\|start\|>|<\|channel\|>|\Z)",
    re.DOTALL,
)
_HARMONY_BARE: Final = re.compile(r"\Aanalysis(?P<trace>.*?)assistantfinal(?P<answer>.*)\Z", re.DOTALL)


def _harmony(text: str) -> Channels | None:
    head = text.lstrip()
    if head.startswith(("<|channel|>", "<|start|>assistant<|channel|>")):
        turns = [(m["name"], m["body"].strip()) for m in _HARMONY_TURN.finditer(text)]
        trace = "\n\n".join(body for name, body in turns if name != "final" and body) or None
        answer = "\n\n".join(body for name, body in turns if name == "final" and body)
        finished = any(name == "final" for name, _ in turns)
        return Channels(answer=answer, trace=trace, source=HARMONY if trace else "", unclosed=not finished)
    # With special tokens stripped only the channel names remain, glued to the text.
    if bare := _HARMONY_BARE.match(head):
        return Channels(answer=bare["answer"].strip(), trace=bare["trace"].strip() or None, source=HARMONY)
    return None
