"""Reading requests: which fields count, and what is refused with a 400."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from auditor.records import Message
from auditor.simulator.bodies import Json, error_body
from auditor.simulator.generation import Decoding
from auditor.simulator.vocabulary import LEXICON, Lexicon

LONGEST: Final = 4096
"""No reply is longer than this many tokens."""

MOST_WANTED: Final = 128
"""At most so many tokens may be asked for by id, as on vLLM."""

_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_MOST_CHOICES: Final = 128
_HOTTEST: Final = 2.0
_T = TypeVar("_T")


class BadRequestError(Exception):
    """What a client did wrong, as status and body of the response that tells it."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, param=param, code=code)


class ChatRequest(msgspec.Struct, kw_only=True):
    """What is read of a chat request; unknown fields are ignored, as most servers do."""

    model: str
    messages: list[Json]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: Json | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    prompt_logprobs: int | None = None
    response_format: Json | None = None
    return_token_ids: bool | None = None
    return_tokens_as_token_ids: bool | None = None
    logprob_token_ids: list[int] | None = None


class CompletionRequest(msgspec.Struct, kw_only=True):
    """What is read of a completions request. ``prompt``: a text, a list of token ids, or a list of either."""

    model: str
    prompt: str | list[int | str | list[int]] = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: Json | None = None
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    echo: bool | None = None
    return_token_ids: bool | None = None
    return_tokens_as_token_ids: bool | None = None
    logprob_token_ids: list[int] | None = None


class TokenizeRequest(msgspec.Struct, kw_only=True):
    """What is read of vLLM's tokenize request: a text, or a conversation that goes through the template."""

    model: str
    prompt: str = ""
    messages: list[Json] | None = None


def without_logprobs(asked: _T) -> _T:
    """The request as if it had not asked for logprobs."""
    if isinstance(asked, ChatRequest):
        asked.logprobs = asked.top_logprobs = asked.prompt_logprobs = None
    elif isinstance(asked, CompletionRequest):
        asked.logprobs = asked.prompt_logprobs = None
    return asked


def read_message(given: Json) -> Message:
    """One turn: content as text or as a list of text parts. Raises BadRequestError for anything else."""
    role, content = _ROLES.get(str(given.get("role"))), given.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if role is None or not isinstance(content, str):
        raise BadRequestError("Each message needs a known role and a content of text.", param="messages")
    return msgspec.convert({"role": role, "content": content}, Message)


def read_prompts(given: str | list[int | str | list[int]], words: Lexicon = LEXICON) -> list[list[int]]:
    """One list of token ids per prompt."""
    if isinstance(given, str):
        return [words.tokenise(given, specials=True)]
    whole = [one for one in given if isinstance(one, int)]
    if whole and len(whole) == len(given):
        return [_known(whole, words)]
    if whole:
        raise BadRequestError("A list of token ids must hold nothing but token ids.", param="prompt")
    return [
        words.tokenise(one, specials=True) if isinstance(one, str) else _known(one, words)
        for one in given
        if not isinstance(one, int)
    ]


def _known(ids: list[int], words: Lexicon, param: str = "prompt") -> list[int]:
    if not all(0 <= one < len(words.tokens) for one in ids):
        raise BadRequestError(f"Token ids must be from 0 to {len(words.tokens) - 1}.", param=param)
    return ids


def read_wanted(asked: list[int] | None, *, logprobs: bool, words: Lexicon) -> tuple[int, ...]:
    """The tokens that are to be listed, each once. Raises BadRequestError where vLLM does."""
    if not asked:
        return ()
    if not logprobs:
        raise BadRequestError(
            "when using `logprob_token_ids`, `logprobs` must be set to true.", param="logprob_token_ids"
        )
    if len(asked) > MOST_WANTED:
        raise BadRequestError(
            f"Requested logprob_token_ids of length {len(asked)}, which is greater than max allowed: {MOST_WANTED}",
            param="logprob_token_ids",
        )
    return tuple(dict.fromkeys(_known(asked, words, "logprob_token_ids")))


def read_choices(asked: int | None) -> int:
    """How many choices are wanted. Raises BadRequestError if that is out of range."""
    number = 1 if asked is None else asked
    if not 1 <= number <= _MOST_CHOICES:
        raise BadRequestError("n must be from 1 to 128.", param="n")
    return number


def read_decoding(
    temperature: float | None, top_p: float | None, limit: int | None, default: int, top: int | None, *, least: int = 1
) -> Decoding:
    """How tokens are to be drawn. Raises BadRequestError for values out of range."""
    temperature, top_p = (1.0 if temperature is None else temperature), (1.0 if top_p is None else top_p)
    limit = default if limit is None else limit
    if not 0 <= temperature <= _HOTTEST:
        raise BadRequestError("temperature must be from 0 to 2.", param="temperature")
    if not 0 < top_p <= 1:
        raise BadRequestError("top_p must be above 0 and at most 1.", param="top_p")
    if limit < least:
        raise BadRequestError(f"max_tokens must be at least {least}.", param="max_tokens")
    return Decoding(temperature, top_p, min(limit, LONGEST), top)
