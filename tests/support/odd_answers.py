"""Answers of servers that are not quite OpenAI's: each by a name, as a function of how many are
asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

GOOD = "Trees are tall plants."
CUT = "Trees are tall plants. They live long and many spec"
FENCE = "```python\nprint(1"
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def choice(at: int, content: Any = GOOD, finish: Any = "stop", **fields: Any) -> dict[str, Any]:
    """A choice; `content` None and further fields of the message are left out of it."""
    message = {"role": "assistant", "content": content, **fields.pop("message", {})}
    return {"index": at, "message": message, "finish_reason": finish, **fields}


def without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping without these members."""
    return {name: value for name, value in mapping.items() if name not in names}


def answer(given: list[Any], /, **fields: Any) -> dict[str, Any]:
    """A completion."""
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    head = {"id": "x", "object": "chat.completion", "created": 1, "model": "stub"}
    return {**head, "choices": given, "usage": usage, **fields}


def sent(value: Any) -> Response:
    """It, as a body of JSON; NaN and halves of surrogate pairs as Python writes them."""
    return Response(json.dumps(value), media_type="application/json")


def _all(**fields: Any) -> Callable[[int], dict[str, Any]]:
    return lambda n: answer([choice(at, **fields) for at in range(n)])


def _first(**fields: Any) -> Callable[[int], dict[str, Any]]:
    """The first choice is odd, the others are not."""
    return lambda n: answer([choice(at, **(fields if at == 0 else {})) for at in range(n)])


def _replaced(odd: Any) -> Callable[[int], dict[str, Any]]:
    return lambda n: answer([odd, *(choice(at) for at in range(1, n))])


def _logprob(value: float) -> dict[str, Any]:
    return {"content": [{"token": "a", "logprob": value, "top_logprobs": []}]}


def _message(**message: Any) -> Callable[[int], dict[str, Any]]:
    return lambda n: answer([{"message": message, "finish_reason": "stop"} for _ in range(n)])


WHOLE: Mapping[str, Callable[[int], Any]] = {
    "no role": _message(content=GOOD),
    "no index": lambda n: answer([without(choice(at), "index") for at in range(n)]),
    "the same index": lambda n: answer([choice(0) for _ in range(n)]),
    "text and message": _all(text="x"),
    "more than was asked": lambda n: answer([choice(at) for at in range(n + 2)]),
    "logprobs are a list": _all(logprobs=[]),
    "logprobs without content": _all(logprobs={"content": None}),
    "tool calls are an empty list": _all(message={"tool_calls": []}),
    "fields that are null": _all(message={"annotations": [], "audio": None, "refusal": None}),
    "parts": _all(content=[{"type": "text", "text": GOOD}]),
    "parts of the responses API": _all(content=[{"type": "output_text", "text": GOOD}]),
    "a part that is a string": _all(content=[GOOD]),
    "thoughts and text": _all(
        content=[
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": GOOD},
        ]
    ),
    "a part without text": _all(
        content=[{"type": "text", "text": None}, {"type": "text", "text": GOOD}]
    ),
    "a part that is a number": _all(
        content=[{"type": "text", "text": 5}, 7, {"type": "text", "text": GOOD}]
    ),
    "NaN": _all(logprobs=_logprob(float("nan"))),
    "minus infinity": _all(logprobs=_logprob(float("-inf"))),
    "an integer of 5,000 digits": _all(stop_reason=10**4000),
    "usage is null": lambda n: answer([choice(at) for at in range(n)], usage=None),
    "usage is a list": lambda n: answer([choice(at) for at in range(n)], usage=[]),
    **{
        f"the finish reason {word!r}": _all(finish=word)
        for word in ("eos_token", "eos", "STOP", "end_turn", "stop_sequence", "COMPLETE", None, "")
    },
}
"""All choices hold `GOOD`, and all are accepted."""

