"""text-generation-inference through its own ``/generate``: the only route of it with token ids and every generated token.

Field names and limits: the vendor's API page (docs/openapi.json), router/src/lib.rs and router/src/validation.rs.
"""

from __future__ import annotations

from typing import Any, Final

import httpx2
import msgspec

from auditor.endpoints.asking import recorded_seconds
from auditor.endpoints.base import beside, internal_headers
from auditor.endpoints.channels import split_text
from auditor.endpoints.decoding import build_reply, count
from auditor.endpoints.faults import not_an_api
from auditor.endpoints.logprobs import Told, listed
from auditor.endpoints.openai_compatible import OpenAICompatible
from auditor.endpoints.requests import merged
from auditor.errors import NotAnApi
from auditor.records import Ask, EndpointSpec, Provenance, Reply, TokenLogprobs, Usage

_CALIBRATION: Final = [{"role": "user", "content": "x"}]
_FINISH: Final = {"eos_token": "stop", "stop_sequence": "stop"}


class _Token(msgspec.Struct):
    id: int
    text: str = ""
    logprob: float | None = None
    special: bool = False


class _Details(msgspec.Struct):
    finish_reason: str = ""
    generated_tokens: float | None = None
    prefill: list[_Token] = []
    tokens: list[_Token] = []
    top_tokens: list[list[_Token]] | None = None


class _Generated(msgspec.Struct):
    generated_text: str
    details: _Details | None = None


class _Templated(msgspec.Struct):
    templated_text: str
    tokenize_response: list[_Token] = []


def generate_body(spec: EndpointSpec, ask: Ask, inputs: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of ``POST /generate`` for text that went through the chat template. Pure.

    Temperature 0 is greedy decoding here; top_p = 1 is refused as out of range and left out, which means the same.
    """
    greedy = ask.sampling.temperature == 0
    parameters: dict[str, Any] = {
        "max_new_tokens": ask.sampling.max_tokens,
        "do_sample": not greedy,
        "return_full_text": False,
        "details": True,
    }
    if not greedy:
        parameters["temperature"] = ask.sampling.temperature
    if 0 < ask.sampling.top_p < 1:
        parameters["top_p"] = ask.sampling.top_p
    if ask.sampling.seed is not None:
        parameters["seed"] = ask.sampling.seed
    if ask.top_logprobs:
        parameters["top_n_tokens"] = ask.top_logprobs
    if ask.json_schema is not None:
        parameters["grammar"] = {"type": "json", "value": ask.json_schema}
    parameters = {name: value for name, value in parameters.items() if name not in without}
    return merged({"inputs": inputs, "parameters": parameters}, spec.extra_body)


def decode_generated(content: bytes, *, elapsed_s: float | None = None) -> Reply | None:
    """The reply in an answer of ``/generate``, or None if it is none.

    Logprobs come after temperature and filters; a top list can be longer than asked (ties), and misses the sampled token
    where that was not among the best. The tokens of the text are all there, special ones too.
    """
    try:
        body = msgspec.json.decode(content, type=_Generated | list[_Generated], strict=False)
    except msgspec.MsgspecError:
        return None
    one = body if isinstance(body, _Generated) else next(iter(body), None)
    if one is None:
        return None
    details = one.details or _Details()
    channels = split_text(one.generated_text)
    return build_reply(
        channels,
        finish=_FINISH.get(details.finish_reason, details.finish_reason or "stop"),
        usage=Usage(prompt_tokens=len(details.prefill) or None, completion_tokens=count(details.generated_tokens)),
        logprobs=_logprobs(details),
        provenance=Provenance(trace_source=channels.source),
        elapsed_s=elapsed_s,
    )


def _logprobs(details: _Details) -> TokenLogprobs | None:
    if not details.tokens or all(t.logprob is None for t in details.tokens):
        return None
    tops = details.top_tokens or []
    tops += [[]] * (len(details.tokens) - len(tops))
    return listed((_told(t), [_told(a) for a in top]) for t, top in zip(details.tokens, tops, strict=False))


def _told(token: _Token) -> Told:
    return token.text, token.logprob, token.id


class TgiGenerate(OpenAICompatible):
    """An endpoint that applies the template with ``/chat_tokenize`` and generates with ``/generate``.

    ``/generate`` adds the tokenizer's special tokens (its field for that is internal, router/src/lib.rs), templates write
    theirs, and two beginnings are another prompt than chat's. So whether the templated text has to lose its first token is
    settled once by comparing ids: what ``/generate`` will read must be what chat would have read.
    """

    _cut: str | None = None

    async def ask(self, ask: Ask, *, purpose: str) -> Reply:
        """Ask one question; see `Endpoint.ask`. Streaming and JSON mode without a schema do not exist here."""
        # A template gives the same text for every sample.
        once = internal_headers(0, purpose)
        messages = [{"role": m.role, "content": m.content} for m in ask.messages]
        if self._cut is None:
            self._cut = await self._doubled(once)
        text = (await self._templated(messages, once)).templated_text.removeprefix(self._cut)
        body = generate_body(self._spec, ask, text, without=self._conceded)
        headers = internal_headers(ask.sample, purpose)
        return self._reply(await self._send(beside(self._spec.base_url, "/generate"), body, headers))

    def _read(self, response: httpx2.Response) -> Reply:
        reply = decode_generated(response.content, elapsed_s=recorded_seconds(response))
        if reply is None:
            raise not_an_api(response, self._spec)
        return reply

    async def _templated(self, messages: list[dict[str, str]], headers: dict[str, str]) -> _Templated:
        body = {"model": self._spec.model, "messages": messages}
        response = await self._send(beside(self._spec.base_url, "/chat_tokenize"), body, headers)
        if response.status_code != 200:
            self._reply(response)
        try:
            return msgspec.json.decode(response.content, type=_Templated)
        except msgspec.MsgspecError:
            raise NotAnApi(
                f"{self._spec.base_url} does not apply its chat template over HTTP.",
                "Use the dialect tgi, which asks through its chat route.",
            ) from None

    async def _doubled(self, headers: dict[str, str]) -> str:
        """The beginning to take off a templated text, or ""."""
        templated = await self._templated(_CALIBRATION, headers)
        wanted = [t.id for t in templated.tokenize_response]
        first = templated.tokenize_response[0].text if templated.tokenize_response else ""
        if not first or not templated.templated_text.startswith(first):
            return ""
        cut = templated.templated_text.removeprefix(first)
        response = await self._send(beside(self._spec.base_url, "/tokenize"), {"inputs": cut}, headers)
        try:
            got = [t.id for t in msgspec.json.decode(response.content, type=list[_Token])]
        except msgspec.MsgspecError:
            return ""
        return first if got == wanted else ""
