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
