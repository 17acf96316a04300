"""What the probe finds out about replies: enforced forms, and whether a seed repeats them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from auditor.endpoints.capabilities import SeedBehaviour, StructuredOutput
from auditor.endpoints.probing.prober import HELLO, STORY, STORY_TOKENS, Prober
from auditor.records import Outcome, Reply

STREAM_TOKENS: Final = 16
_JSON_TOKENS: Final = 256
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"zq_label": {"type": "string", "enum": ["k7", "m4"]}, "zq_sure": {"type": "boolean"}},
    "required": ["zq_label", "zq_sure"],
    "additionalProperties": False,
}
"""Names that no model writes by chance: an answer that fits was constrained. Finite, so that a tiny model ends, too."""
_BEGUN: Final = re.compile(r'\s*\{\s*"zq_(label|sure)"\s*:')
_SEEDS: Final = (11, 11, 12)


async def structured(prober: Prober) -> StructuredOutput:
    """The strictest form of output that was seen to be enforced; two requests at most."""
    reply = await prober.try_ask(
        "Pick a label. Answer in JSON.", max_tokens=_JSON_TOKENS, temperature=0.0, json_schema=_SCHEMA
    )
    for part, where in ((reply.answer, ""), (reply.trace or "", "reasoning")) if reply is not None else ():
        if _BEGUN.match(part):
            if where:
                prober.note("structured output lands in the reasoning field")
            if not _fits(part):
                # Grammars allow white space without end, and a weak model fills its tokens with it.
                prober.note("structured output ran on in white space to the token limit")
            return "json_schema"
    reply = await prober.try_ask(
        "Name a colour. Answer as a JSON object with one field.",
        max_tokens=_JSON_TOKENS,
        temperature=0.0,
        json_object=True,
    )
    return "json_object" if reply is not None and isinstance(_parsed(reply.answer), dict) else "none"


def _fits(text: str) -> bool:
    data = _parsed(text)
    return isinstance(data, dict) and data.get("zq_label") in {"k7", "m4"} and isinstance(data.get("zq_sure"), bool)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


async def streaming(prober: Prober) -> bool | None:
    """Whether a reply comes in pieces and whole; one request."""
    reply = await prober.try_ask(HELLO, max_tokens=STREAM_TOKENS, temperature=0.0, stream=True)
    if reply is None:
        return False
    return reply.provenance.streamed and reply.outcome is not Outcome.ERROR and bool(reply.answer or reply.trace)


async def seed(prober: Prober) -> SeedBehaviour:
    """Whether a seed makes a reply repeat; three requests."""
    replies: list[Reply | None] = []
    for index, seed in enumerate(_SEEDS):
        replies.append(await prober.try_ask(STORY, max_tokens=STORY_TOKENS, seed=seed, sample=index))
    texts = [f"{r.trace or ''}\n{r.answer}" for r in replies if r is not None]
    return _seed_behaviour(texts, replies)


def _seed_behaviour(texts: Sequence[str], replies: Sequence[Reply | None]) -> SeedBehaviour:
    if len(texts) < len(replies) or not any(t.strip() for t in texts):
        return "unknown"
    first, again, other = texts
    if first != again:
        return "varies"
    return "repeats" if other != first else "unknown"
