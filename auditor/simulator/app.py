"""The synthetic pair and its judge behind the OpenAI wire format, as an ASGI app."""

from __future__ import annotations

import asyncio
import hmac
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auditor.records import Message, Prompt, Side
from auditor.simulator import judge
from auditor.simulator.bodies import (
    CREATED,
    Head,
    Json,
    chat_choice,
    chat_chunks,
    legacy_logprobs,
    prompt_logprobs,
    usage,
)
from auditor.simulator.distributions import Context, context_bytes, render_ids
from auditor.simulator.faults import Sleep, faulty_response
from auditor.simulator.generation import Decoding, FinishReason, Generation, planted, sampled, scored
from auditor.simulator.replies import Author, cut_share
from auditor.simulator.requests import (
    BadRequestError,
    ChatRequest,
    CompletionRequest,
    TokenizeRequest,
    read_choices,
    read_decoding,
    read_message,
    read_prompts,
    read_wanted,
    without_logprobs,
)
from auditor.simulator.truth import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, PlantedTruth
from auditor.simulator.vocabulary import SPECIALS, Lexicon

OWNER: Final = "auditor-simulator (synthetic)"
MODELS: Final = (BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL)

_SIDES: Final[dict[str, Side]] = {BASELINE_MODEL: "baseline", CANDIDATE_MODEL: "candidate", JUDGE_MODEL: "baseline"}
_LONGEST: Final = 4096
_COMPLETION_TOKENS: Final = 16
_ASSISTANT: Final = SPECIALS[2].encode() + b"\n"
_T = TypeVar("_T")


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


