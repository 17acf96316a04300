"""Making judged text harmless and anonymous before a judge reads it.

Judged text is hostile: it may name its maker, address the judge, close our delimiter, smuggle a server's control
tokens or carry characters that no reader sees. Everything here is a pure function of the text, so that the same reply
always gives the same request and a run can be replayed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import msgspec

_MARKERS = re.compile(
    r"</?\s*(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis)\s*/?>"
    r"|<\|(?:begin|end)_of_(?:thought|solution)\|>"
    r"|\[/?THINK\]"
    r"|<\|channel\|>\s*(?:analysis|commentary|final)"
    r"|◁/?think▷",
    re.IGNORECASE,
)
_CONTROL_TOKEN = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|gMASK)\]|<</?SYS>>"
    r"|</?(?:s|bos|eos|sop|eop|(?:start|end)_of_turn)>"
)
_FENCE = re.compile(r"[<＜]{3,}|[>＞]{3,}")
_FAMILY = (
    r"chat\s?gpt|gpt[-\s]?[345][\w.-]*|o[134](?:-mini)?|claude(?:[\s-][\w.-]+)?|(?:meta\s)?llama[\w.-]*|qwen[\w.-]*|qwq"
    r"|deepseek[\w.-]*|gemini[\w.-]*|gemma[\w.-]*|mistral[\w.-]*|mixtral[\w.-]*|phi-?\d[\w.-]*|grok[\w.-]*|kimi[\w.-]*|glm[\w.-]*"
)
_MAKER = r"openai|anthropic|meta(?:\sai)?|alibaba(?:\scloud)?|deepseek|google(?:\sdeepmind)?|mistral(?:\sai)?|microsoft|xai|moonshot(?:\sai)?"
_SELF_NAME = re.compile(rf"\b(i am|i['’]m|my name is|as|call me|this is)(\s+)(?:{_FAMILY})\b", re.IGNORECASE)
_SELF_MAKER = re.compile(
    rf"\b((?:created|made|developed|trained|built)\s+by)(\s+)(?:{_MAKER})\b",
    re.IGNORECASE,
)
_INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad\u180e")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


class Blinded(msgspec.Struct, frozen=True):
    """Text as a judge may see it, between two delimiters that can't occur in it."""

    text: str
    opening: str
    closing: str

    @property
    def block(self) -> str:
        """The text between its delimiters, ready to be put into a prompt."""
        return f"{self.opening}\n{self.text}\n{self.closing}"


def blinded(text: str, *, title: str, names: Iterable[str] = (), salt: str = "") -> Blinded:
    """Prepare ``text`` for a judge: anonymous (``names`` are the models' own names), inert, and delimited.

    ``title`` names the block. The nonce in its delimiters is the beginning of a SHA-256 over salt, title and text:
    whoever wrote the text can't know a nonce that depends on it, and the same text always gets the same one.
    """
    clean = anonymous(inert(text), names)
    nonce = hashlib.sha256(f"{salt}\0{title}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Blinded(clean, f"<<<{title} {nonce}>>>", f"<<<END OF {title} {nonce}>>>")


def inert(text: str) -> str:
    """``text`` without what could act on a judge's server or hide from a reader.

    Control characters become their visible picture or U+FFFD, characters that reorder or hide text go, think markers
    go, control tokens of chat templates and runs of three or more angle brackets are broken up.
    """
    text = "".join(map(_visible, text.replace("\r\n", "\n").replace("\r", "\n")))
    while (shorter := _MARKERS.sub("", text)) != text:
        text = shorter
    text = _CONTROL_TOKEN.sub(
        lambda match: match[0].replace("<", "‹").replace(">", "›").replace("[", "⟦").replace("]", "⟧"), text
    )
    return _FENCE.sub(lambda match: ("‹" if match[0][0] in "<＜" else "›") * len(match[0]), text)


def anonymous(text: str, names: Iterable[str] = ()) -> str:
    """``text`` with the given model names, and any self-introduction by a known model family, replaced by [model]."""
    for name in sorted({name for name in names if len(name) > 2}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "[model]", text, flags=re.IGNORECASE)
    text = _SELF_NAME.sub(r"\1\2[model]", text)
    return _SELF_MAKER.sub(r"\1\2[maker]", text)


def _visible(char: str) -> str:
    code = ord(char)
    if char in "\n\t" or 0x20 <= code < 0x7F:
        return char
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if char in _INVISIBLE or 0xE0000 <= code <= 0xE007F:
        return ""
    if char in _DIRECTION or unicodedata.category(char) in {"Cc", "Cs"}:
        return "\ufffd"
    return char
