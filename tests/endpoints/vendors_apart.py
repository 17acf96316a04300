"""Stand-ins for the servers whose format is not chat completions: Anthropic, OpenAI's Responses, TGI's /generate."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from auditor.records import EndpointSpec
from tests.endpoints.support import ok
from tests.endpoints.vendors import (
    TRACE,
    WORDS,
    XAI,
    Azure,
    DeepSeek,
    Fireworks,
    Gemini,
    Groq,
    LmStudio,
    Mistral,
    Ollama,
    OpenAI,
    OpenRouter,
    Together,
    Vendor,
    hosted,
    refusal,
    sse,
)


class Anthropic(Vendor):
    source = "Anthropic's API reference"
    spec = hosted("anthropic", "claude-sonnet-4-6")

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content) if request.content else {}
        if request.url.path.endswith("/models"):
            row = {
                "id": self.spec.model,
                "type": "model",
                "display_name": "Claude",
                "created_at": "2026-01-01T00:00:00Z",
            }
            return ok({"data": [row], "has_more": False, "first_id": row["id"], "last_id": row["id"]})
        return self.reply(body)

    def reply(self, body: dict[str, Any]) -> httpx2.Response:
        thought = body.get("thinking", {}).get("type") in {"adaptive", "enabled"}
        content: list[dict[str, Any]] = []
        if thought:
            content.append({"type": "thinking", "thinking": TRACE, "signature": "c2lnbmF0dXJl"})
        text = '{"zq_label": "m4", "zq_sure": true}' if "output_config" in body else self.words(body)
        content.append({"type": "text", "text": text})
        usage = {
            "input_tokens": 18,
            "output_tokens": 30,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        }
        message = {
            "id": "msg_0",
            "type": "message",
            "role": "assistant",
            "model": self.spec.model,
            "content": content,
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }
        return self.events(message) if body.get("stream") else ok(message)

    def events(self, message: dict[str, Any]) -> httpx2.Response:
        start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
        for index, block in enumerate(message["content"]):
            field = block["type"]
            empty = {**block, field: ""}
            events.append({"type": "content_block_start", "index": index, "content_block": empty})
            half = len(block[field]) // 2
            for part in (block[field][:half], block[field][half:]):
                delta = {"type": f"{field}_delta", field: part}
                events.append({"type": "content_block_delta", "index": index, "delta": delta})
            events.append({"type": "content_block_stop", "index": index})
        ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        events += [{"type": "message_delta", "delta": ending, "usage": {"output_tokens": 30}}, {"type": "message_stop"}]
        return sse(*events)


class OpenAIResponses(Vendor):
    source = "OpenAI's API reference (Responses)"
    spec = hosted("openai-responses", "gpt-5.2")

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.endswith("/responses"):
            return super().__call__(request)
        body = json.loads(request.content)
        effort = body.get("reasoning", {}).get("effort")
        if effort != "none" and ({"temperature", "top_p", "top_logprobs"} & body.keys()):
            said = "Unsupported parameter: 'temperature' is not supported with this model."
            return refusal(400, said, param="temperature", code="unsupported_parameter")
        return self.reply(body, thought=effort not in {None, "none"})

    def asked(self, body: dict[str, Any]) -> Any:
        return body["input"][-1]["content"]

    def reply(self, body: dict[str, Any], *, thought: bool) -> httpx2.Response:
        form = body.get("text", {}).get("format", {}).get("type")
        answer = '{"zq_label": "m4", "zq_sure": true}' if form == "json_schema" else self.words(body)
        output: list[dict[str, Any]] = []
        if thought:
            summary = [{"type": "summary_text", "text": TRACE}]
            output.append({"id": "rs_0", "type": "reasoning", "summary": summary})
        tokens = self.tokens(body, answer)
        k = body.get("top_logprobs")
        part: dict[str, Any] = {"type": "output_text", "text": "".join(tokens), "annotations": []}
        if k is not None:
            part["logprobs"] = self.positions(tokens, k)
        output.append({"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "content": [part]})
        response = {
            "id": "resp_0",
            "object": "response",
            "created_at": 0,
            "model": self.spec.model,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 18,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 12 if thought else 0},
                "total_tokens": 38,
            },
        }
        if not body.get("stream"):
            return ok(response)
        begun = {**response, "status": "in_progress", "output": []}
        place = {"item_id": "msg_0", "output_index": len(output) - 1, "content_index": 0}
        return sse(
            {"type": "response.created", "sequence_number": 0, "response": begun},
            {
                "type": "response.output_text.delta",
                "sequence_number": 1,
                **place,
                "delta": part["text"],
                "logprobs": [],
            },
            {"type": "response.completed", "sequence_number": 2, "response": response},
        )


class Tgi(Vendor):
    source = "Hugging Face's openapi.json and router source"
    spec = EndpointSpec("http://127.0.0.1:3000/v1", "tgi", "tgi")
    owner, fingerprint, most = "vendor/model", "3.3.4-sha-4f067c2", 5

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if body.get("top_p") == 1.0:
            said = "Input validation error: `top_p` must be > 0.0 and < 1.0"
            return httpx2.Response(422, json={"error": said, "error_type": "validation"})
        k = self.alternatives(body) or 0
        if k > self.most:
            said = f"Input validation error: `top_n_tokens` must be >= 0 and <= {self.most}. Given: {k}"
            return httpx2.Response(422, json={"error": said, "error_type": "validation"})
        return None

    def entry(self, index: int) -> dict[str, Any]:
        return {k: v for k, v in super().entry(index).items() if k != "bytes"}

    def positions(self, tokens: list[str], k: int) -> list[dict[str, Any]]:
        rows = super().positions(tokens, k)
        for row in rows:
            for one in (row, *row["top_logprobs"]):
                one.pop("bytes", None)
        return rows

    def beside(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        if path == "/info":
            return ok({"model_id": "vendor/model", "version": "3.3.4", "max_top_n_tokens": 5})
        if path == "/tokenize":
            words = body["inputs"].split(" ")
            return ok([{"id": 5 + i, "text": w, "start": 0, "stop": len(w)} for i, w in enumerate(words)])
        return super().beside(path, body)


class Generic(Vendor):
    source = "what OpenAI-compatible servers have in common"
    spec = EndpointSpec("http://127.0.0.1:8765/v1", "some-model")

    def beside(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(404, json={"detail": "Not Found"})


class TgiNative(Tgi):
    spec = EndpointSpec("http://127.0.0.1:3000", "tgi", "tgi-native")

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path, body = request.url.path, json.loads(request.content) if request.content else {}
        if path == "/chat_tokenize":
            said = body["messages"][-1]["content"]
            return ok({"templated_text": f"<s>[INST] {said} [/INST]", "tokenize_response": self.ids("<s>[INST]")})
        if path == "/tokenize":
            # The route adds the beginning that a template writes too.
            return ok(self.ids("<s>" + body["inputs"]) if "[INST]" in body["inputs"] else self.ids(body["inputs"]))
        if path == "/generate":
            return self.generate(body)
        return super().__call__(request)

    def ids(self, text: str) -> list[dict[str, Any]]:
        pieces = [p for p in ("<s>", "[INST]") if text.startswith("<s>") or p != "<s>"]
        return [{"id": 1 + i, "text": p, "start": 0, "stop": len(p)} for i, p in enumerate(pieces)]

    def asked(self, body: dict[str, Any]) -> Any:
        return body["inputs"] if "inputs" in body else super().asked(body)

    def generate(self, body: dict[str, Any]) -> httpx2.Response:
        parameters = body["parameters"]
        k = parameters.get("top_n_tokens", 0)
        if k > self.most or parameters.get("top_p") == 1.0:
            said = f"Input validation error: `top_n_tokens` must be >= 0 and <= {self.most}. Given: {k}"
            return httpx2.Response(422, json={"error": said, "error_type": "validation"})
        answer = self.words({**body, "seed": parameters.get("seed", 0)})
        if "grammar" in parameters:
            answer = '{"zq_label": "m4", "zq_sure": true}'
        tokens = [" a"] if "beach" in body["inputs"] else self.tokens({**body, "messages": [{"content": ""}]}, answer)
        rows = self.positions(tokens, k)
        details: dict[str, Any] = {
            "finish_reason": "eos_token",
            "generated_tokens": len(tokens) + 1,
            "seed": parameters.get("seed"),
            "prefill": [],
            "tokens": [self.told(r) for r in rows] + [{"id": 2, "text": "</s>", "logprob": -0.01, "special": True}],
        }
        if k:
            details["top_tokens"] = [[self.told(t) for t in r["top_logprobs"]] for r in rows] + [[]]
        return ok({"generated_text": "".join(tokens), "details": details})

    def told(self, row: dict[str, Any]) -> dict[str, Any]:
        known = WORDS.index(row["token"]) if row["token"] in WORDS else 999
        return {"id": known, "text": row["token"], "logprob": row["logprob"], "special": False}


DOCUMENTED: dict[str, Vendor] = {
    "generic": Generic(),
    "openai": OpenAI(),
    "openai-responses": OpenAIResponses(),
    "azure": Azure(),
    "anthropic": Anthropic(),
    "openrouter": OpenRouter(),
    "deepseek": DeepSeek(),
    "ollama": Ollama(),
    "tgi": Tgi(),
    "tgi-native": TgiNative(),
    "lmstudio": LmStudio(),
    "together": Together(),
    "fireworks": Fireworks(),
    "groq": Groq(),
    "mistral": Mistral(),
    "xai": XAI(),
    "gemini": Gemini(),
}
"""By the name of their dialect."""
