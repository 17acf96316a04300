"""What the probe finds out about text that is given: an echo's logprobs, tokens asked for by id, and begun replies."""

from __future__ import annotations

import statistics
from typing import Any, Final

from auditor.endpoints.base import address, beside
from auditor.endpoints.dialects import Dialect
from auditor.endpoints.probing.prober import HELLO, NEXT, Prober
from auditor.endpoints.probing.server import Native, post
from auditor.records import Ask, Message, Reply, Sampling

AGREE: Final = 0.05
"""Nats by which the median of echoed logprobs may differ from those when generated: above batch noise, below a shift."""
_PROMPT: Final = "The sea is"
_TOKENS: Final = 8
_IDS: Final = [5, 17, 41]
"""Tokens that hardly anything begins with, in every vocabulary that there is."""
_WORD: Final = "one"
"""A token of its own in every tokenizer in use, at the beginning and after a space."""
_WORDS: Final = (4, 8)


async def completions_and_echo(prober: Prober) -> tuple[bool | None, bool | None]:
    """Whether plain completions work beside chat, and whether they score an echoed prompt; three requests at most.

    A short text is generated and sent back. Only an echo with the logprobs that the text had counts: one server was seen
    to score each token with the row of the next.
    """
    if not isinstance(prober.endpoint, Native):
        return None, None
    whole = {"temperature": 1.0, "top_p": 1.0, "seed": 3}
    wrote = await _complete(prober, {"prompt": _PROMPT, "max_tokens": _TOKENS, "logprobs": 1, **whole})
    if wrote is None:
        plain = await _complete(prober, {"prompt": _PROMPT, "max_tokens": 1})
        return plain is not None, False if plain is not None else None
    if not _tokens(wrote)[1]:
        return True, False
    # One more token is asked for: SGLang takes no zero, and llama-cpp-python takes it for "no limit".
    back = {"prompt": _PROMPT + wrote["text"], "max_tokens": 1, "logprobs": 1, "echo": True, **whole}
    echoed = await _complete(prober, back)
    return True, False if echoed is None else _echoes(wrote, echoed)


async def targeted(prober: Prober, dialect: Dialect) -> bool | None:
    """Whether tokens are listed that are asked for by id; one request.

    vLLM: ``logprob_token_ids`` in chat (seen on 0.32). SGLang: ``token_ids_logprob`` on ``/generate`` (seen on 0.5.23).
    Others ignore fields they don't know, so only a list of those very tokens counts.
    """
    endpoint = prober.endpoint
    if not isinstance(endpoint, Native):
        return None
    if dialect.name == "sglang":
        params = {"max_new_tokens": 1, "temperature": 1.0}
        asked = {"text": _PROMPT, "sampling_params": params, "return_logprob": True, "token_ids_logprob": _IDS}
        answer = await post(prober, beside(endpoint.spec.base_url, "/generate"), asked)
        listed = _at(answer, "meta_info", "output_token_ids_logprobs", 0)
        return isinstance(listed, list) and [_at(row, 1) for row in listed] == _IDS
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=1, seed=0)
    body = endpoint.request_body(Ask(messages=(Message("user", NEXT),), sampling=sampling))
    body |= {"logprobs": True, "logprob_token_ids": _IDS, "return_tokens_as_token_ids": True}
    answer = await post(prober, address(endpoint.spec.base_url, "/chat/completions"), body)
    listed = _at(answer, "choices", 0, "logprobs", "content", 0, "top_logprobs")
    named = {_at(entry, "token") for entry in listed} if isinstance(listed, list) else set()
    # The sampled token stands with them.
    return {f"token_id:{one}" for one in _IDS} <= named and len(named) <= len(_IDS) + 1


async def prefill(prober: Prober, hello: Reply) -> bool | None:
    """Whether a reply's beginning can be given; two requests of one token.

    By the size of the prompt: a beginning adds its own tokens to it and no more, a finished message also what ends it and
    begins the next. None where sizes are not told, or differ by so little that either could be.
    """
    sizes = []
    for count in _WORDS:
        reply = await prober.try_ask(HELLO, max_tokens=1, prefill=" ".join([_WORD] * count))
        if reply is None:
            return False
        sizes.append(reply.usage.prompt_tokens)
    few, many, alone = *sizes, hello.usage.prompt_tokens
    if few is None or many is None or alone is None or many <= few:
        return None
    # As many words more as there were words: what is left of the first step is what stands around them.
    around = (few - alone) - (many - few)
    return None if around == 1 else around < 1


async def _complete(prober: Prober, body: dict[str, Any]) -> dict[str, Any] | None:
    spec = prober.endpoint.spec
    answer = await post(prober, address(spec.base_url, "/completions"), {"model": spec.model, **body})
    choice = _at(answer, "choices", 0)
    return choice if isinstance(choice, dict) and isinstance(choice.get("text"), str) else None


def _tokens(choice: dict[str, Any]) -> tuple[list[str], list[float | None]]:
    """The tokens of a completion and their logprobs, in the older shape or (llama.cpp) in chat's."""
    texts, values = _at(choice, "logprobs", "tokens"), _at(choice, "logprobs", "token_logprobs")
    if not isinstance(texts, list) or not isinstance(values, list):
        content = _at(choice, "logprobs", "content")
        entries = content if isinstance(content, list) else []
        texts, values = [_at(e, "token") for e in entries], [_at(e, "logprob") for e in entries]
    return [str(t) for t in texts], [float(v) if isinstance(v, int | float) else None for v in values]


def _echoes(wrote: dict[str, Any], back: dict[str, Any]) -> bool | None:
    """Whether the echo ends in what was generated, number by number; None if the text was cut into other tokens."""
    texts, values = _tokens(wrote)
    given, numbers = _tokens(back)
    given, numbers = given[:-1], numbers[:-1]
    if len(given) <= len(texts):
        return False
    # An end token was generated and is no part of the text that was sent back.
    for count in (len(texts), len(texts) - 1):
        if count > 0 and given[-count:] == texts[:count]:
            pairs = zip(values[:count], numbers[-count:], strict=False)
            gaps = [abs(a - b) for a, b in pairs if a is not None and b is not None]
            return len(gaps) == count and statistics.median(gaps) < AGREE
    return None


def _at(value: Any, *path: str | int) -> Any:
    """What stands at a path in decoded JSON, or None."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and len(value) > step else None
    return value
