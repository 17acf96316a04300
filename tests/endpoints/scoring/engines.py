"""Servers with a known next-token distribution and the scoring routes of real ones, with their habits and faults."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from typing import Any

import httpx2

VOCABULARY = ["<|end|>", "<think>", "</think>", "<user>", "<bot>", *(f" w{i}" for i in range(43))]
PREFIX = [3, 7, 4]


def logprobs(ids: Sequence[int]) -> list[float]:
    """The distribution after these tokens, nats."""
    rng = random.Random(str(list(ids[-3:])))
    logits = [rng.gauss(0.0, 2.0) for _ in VOCABULARY]
    top = max(logits)
    total = math.log(sum(math.exp(x - top) for x in logits)) + top
    return [x - total for x in logits]


def best(values: Sequence[float], k: int) -> list[int]:
    return sorted(range(len(values)), key=lambda i: -values[i])[:k]


def draw(values: Sequence[float], rng: random.Random) -> int:
    return rng.choices(range(len(values)), [math.exp(v) for v in values])[0]


class LlamaServer:
    """llama-server's native routes."""

    def __init__(self, *, biased: bool = True) -> None:
        self.biased = biased
        self.bodies: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        self.bodies.append((path, body))
        if path == "/apply-template":
            return httpx2.Response(200, json={"prompt": "<user>hello<bot>"})
        if path == "/tokenize":
            ids = PREFIX if "<bot>" in body["content"] else [5, 6]
            return httpx2.Response(200, json={"tokens": ids})
        if path != "/completion":
            return httpx2.Response(404, json={"error": {"message": "File Not Found"}})
        ids, rows = list(body["prompt"]), []
        rng = random.Random(body["seed"])
        forced = dict(body.get("logit_bias", [])) if self.biased else {}
        for _ in range(body["n_predict"]):
            values = logprobs(ids)
            token = max(forced, key=lambda one: forced[one]) if forced else draw(values, rng)
            rows.append(
                self.entry(token, values[token])
                | {"top_logprobs": [self.entry(one, values[one]) for one in best(values, body["n_probs"])]}
            )
            ids.append(token)
            if token == 0:
                break
        text = "".join(row["token"] for row in rows)
        stop = "eos" if ids[-1] == 0 else "limit"
        return httpx2.Response(200, json={"content": text, "completion_probabilities": rows, "stop_type": stop})

    @staticmethod
    def entry(token: int, value: float) -> dict[str, Any]:
        text = "" if token < 5 else VOCABULARY[token]
        return {"id": token, "token": text, "bytes": list(text.encode()), "logprob": value}


class SglangServer:
    """SGLang's /tokenize and /generate. Old ones do not know ``token_ids_logprob``."""

    def __init__(self, *, targeted: bool = True) -> None:
        self.targeted = targeted

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        if path == "/tokenize":
            return httpx2.Response(200, json={"tokens": PREFIX if "messages" in body else [5, 6], "count": 3})
        if path != "/generate":
            return httpx2.Response(404, json={"detail": "Not Found"})
        ids, k, params = list(body["input_ids"]), body["top_logprobs_num"], body["sampling_params"]
        meta: dict[str, Any] = {"prompt_tokens": len(ids), "finish_reason": {"type": "length"}}
        if "logprob_start_len" in body:
            places = range(body["logprob_start_len"], len(ids))
            rows = [(ids[t], logprobs(ids[:t])) for t in places]
            meta["input_token_logprobs"] = [[values[one], one, VOCABULARY[one]] for one, values in rows]
            meta["input_token_logprobs"][0][0] = None
            meta["input_top_logprobs"] = [
                [[values[one], one, None] for one in best(values, k)] if place else None
                for place, (_, values) in enumerate(rows)
            ]
            if self.targeted and (wanted := body.get("token_ids_logprob")):
                # One list for all positions; the first has no context.
                meta["input_token_ids_logprobs"] = [
                    [[values[one], one, None] for one in wanted] if place else None
                    for place, (_, values) in enumerate(rows)
                ]
        rng = random.Random(params.get("sampling_seed", 0))
        own, tops, made = [], [], list[int]()
        for _ in range(params["max_new_tokens"]):
            values = logprobs([*ids, *made])
            token = draw(values, rng)
            own.append([values[token], token, VOCABULARY[token]])
            tops.append([[values[one], one, VOCABULARY[one]] for one in best(values, k)])
            made.append(token)
        meta |= {"output_token_logprobs": own, "output_top_logprobs": tops, "completion_tokens": len(made)}
        return httpx2.Response(200, json={"text": "".join(VOCABULARY[one] for one in made), "meta_info": meta})


