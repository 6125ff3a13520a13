"""A broken tool call, or output that misfits its schema, beside three good ones: a good one wins,
and the bad one has its reason, over an engine here and over an upstream, streamed and not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from bestofn import Pipeline, Request, Settings
from bestofn.builders.pipeline import build_filters
from bestofn.core.protocols import Generator
from bestofn.generators.openai import openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.serving import client_of
from tests.support.upstream import Upstream, running

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]}
SHAPE = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": CITY}}
STRUCTURED = {"response_format": SHAPE}


def calling(arguments: Any, name: str = "weather") -> dict[str, Any]:
    """A message that calls the tool."""
    function = {"name": name, "arguments": arguments}
    calls = [{"id": "c1", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def saying(text: str) -> dict[str, Any]:
    """A message with this content."""
    return {"role": "assistant", "content": text}


CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (TOOLS, calling('{"city": "Par'), "invalid_arguments"),
    (TOOLS, calling("true"), "invalid_arguments"),
    (TOOLS, calling('"Paris"'), "invalid_arguments"),
    (TOOLS, calling('["Paris"]'), "invalid_arguments"),
    (TOOLS, calling(""), "invalid_arguments"),
    (TOOLS, calling('{"city": "Paris"} and so on'), "invalid_arguments"),
    (TOOLS, calling('{"town": 5}'), "arguments_mismatch"),
    (TOOLS, calling('{"city": 5}'), "arguments_mismatch"),
    (TOOLS, calling('{"city": "Paris"}', "rockets"), "unknown_tool"),
    (TOOLS, calling(json.dumps({"city": "very nice and " * 30})), "exact_loop"),
    (STRUCTURED, saying('{"b": 1}'), "schema_mismatch"),
    (STRUCTURED, saying('{"city": 5}'), "schema_mismatch"),
    (STRUCTURED, saying('["Paris"]'), "schema_mismatch"),
    (STRUCTURED, saying('{"city": "Par'), "invalid_json"),
    (STRUCTURED, saying('{"city": "Paris"} and so on'), "invalid_json"),
    (STRUCTURED, saying("It is Paris."), "invalid_json"),
]
GOOD = {"tools": calling('{"city": "Paris"}'), "response_format": saying('{"city": "Paris"}')}


def finish_reason(message: dict[str, Any]) -> str:
    """What a gateway says of a message, whether its call is whole or not."""
    return "tool_calls" if message.get("tool_calls") else "stop"


def message_of(prompt: str, index: int) -> dict[str, Any]:
    """Candidate `index` of the case whose number is the prompt: the first is bad."""
    fields, bad, _ = CASES[int(prompt)]
    return bad if index == 0 else GOOD[next(iter(fields))]


def fake(request: Request, index: int) -> FakeCompletion:
    """What an engine here gives."""
    message = message_of(request.last_user_text, index)
    return FakeCompletion(message=message, finish_reason=finish_reason(message))


def answer_of(body: dict[str, Any]) -> Response:
    """What an upstream answers."""
    prompt = body["messages"][-1]["content"]
    messages = [message_of(prompt, index) for index in range(body.get("n", 1))]
    choices = [
        {"index": index, "message": message, "finish_reason": finish_reason(message)}
        for index, message in enumerate(messages)
    ]
    return JSONResponse({"choices": choices, "usage": {"prompt_tokens": 3}})


@contextlib.asynccontextmanager
async def generator_of(*, upstream: bool) -> AsyncIterator[Generator]:
    """What gives the cases' messages."""
    if not upstream:
        yield FakeGenerator(fake)
        return
    with running(Upstream(answer_of)) as stub:
        async with openai_generator(stub.url) as generator:
            yield generator


def app_over(generator: Generator) -> FastAPI:
    """The service over it, whose reward model likes the first candidate best."""
    rewards = FakeRewardModel(lambda request, candidate: 9.0 if candidate.index == 0 else 1.0)
    filters = build_filters(Settings().filters)
    return create_app(Settings(best_of=4), Pipeline(generator, ArgmaxSelector(), filters, rewards))


def report_of(answer: httpx.Response, *, stream: bool) -> dict[str, Any]:
    """The object `bestofn` of an answer."""
    assert answer.status_code == 200, answer.text
    said: dict[str, Any]
    if stream:
        *events, last = answer.text.removesuffix("\n\n").split("\n\n")
        assert last == "data: [DONE]"
        said = json.loads(events[-1].removeprefix("data: "))
    else:
        said = answer.json()
    report: dict[str, Any] = said["bestofn"]
    return report


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("upstream", [False, True], ids=["here", "upstream"])
async def test_a_broken_one_never_wins(upstream: bool, stream: bool) -> None:
    async with (
        generator_of(upstream=upstream) as generator,
        client_of(app_over(generator)) as client,
    ):
        for number, (fields, bad, reason) in enumerate(CASES):
            asked = [{"role": "user", "content": str(number)}]
            body = {"messages": asked, "stream": stream, **fields}
            report = report_of(await client.post(CHAT, json=body), stream=stream)
            assert report["winner"] != 0, bad
            if upstream and bad == calling(""):  # read as {}, as OpenAI's own clients send it
                reason = "arguments_mismatch"
            assert report["rejected"] == {reason: 1}, bad
            assert report["accepted"] == 3, bad
