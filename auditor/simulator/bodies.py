"""The bodies of the OpenAI wire format: requests as they are read, responses and chunks as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from auditor.simulator.generation import Generation, Listed
from auditor.simulator.truth import ReasoningField
from auditor.simulator.vocabulary import LEXICON, SPECIAL_IDS, THINK, Lexicon

CREATED: Final = 1_700_000_000
"""The time stamp of every body: the simulator has no clock, so that the same requests give the same bytes."""

Json = dict[str, Any]


class Head(NamedTuple):
    """What all bodies of one response share. ``as_ids``: tokens are printed as ``token_id:N``, as vLLM does on request."""

    id: str
    model: str
    fingerprint: str
    reasoning_field: ReasoningField
    words: Lexicon = LEXICON
    as_ids: bool = False

    def body(self, kind: str, choices: list[Json]) -> Json:
        """A body of this kind (its ``object``)."""
        return {
            "id": self.id,
            "object": kind,
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        }


def error_body(
    message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> Json:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def usage(prompt_tokens: int, generations: Sequence[Generation]) -> Json:
    """Token counts of a request; markers count as generated tokens."""
    completion = sum(len(one.ids) for one in generations)
    body: Json = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": prompt_tokens + completion,
    }
    if any(one.thinks for one in generations):
        thought = sum(one.answer_from or len(one.ids) for one in generations if one.thinks)
        body["completion_tokens_details"] = {"reasoning_tokens": thought}
    return body


def _print(head: Head, token: int) -> str:
    return f"token_id:{token}" if head.as_ids else head.words.tokens[token].text


def _entry(head: Head, token: int, logprob: float, *, sampled: bool = False) -> Json:
    text = _print(head, token)
    # As vLLM: the bytes of alternatives that print as ids are those of that print-out.
    raw = text.encode() if head.as_ids and not sampled else head.words.tokens[token].raw
    return {"token": text, "logprob": logprob, "bytes": list(raw)}


def chat_logprobs(head: Head, listed: Sequence[Listed]) -> Json:
    """The ``logprobs`` of a chat choice."""
    content = [
        {
            **_entry(head, one.token, one.logprob, sampled=True),
            "top_logprobs": [_entry(head, *pair) for pair in one.top],
        }
        for one in listed
    ]
    return {"content": content, "refusal": None}


def legacy_logprobs(head: Head, ids: Sequence[int], listed: Sequence[Listed | None], offset: int) -> Json:
    """The ``logprobs`` of a completions choice: parallel lists, alternatives keyed by text, the sampled one among them."""
    offsets = []
    for one in ids:
        offsets.append(offset)
        offset += len(head.words.tokens[one].text)
    tops = [
        None if one is None else {_print(head, token): value for token, value in (*one.top, (one.token, one.logprob))}
        for one in listed
    ]
    return {
        "tokens": [_print(head, one) for one in ids],
        "token_logprobs": [None if one is None else one.logprob for one in listed],
        "top_logprobs": tops,
        "text_offset": offsets,
    }


def prompt_logprobs(words: Lexicon, listed: Sequence[Listed | None]) -> list[Json | None]:
    """vLLM's shape: per prompt token a dict by id, the actual token first, null for the first position."""
    out: list[Json | None] = []
    for one in listed:
        if one is None:
            out.append(None)
            continue
        entries = {str(one.token): _ranked(words, one.token, one.logprob, one.rank)}
        for place, (token, value) in enumerate(one.top, start=1):
            entries.setdefault(str(token), _ranked(words, token, value, place))
        out.append(entries)
    return out


def _ranked(words: Lexicon, token: int, logprob: float, rank: int) -> Json:
    return {"logprob": logprob, "rank": rank, "decoded_token": words.tokens[token].text}


def chat_choice(head: Head, index: int, made: Generation, *, with_ids: bool) -> Json:
    """One choice of a chat completion."""
    trace = made.trace
    cut_in_trace = made.thinks and not made.answer_from
    message: Json = {"role": "assistant", "content": None if cut_in_trace else made.answer, "refusal": None}
    if head.reasoning_field == "tags":
        if trace is not None:
            message["content"] = f"{THINK}{trace}" if cut_in_trace else f"{THINK}{trace}</think>\n\n{made.answer}"
    else:
        message[head.reasoning_field] = trace
    choice: Json = {
        "index": index,
        "message": message,
        "logprobs": None if made.listed is None else chat_logprobs(head, made.listed),
        "finish_reason": made.finish,
    }
    return {**choice, "token_ids": list(made.ids)} if with_ids else choice


def chat_chunks(head: Head, index: int, made: Generation) -> Iterator[Json]:
    """The chunks of one streamed choice: its role, a chunk per token, its finish reason."""
    yield _chunk(head, index, {"role": "assistant", "content": ""})
    end_of_trace = made.answer_from - 1
    for place, text in _streamed(made):
        in_trace = made.thinks and (place < made.answer_from or not made.answer_from)
        if head.reasoning_field == "tags":
            shown = "</think>\n\n" if in_trace and place == end_of_trace else text
            delta = {"content": f"{THINK}{shown}" if made.thinks and place == 0 else shown}
        elif in_trace:
            delta = {head.reasoning_field: text}
        else:
            delta = {"content": text}
        part = None if made.listed is None else chat_logprobs(head, made.listed[place : place + 1])
        yield _chunk(head, index, delta, logprobs=part)
    yield _chunk(head, index, {}, finish=made.finish)


def _streamed(made: Generation) -> Iterator[tuple[int, str]]:
    """Each token's place and the text it completes: bytes wait until their character is whole."""
    waiting: list[int] = []
    last = len(made.ids) - 1
    for place, token in enumerate(made.ids):
        waiting.append(token)
        closes = token in SPECIAL_IDS or place == last or place + 1 == made.answer_from
        text = made.words.write(waiting)
        if closes or "\ufffd" not in text:
            waiting = []
            yield place, text
        else:
            yield place, ""


def _chunk(head: Head, index: int, delta: Json, *, logprobs: Json | None = None, finish: str | None = None) -> Json:
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return head.body("chat.completion.chunk", [choice])