class CompletionsServer:
    """An OpenAI-compatible server with token ids in and out.

    Args:
        prompt_logprobs: whether it knows vLLM's field (else it is ignored, as unknown fields are).
        echo: "right", "shifted" (each prompt token scored with the row of the next, as one server was seen to do), or "".
        bias: whether logit_bias shows in the logprobs.
        targeted: whether it knows vLLM's ``logprob_token_ids`` (else it is ignored).
    """

    def __init__(
        self,
        *,
        prompt_logprobs: bool = True,
        echo: str = "right",
        bias: bool = False,
        ids: bool = True,
        targeted: bool = True,
    ) -> None:
        self.prompt_logprobs, self.echo, self.bias, self.ids = prompt_logprobs, echo, bias, ids
        self.targeted = targeted

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        if path == "/v1/chat/completions":
            message = {"role": "assistant", "content": "hi"}
            choice = {"index": 0, "message": message, "finish_reason": "length"}
            extra = {"prompt_token_ids": PREFIX} if self.ids else {}
            return httpx2.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 3}, **extra})
        if path != "/v1/completions":
            return httpx2.Response(404, json={"detail": "Not Found"})
        return httpx2.Response(200, json=self.complete(body))

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt = [5, 6] if isinstance(body["prompt"], str) else list(body["prompt"])
        rng = random.Random(body.get("seed", 0))
        made: list[int] = []
        rows: list[tuple[int, list[float]]] = []
        bias = {int(one): add for one, add in body.get("logit_bias", {}).items()}
        for _ in range(body["max_tokens"]):
            values = logprobs([*prompt, *made])
            token = next(iter(bias)) if bias else draw(values, rng)
            if bias and self.bias:
                values = [0.0 if one == token else -9000.0 for one in range(len(values))]
            rows.append((token, values))
            made.append(token)
        if self.echo and body.get("echo"):
            shift = 1 if self.echo == "shifted" else 0
            given = [(one, logprobs(prompt[: t + shift])) for t, one in enumerate(prompt)]
            rows = [*given, *rows]
        choice: dict[str, Any] = {
            "index": 0,
            "text": "".join(VOCABULARY[one] for one in made),
            "finish_reason": "length",
        }
        if (k := body.get("logprobs")) is not None:
            wanted = body.get("logprob_token_ids") if self.targeted else None
            choice["logprobs"] = {
                "tokens": [f"token_id:{one}" for one, _ in rows],
                "token_logprobs": [values[one] for one, values in rows],
                "top_logprobs": [
                    {f"token_id:{one}": values[one] for one in {*(wanted or best(values, k)), token}}
                    for token, values in rows
                ],
            }
            if body.get("echo"):
                choice["logprobs"]["token_logprobs"][0] = choice["logprobs"]["top_logprobs"][0] = None
        if self.ids:
            choice |= {"token_ids": made, "prompt_token_ids": prompt}
        if self.prompt_logprobs and (k := body.get("prompt_logprobs")) is not None:
            listed: list[Any] = [None]
            for t, one in list(enumerate(prompt))[1:]:
                values = logprobs(prompt[:t])
                entries = {x: {"logprob": values[x], "decoded_token": VOCABULARY[x]} for x in {*best(values, k), one}}
                listed.append({str(x): entries[x] for x in sorted(entries)})
            choice["prompt_logprobs"] = listed
        return {"choices": [choice], "usage": {"prompt_tokens": len(prompt), "completion_tokens": len(made)}}


class TgiServer:
    """text-generation-inference's own routes, bodies as in its docs/openapi.json. It adds <user> as a beginning of text."""

    def __init__(self, *, prefill: bool = True) -> None:
        self.prefill = prefill

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        if path == "/chat_tokenize":
            text = "<user> w2<bot>"
            return httpx2.Response(
                200, json={"templated_text": text, "tokenize_response": [self.token(i) for i in cut(text)]}
            )
        if path == "/tokenize":
            ids = [3, *cut(body["inputs"])]
            return httpx2.Response(200, json=[{**self.token(i), "start": 0, "stop": 0} for i in ids])
        if path != "/generate":
            return httpx2.Response(404, json={"error": "Not Found"})
        ids, asked = [3, *cut(body["inputs"])], body["parameters"]
        rng = random.Random(asked.get("seed", 0))
        details: dict[str, Any] = {"finish_reason": "length", "best_of_sequences": None, "seed": asked.get("seed")}
        details["prefill"] = []
        if asked.get("decoder_input_details") and self.prefill:
            details["prefill"] = [
                {**self.token(one), "logprob": logprobs(ids[:t])[one] if t else None} for t, one in enumerate(ids)
            ]
        made, tops = list[int](), []
        for _ in range(asked["max_new_tokens"]):
            values = logprobs([*ids, *made])
            made.append(draw(values, rng))
            tops.append([{**self.token(i), "logprob": values[i]} for i in best(values, asked.get("top_n_tokens", 0))])
        details |= {
            "generated_tokens": len(made),
            "tokens": [
                {**self.token(one), "logprob": logprobs([*ids, *made[:t]])[one], "special": one < 5}
                for t, one in enumerate(made)
            ],
            "top_tokens": tops,
        }
        text = "".join(VOCABULARY[one] for one in made if one >= 5)
        return httpx2.Response(200, json={"generated_text": text, "details": details})

    @staticmethod
    def token(one: int) -> dict[str, Any]:
        return {"id": one, "text": VOCABULARY[one]}