ONE_ODD: Mapping[str, tuple[Callable[[int], Any], str]] = {
    "it is null": (_replaced(None), "failed"),
    "it is a string": (_replaced("hi"), "failed"),
    "no message": (_replaced({"index": 0, "finish_reason": "stop"}), "failed"),
    "the message is a string": (_replaced({"message": "hi", "finish_reason": "stop"}), "failed"),
    "the content is a number": (_first(content=5), "failed"),
    "the content is an object": (_first(content={"a": 1}), "failed"),
    "the content is null": (_first(content=None), "rejected"),
    "the only part has no text": (_first(content=[{"type": "text", "text": None}]), "rejected"),
    "the type of a part is a list": (_first(content=[{"type": ["t"], "text": GOOD}]), "failed"),
    "the type of a part is an object": (_first(content=[{"type": {}, "text": GOOD}]), "failed"),
    "only thoughts": (_first(content=[{"type": "thinking", "thinking": "Hm."}]), "rejected"),
    "an error of its own": (_first(error={"message": "provider failed"}), "failed"),
    "the finish reason error": (_first(finish="error"), "failed"),
    "tool calls are a string": (_first(message={"tool_calls": "f()"}), "failed"),
    "a tool call without a name": (
        _first(message={"tool_calls": [{"type": "function", "function": {}}]}),
        "failed",
    ),
    "half of a surrogate pair": (_first(content="Half \ud83d pair."), "rejected"),
    "nested without end": (
        _first(stop_reason=json.loads("[" * 200 + "]" * 200)),
        "failed",
    ),
    **{
        f"cut off, and the finish reason is {word!r}": (
            _first(content=CUT, finish=word),
            "rejected",
        )
        for word in ("max_tokens", "MAX_TOKENS", "model_length", "Length", "max-tokens")
    },
    **{
        f"an open fence, and the finish reason is {word!r}": (
            _first(content=FENCE, finish=word),
            "rejected",
        )
        for word in ("", None, "eos_token", "something new", 5)
    },
}
"""(the first of the choices is odd, what becomes of it)."""

NO_ANSWER: Mapping[str, tuple[Response, int]] = {
    "HTML": (Response("<html>ok</html>", media_type="text/html"), 502),
    "no choices": (sent(answer([])), 502),
    "choices are null": (sent(answer([], choices=None)), 502),
    "a list": (sent([1]), 502),
    "nested too deeply": (Response("[" * 100_000, media_type="application/json"), 502),
    "an error with status 200": (sent({"error": {"message": "overloaded", "code": 503}}), 502),
    "an error with status 200 that is text": (sent({"error": "quota of sk-secret-1"}), 502),
    "choices null and an error": (
        sent(answer([], choices=None, error={"message": "quota", "code": 429})),
        429,
    ),
    "a rate limit with status 200": (sent({"error": {"type": "rate_limit_error"}}), 429),
    "a refusal with status 200": (
        sent({"error": {"message": "bad", "type": "invalid_request_error"}}),
        400,
    ),
    "vLLM's error": (sent({"object": "error", "message": "bad thing", "code": 400}), 400),
}
"""(a body, the status that the client gets)."""

STATUSES: Mapping[str, tuple[int, Any, int, str]] = {
    "vLLM": (400, {"object": "error", "message": "bad thing", "code": 400}, 400, "status 400"),
    "FastAPI": (
        422,
        {"detail": [{"loc": ["body", "messages"], "msg": "not permitted"}]},
        400,
        "messages",
    ),
    "TGI": (422, {"error": "`inputs` must have less than 4096 tokens"}, 400, "longer"),
    "no model": (404, {"error": {"message": "no such model"}}, 400, "does not serve the model"),
    "a context": (400, {"error": {"code": "context_length_exceeded"}}, 400, "longer"),
    "too large": (413, "<html>413</html>", 400, "status 413"),
    "a wrong key": (401, {"error": {"message": "Bearer sk-secret-1"}}, 502, "the server's key"),
    "forbidden": (403, {"error": {"message": "blocked sk-secret-1"}}, 502, "the server's key"),
    "no credit": (402, {"error": {"message": "sk-secret-1 is empty"}}, 502, "402 (Payment"),
    "a crash": (501, {"error": {"message": "key: sk-secret-1"}}, 502, "501 (Not"),
    "a status of its own": (599, {"error": {"message": "sk-secret-1"}}, 502, "answers 599"),
}
"""(status, body, the client's status, what its message holds)."""
