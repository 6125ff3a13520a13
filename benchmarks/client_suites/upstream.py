"""An upstream of chat completions and completions, whole or streamed, over a `ScriptedModel`.

.venv/bin/python -m benchmarks.client_suites.upstream --port 8001 [--calls '{"tool": {}}']
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.client_suites.scripted_model import ANSWER, ScriptedModel

Object = Mapping[str, Any]

MODEL = "scripted"


def application(model: ScriptedModel, seen: list[Object] | None = None) -> Starlette:
    """The server.

    Args:
        model: what answers.
        seen: bodies of requests for chat completions are added to it.
    """

    async def chat(request: Request) -> Response:
        body = await request.json()
        if seen is not None:
            seen.append(body)
        return _sent(body, chat_completion(model, body))

    async def text(request: Request) -> Response:
        body = await request.json()
        return _sent(body, completion(body))

    async def models(request: Request) -> Response:
        listed = {"id": MODEL, "object": "model", "created": 0, "owned_by": "benchmarks"}
        return JSONResponse({"object": "list", "data": [listed]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/completions", text, methods=["POST"]),
            Route("/v1/models", models),
        ]
    )


def chat_completion(model: ScriptedModel, body: Object) -> dict[str, Any]:
    """OpenAI's chat completion of `n` choices."""
    n = body.get("n") or 1
    choices = []
    for index in range(n):
        message, reason = model.choice(body, index, n)
        logprobs = _logprobs(message["content"] or "") if body.get("logprobs") else None
        choices.append(
            {"index": index, "message": message, "finish_reason": reason, "logprobs": logprobs}
        )
    return {"object": "chat.completion", **_around(n, 12), "choices": choices}


def completion(body: Object) -> dict[str, Any]:
    """OpenAI's completion, of `n` choices for each prompt."""
    n = body.get("n") or 1
    prompts = body["prompt"]
    count = len(prompts) if isinstance(prompts, list) and not isinstance(prompts[0], int) else 1
    asked = prompts if isinstance(prompts, list) and count > 1 else [prompts]
    choices = []
    for index in range(n * count):
        prompt = asked[index // n]
        prefix = prompt if body.get("echo") and isinstance(prompt, str) else ""
        text, reason = ANSWER, "stop"
        if index % n == 0 and n > 1:
            text, reason = ANSWER[: len(ANSWER) // 2], "length"
        logprobs = None
        if body.get("logprobs") is not None:
            logprobs = _text_logprobs(prefix + text, echo=bool(body.get("echo")))
        choices.append(
            {"index": index, "text": prefix + text, "finish_reason": reason, "logprobs": logprobs}
        )
    return {"object": "text_completion", **_around(n * count, 12), "choices": choices}


def _around(choices: int, tokens: int) -> dict[str, Any]:
    usage = {
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
        "prompt_tokens": 20,
        "completion_tokens": choices * tokens,
        "total_tokens": 20 + choices * tokens,
    }
    return {"id": "scripted-1", "created": 1, "model": MODEL, "usage": usage}


def _logprobs(text: str) -> dict[str, Any]:
    tokens = [
        {"token": word, "logprob": -0.1, "bytes": list(word.encode()), "top_logprobs": []}
        for word in text.split(" ")
    ]
    return {"content": tokens, "refusal": None}


def _text_logprobs(text: str, *, echo: bool) -> dict[str, Any]:
    words = text.split(" ")
    offsets = [len(" ".join(words[:place])) for place in range(len(words))]
    return {
        "tokens": words,
        # Before the first token of a prompt there is nothing it could be likely after.
        "token_logprobs": [None if echo and not at else -0.1 for at in range(len(words))],
        "top_logprobs": [
            None if echo and not at else {word: -0.1} for at, word in enumerate(words)
        ],
        "text_offset": offsets,
    }


def _sent(body: Object, whole: dict[str, Any]) -> Response:
    """The completion as the request wants it."""
    if not body.get("stream"):
        return JSONResponse(whole)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    lines = [*(json.dumps(chunk) for chunk in _chunks(whole, usage=usage)), "[DONE]"]
    events = (f"data: {line}\n\n" for line in lines)
    return StreamingResponse(events, media_type="text/event-stream")


def _chunks(whole: Object, *, usage: bool) -> Iterator[dict[str, Any]]:
    chat = whole["object"] == "chat.completion"
    kind = "chat.completion.chunk" if chat else whole["object"]
    head = {**{name: whole[name] for name in ("id", "created", "model")}, "object": kind}
    for choice in whole["choices"]:
        index = {"index": choice["index"]}
        reason = {"finish_reason": choice["finish_reason"]}
        if not chat:
            yield {**head, "choices": [{**index, "text": choice["text"], **reason}]}
            continue
        message = choice["message"]
        words = _words(message["content"] or "")
        yield {**head, "choices": [{**index, "delta": {"role": "assistant"}}]}
        for word in words:
            yield {**head, "choices": [{**index, "delta": {"content": word}}]}
        for place, call in enumerate(message.get("tool_calls", ())):
            yield {
                **head,
                "choices": [{**index, "delta": {"tool_calls": [{"index": place, **call}]}}],
            }
        yield {**head, "choices": [{**index, "delta": {}, **reason}]}
    if usage:
        yield {**head, "choices": [], "usage": whole["usage"]}


def _words(text: str) -> list[str]:
    """A text in words, each with the space after it."""
    return [word for word in text.replace(" ", " \0").split("\0") if word]


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--calls", type=json.loads, default={}, help="see ScriptedModel")
    arguments = parser.parse_args()
    model = ScriptedModel(arguments.calls)
    uvicorn.run(application(model), port=arguments.port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