def cut(text: str) -> list[int]:
    """The ids of a text of the vocabulary's tokens."""
    ids = []
    while text:
        one = max((i for i, piece in enumerate(VOCABULARY) if text.startswith(piece)), key=lambda i: len(VOCABULARY[i]))
        ids.append(one)
        text = text.removeprefix(VOCABULARY[one])
    return ids


class TogetherServer:
    """Together: the echoed prompt under ``prompt``, parallel lists without alternatives (SDK 3.1's types)."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        assert isinstance(body.get("logprobs"), int)
        assert not isinstance(body["logprobs"], bool)
        prompt = "<user> w2<bot>" if path.endswith("/chat/completions") else body["prompt"]
        ids = cut(prompt)
        rng = random.Random(body.get("seed", 0))
        made: list[int] = []
        for _ in range(body["max_tokens"]):
            made.append(draw(logprobs([*ids, *made]), rng))
        whole = [*ids, *made]
        values = [logprobs(whole[:t])[one] if t else None for t, one in enumerate(whole)]

        def listed(some: slice) -> dict[str, Any]:
            tokens = whole[some]
            return {"tokens": [VOCABULARY[i] for i in tokens], "token_ids": tokens, "token_logprobs": values[some]}

        text = "".join(VOCABULARY[one] for one in made)
        choice: dict[str, Any] = {"logprobs": listed(slice(len(ids), None)), "finish_reason": "length"}
        choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        echoed = [{"text": prompt, "logprobs": listed(slice(0, len(ids)))}] if body.get("echo") else []
        used = {"prompt_tokens": len(ids), "completion_tokens": len(made)}
        return httpx2.Response(200, json={"id": "t", "choices": [choice], "prompt": echoed, "usage": used})


class FireworksServer:
    """Fireworks: ids in, OpenAI's chat shape with ids out (SDK types of completions and chat), at most 5 alternatives."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        if path.endswith("/chat/completions"):
            message = {"role": "assistant", "content": "hi"}
            choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "length", "token_ids": [9]}
            return httpx2.Response(200, json={"choices": [choice], "prompt_token_ids": PREFIX, "usage": {}})
        k = body.get("top_logprobs", 0)
        if k > 5:
            return httpx2.Response(400, json={"error": {"message": "top_logprobs must be at most 5"}})
        ids = [5, 6] if isinstance(body["prompt"], str) else list(body["prompt"])
        rng = random.Random(body.get("seed", 0))
        made: list[int] = []
        for _ in range(body["max_tokens"]):
            made.append(draw(logprobs([*ids, *made]), rng))
        whole, back = [*ids, *made], body.get("echo_last", 0)
        content = []
        for t in range(len(ids) - back, len(whole)):
            values, own = logprobs(whole[:t]), whole[t]
            order = list(dict.fromkeys((*best(values, k), own)))
            content.append(
                self.entry(own, values) | {"text_offset": t, "top_logprobs": [self.entry(i, values) for i in order]}
            )
        choice = {"index": 0, "text": "".join(VOCABULARY[i] for i in made), "finish_reason": "length"}
        choice |= {"token_ids": made, "prompt_token_ids": ids, "logprobs": {"content": content}}
        used = {"prompt_tokens": len(ids), "completion_tokens": len(made)}
        return httpx2.Response(200, json={"id": "f", "choices": [choice], "usage": used})

    @staticmethod
    def entry(one: int, values: Sequence[float]) -> dict[str, Any]:
        text = VOCABULARY[one]
        return {"token": text, "bytes": list(text.encode()), "logprob": values[one], "token_id": one}


class ChatServer:
    """vLLM with nothing but its chat route: messages are continued on request, and told as ids."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content or b"{}")
        if path != "/v1/chat/completions":
            return httpx2.Response(404, json={"detail": "Not Found"})
        last = body["messages"][-1]
        ids = list(PREFIX)
        if last["role"] == "assistant":
            assert body["continue_final_message"] is True
            assert body["add_generation_prompt"] is False
            # Templates take the space at an end off: then the text is cut into other tokens.
            ids += cut(last["content"].rstrip())
        rng = random.Random(body.get("seed", 0))
        bias = {int(one): add for one, add in body.get("logit_bias", {}).items()}
        k, made, content = body.get("top_logprobs", 1), list[int](), []
        for _ in range(body["max_tokens"]):
            values = logprobs([*ids, *made])
            own = next(iter(bias)) if bias else draw(values, rng)
            order = list(dict.fromkeys((own, *best(values, k))))[:k]
            names = [{"token": f"token_id:{i}", "logprob": values[i], "bytes": []} for i in order]
            raw = list(VOCABULARY[own].encode())
            content.append({"token": f"token_id:{own}", "logprob": values[own], "bytes": raw, "top_logprobs": names})
            made.append(own)
        message = {"role": "assistant", "content": "".join(VOCABULARY[i] for i in made)}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        choice |= {"token_ids": made, "logprobs": {"content": content}}
        return httpx2.Response(200, json={"choices": [choice], "prompt_token_ids": ids, "usage": {}})