class Simulator:
    """The state of one server: the truth, the prompts that it knows, and how often each request was seen."""

    def __init__(
        self,
        truth: PlantedTruth,
        prompts: Iterable[Prompt],
        *,
        api_key: str | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.truth = truth
        self.author = Author(truth, prompts)
        self._api_key = api_key
        self._sleep = sleep
        self._requests = itertools.count()
        self._seen: Counter[bytes] = Counter()
        self._dimensions = {context_bytes(one.messages): one.dimension for one in self.author.prompts()}
        digest = blake2b(msgspec.json.encode(truth), digest_size=4).hexdigest()
        self._fingerprint = f"synthetic-{truth.name or 'custom'}-{digest}"

    # --- routes -----------------------------------------------------------------------------------------------------

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        try:
            self._authorise(request)
        except BadRequestError as error:
            return _json(error.body, error.status)
        entries = [{"id": one, "object": "model", "created": CREATED, "owned_by": OWNER} for one in MODELS]
        return _json({"object": "list", "data": entries})

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        return await self._answered(request, ChatRequest, self._chat)

    async def completions(self, request: Request) -> Response:
        """POST /v1/completions."""
        return await self._answered(request, CompletionRequest, self._complete)

    async def tokenize(self, request: Request) -> Response:
        """POST /tokenize, as vLLM has it."""
        if not self.truth.serving.targeted:
            return _json({"detail": "Not Found"}, 404)
        return await self._answered(request, TokenizeRequest, self._tokenize)

    def _tokenize(self, asked: TokenizeRequest, _occurrence: int) -> Response:
        words = self._words(asked.model)
        if asked.messages is not None:
            ids = render_ids(tuple(read_message(one) for one in asked.messages), words)
        else:
            ids = words.tokenise(asked.prompt, specials=True)
        return _json({"count": len(ids), "max_model_len": _LONGEST, "tokens": ids})

    async def _answered(self, request: Request, kind: type[_T], handler: Any) -> Response:
        number = next(self._requests)
        raw = await request.body()
        fault = self.truth.faults.of_request(number)
        if fault is not None:
            broken = await faulty_response(fault, self.truth.faults, self._sleep)
            if broken is not None:
                return broken
        try:
            self._authorise(request)
            try:
                asked = msgspec.json.decode(raw, type=kind)
            except msgspec.DecodeError as error:
                raise BadRequestError(f"We could not parse the JSON body of your request: {error}") from None
            if fault == "no_logprobs":
                asked = without_logprobs(asked)
            response: Response = handler(asked, self._occurrence(raw))
        except BadRequestError as error:
            return _json(error.body, error.status)
        return response

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if self._api_key is not None and not hmac.compare_digest(given.encode(), self._api_key.encode()):
            raise BadRequestError("Incorrect API key provided.", status=401, code="invalid_api_key")

    def _occurrence(self, raw: bytes) -> int:
        if self.truth.serving.unseeded == "repeat":
            return 0
        digest = blake2b(raw, digest_size=12).digest()
        self._seen[digest] += 1
        return self._seen[digest] - 1

    def _words(self, model: str) -> Lexicon:
        if model not in MODELS:
            raise BadRequestError(
                f"The model `{model}` does not exist.", status=404, param="model", code="model_not_found"
            )
        return self.truth.lexicon(_SIDES[model])

    def _head(self, prefix: str, model: str, *identity: object, as_ids: bool | None = False) -> Head:
        words = self._words(model)
        digest = blake2b("\x1f".join(map(str, identity)).encode("utf-8", "replace"), digest_size=8).hexdigest()
        serving = self.truth.serving
        by_id = bool(as_ids and serving.targeted)
        return Head(
            f"{prefix}-synthetic-{digest}", model, self._fingerprint, serving.reasoning_field, words, as_ids=by_id
        )

    # --- chat -------------------------------------------------------------------------------------------------------

    def _chat(self, asked: ChatRequest, occurrence: int) -> Response:
        messages = tuple(read_message(one) for one in asked.messages)
        if not messages:
            raise BadRequestError("messages must not be empty.", param="messages")
        sample = f"seed {asked.seed}" if asked.seed is not None else f"time {occurrence}"
        head = self._head(
            "chatcmpl", asked.model, asked.model, *messages, sample, as_ids=asked.return_tokens_as_token_ids
        )
        if asked.top_logprobs is not None and not asked.logprobs:
            raise BadRequestError("top_logprobs needs logprobs to be true.", param="top_logprobs")
        top = self._top((asked.top_logprobs or 0) if asked.logprobs else None, "top_logprobs")
        limit = asked.max_completion_tokens if asked.max_completion_tokens is not None else asked.max_tokens
        decoding = read_decoding(asked.temperature, asked.top_p, limit, _LONGEST, top)
        if self.truth.serving.targeted:
            wanted = read_wanted(asked.logprob_token_ids, logprobs=bool(asked.logprobs), words=head.words)
            decoding = decoding._replace(wanted=wanted)
        prompt_top = self._top(asked.prompt_logprobs, "prompt_logprobs")
        made = [
            self._generate(asked, messages, decoding, sample if index == 0 else f"{sample} choice {index}")
            for index in range(read_choices(asked.n))
        ]
        ids = render_ids(messages, head.words)
        if asked.stream:
            chunks = itertools.chain.from_iterable(chat_chunks(head, index, one) for index, one in enumerate(made))
            return _stream(chunks, _usage_chunk(head, "chat.completion.chunk", asked.stream_options, len(ids), made))
        with_ids = bool(asked.return_token_ids)
        body = head.body(
            "chat.completion", [chat_choice(head, at, one, with_ids=with_ids) for at, one in enumerate(made)]
        )
        body["usage"] = usage(len(ids), made)
        if prompt_top is not None:
            side = _SIDES[asked.model]
            body["prompt_logprobs"] = prompt_logprobs(
                head.words, scored(self.truth, side, ids, self._dimension(messages), prompt_top)
            )
        if with_ids:
            body["prompt_token_ids"] = ids
        return _json(body)

    def _dimension(self, messages: tuple[Message, ...]) -> str | None:
        prompt = self.author.prompt(messages)
        return None if prompt is None else prompt.dimension

    def _generate(
        self, asked: ChatRequest, messages: tuple[Message, ...], decoding: Decoding, sample: str
    ) -> Generation:
        side = _SIDES[asked.model]
        context = Context(self.truth, context_bytes(messages), self._dimension(messages))
        words = self.truth.lexicon(side)
        json_reply = self._json_reply(asked, messages)
        if json_reply is not None:
            return planted(self.truth, side, context, decoding, None, words.tokenise(json_reply), "stop")
        thinks = asked.model != JUDGE_MODEL and side in self.truth.traces
        if decoding.limit == 1 or self.truth.serving.text == "sampled":
            # A single token is what drift is measured on: it is a true draw, never the beginning of a written text.
            made = sampled(self.truth, side, context, decoding, *messages, sample)
            return made._replace(thinks=thinks and decoding.limit == 1)
        reply = self.author.reply(side, messages, sample)
        trace = None if reply.trace is None or not thinks else words.tokenise(reply.trace)
        answer = words.tokenise(reply.answer)
        finish: FinishReason = "stop"
        match reply.outcome:
            case "truncated":
                whole = len(answer) + (0 if trace is None else len(trace) + 1)
                decoding = decoding._replace(
                    limit=min(decoding.limit, 1 + int(whole * cut_share(side, *messages, sample)))
                )
            case "empty":
                answer = []
            case "filtered":
                answer, finish = [], "content_filter"
            case "complete":
                pass
        return planted(self.truth, side, context, decoding, trace, answer, finish)

    def _json_reply(self, asked: ChatRequest, messages: tuple[Message, ...]) -> str | None:
        wanted = asked.response_format or {}
        schema = (wanted.get("json_schema") or {}).get("schema") if wanted.get("type") == "json_schema" else None
        if asked.model == JUDGE_MODEL and (verdict := judge.answer(self.truth, messages, schema)) is not None:
            return verdict
        if schema is not None:
            return msgspec.json.encode(judge.filled(schema, {})).decode()
        return '{"note":"synthetic"}' if wanted.get("type") == "json_object" else None

    # --- completions ------------------------------------------------------------------------------------------------

    def _complete(self, asked: CompletionRequest, occurrence: int) -> Response:
        prompts = read_prompts(asked.prompt, self._words(asked.model))
        sample = f"seed {asked.seed}" if asked.seed is not None else f"time {occurrence}"
        head = self._head(
            "cmpl", asked.model, asked.model, asked.prompt, sample, as_ids=asked.return_tokens_as_token_ids
        )
        top = self._top(asked.logprobs, "logprobs")
        prompt_top = self._top(asked.prompt_logprobs, "prompt_logprobs")
        decoding = read_decoding(asked.temperature, asked.top_p, asked.max_tokens, _COMPLETION_TOKENS, top, least=0)
        if self.truth.serving.targeted:
            wanted = read_wanted(asked.logprob_token_ids, logprobs=top is not None, words=head.words)
            decoding = decoding._replace(wanted=wanted)
        choices: list[Json] = []
        made: list[Generation] = []
        side = _SIDES[asked.model]
        for ids in prompts:
            raw = head.words.raw(ids)
            before, marker, _ = raw.rpartition(_ASSISTANT)
            dimension = self._dimensions.get(before + marker)
            for number in range(read_choices(asked.n)):
                one = sampled(self.truth, side, Context(self.truth, raw, dimension), decoding, raw, sample, number)
                made.append(one)
                choice = self._choice(asked, head, len(choices), ids, one, dimension, top)
                if prompt_top is not None:
                    rows = scored(self.truth, side, ids, dimension, prompt_top)
                    choice["prompt_logprobs"] = prompt_logprobs(head.words, rows)
                choices.append(choice)
        counted = sum(map(len, prompts))
        if asked.stream:
            chunks = [head.body("text_completion", [one]) for one in choices]
            return _stream(chunks, _usage_chunk(head, "text_completion", asked.stream_options, counted, made))
        return _json(head.body("text_completion", choices) | {"usage": usage(counted, made)})

    def _choice(
        self,
        asked: CompletionRequest,
        head: Head,
        index: int,
        ids: Sequence[int],
        made: Generation,
        dimension: str | None,
        top: int | None,
    ) -> Json:
        shown = [*ids, *made.ids] if asked.echo else list(made.ids)
        choice: Json = {"index": index, "text": head.words.write(shown), "logprobs": None, "finish_reason": made.finish}
        if top is not None:
            before = scored(self.truth, _SIDES[asked.model], ids, dimension, top) if asked.echo else []
            offset = 0 if asked.echo else sum(len(head.words.tokens[one].text) for one in ids)
            choice["logprobs"] = legacy_logprobs(head, shown, [*before, *(made.listed or ())], offset)
        if asked.return_token_ids:
            choice |= {"token_ids": list(made.ids), "prompt_token_ids": list(ids)}
        return choice

    def _top(self, asked: int | None, param: str) -> int | None:
        highest = self.truth.serving.top_logprobs_max
        if asked is not None and not 0 <= asked <= highest:
            raise BadRequestError(
                f"Invalid value for '{param}': must be from 0 to {highest}, but is {asked}.", param=param
            )
        return asked


def _usage_chunk(
    head: Head, kind: str, options: Json | None, prompt_tokens: int, made: Sequence[Generation]
) -> list[Json]:
    if not (options or {}).get("include_usage"):
        return []
    return [head.body(kind, []) | {"usage": usage(prompt_tokens, made)}]


def _stream(chunks: Iterable[Json], last: Iterable[Json]) -> Response:
    async def events() -> AsyncIterator[bytes]:
        for chunk in itertools.chain(chunks, last):
            yield b"data: " + msgspec.json.encode(chunk) + b"\n\n"
        yield b"data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def build_app(
    truth: PlantedTruth,
    prompts: Iterable[Prompt],
    *,
    api_key: str | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Starlette:
    """An ASGI app that serves the synthetic pair and judge under /v1.

    Args:
        truth: what is planted.
        prompts: the prompts whose replies are planted; any other gets a short polite reply.
        api_key: if given, requests must carry it as bearer token.
        sleep: how the planted fault "slow" waits.
    """
    simulator = Simulator(truth, prompts, api_key=api_key, sleep=sleep)
    app = Starlette(
        routes=[
            Route("/v1/models", simulator.models, methods=["GET"]),
            Route("/v1/chat/completions", simulator.chat, methods=["POST"]),
            Route("/v1/completions", simulator.completions, methods=["POST"]),
            Route("/tokenize", simulator.tokenize, methods=["POST"]),
        ]
    )
    app.state.simulator = simulator
    return app
