"""Forwarded streams of an upstream whose events are odd; what the client reads, over sockets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.responses import Response

from bestofn import Pipeline, Settings
from bestofn.generators.openai import openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn_server.app import create_app
from tests.support.odd_answers import GOOD, answer, choice, sent
from tests.support.serving import ask, client_of
from tests.support.upstream import Upstream, running

pytestmark = pytest.mark.model


def _chunk(delta: Any, finish: Any = None, **fields: Any) -> str:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish, **fields}]
    return json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": choices})


WORD, END = _chunk({"content": GOOD}), _chunk({}, "stop")
USAGE = json.dumps({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})


def _events(*data: str, kind: str = "text/event-stream") -> Response:
    return Response("".join(f"data: {each}\n\n" for each in data), media_type=kind)


async def _stream(given: Response, **fields: Any) -> list[Any]:
    """What a client reads in the events of a forwarded stream, [DONE] as text."""
    with running(Upstream(lambda body: given)) as upstream:
        settings = Settings(upstream=upstream.url, reward_model="none")
        async with openai_generator(upstream.url) as generator:
            app = create_app(settings, Pipeline(generator, ArgmaxSelector(), ()))
            async with client_of(app) as client:
                body = ask(stream=True, best_of=1, **fields)
                response = await client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    events = [line for line in response.text.split("\n\n") if line]
    data = [event.removeprefix("data: ") for event in events]
    return [each if each == "[DONE]" else json.loads(each) for each in data]


def _said(events: Sequence[Any]) -> tuple[str, list[str]]:
    """The text, and the finish reasons."""
    assert events[-1] == "[DONE]"
    choices = [choice for event in events[:-1] for choice in event["choices"]]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    return text, [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]


@pytest.mark.parametrize(
    "given",
    [
        _events(WORD, END, "[DONE]"),
        _events(WORD, END, " [DONE] "),
        _events(WORD, END),
        _events("", WORD, "{}", '{"type": "ping"}', END, USAGE, "[DONE]"),
        Response(
            f": hi\n\nevent: ping\ndata: no json\n\ndata: {WORD}\n\nevent: x\ndata: {END}\n\n"
            "data: [DONE]\n\ndata: after the end\n\n",
            media_type="text/event-stream",
        ),
        Response(
            f"data: {WORD}\r\n\r\ndata: {END}\r\n\r\n", media_type="text/event-stream; charset=x"
        ),
        _events(WORD, END, "[DONE]", kind="text/plain"),
        *(
            Response(f"\ufeffdata: {WORD}\n\ndata: {END}\n\ndata: [DONE]\n\n", media_type=kind)
            for kind in ("text/event-stream", "text/event-stream; charset=latin-1", "text/plain")
        ),
        _events(_chunk({"content": [{"type": "text", "text": GOOD}]}), END, "[DONE]"),
        _events(_chunk(None), WORD, _chunk({}, "eos_token"), "[DONE]"),
        _events(WORD, _chunk({}, "STOP"), json.dumps({"choices": None, "usage": {}}), "[DONE]"),
        _events(WORD, _chunk({}, "an odd word"), "[DONE]"),
        sent(answer([choice(0)])),
        sent(answer([choice(0, [{"type": "output_text", "text": GOOD}], "COMPLETE")])),
        sent(answer([{"message": {"content": GOOD}}])),
    ],
)
async def test_odd_events_are_the_same_stream(given: Response) -> None:
    assert _said(await _stream(given)) == (GOOD, ["stop"])


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "max_tokens", "model_length", "length"])
async def test_a_stream_that_was_cut_says_so(finish: str) -> None:
    assert _said(await _stream(_events(WORD, _chunk({}, finish), "[DONE]")))[1] == ["length"]
    assert _said(await _stream(sent(answer([choice(0, GOOD, finish)]))))[1] == ["length"]


async def test_numbers_and_halves_of_pairs_that_cannot_be_sent_are_not() -> None:
    logprobs = {"content": [{"token": "a", "logprob": float("nan")}]}
    odd = _chunk({"content": "half \ud83d"}, logprobs=logprobs)
    first, *_ = await _stream(_events(odd, END, "[DONE]"))
    assert first["choices"][0]["delta"]["content"] == "half \ufffd"
    assert first["choices"][0]["logprobs"]["content"][0]["logprob"] is None


async def test_a_plain_answer_is_streamed_with_its_calls_and_its_usage() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "null"}}
    given = sent(answer([choice(0, None, "tool_use", message={"tool_calls": [call]})]))
    events = await _stream(given, stream_options={"include_usage": True})
    function = {"name": "f", "arguments": "{}"}
    assert events[0]["object"] == "chat.completion.chunk"
    assert events[0]["choices"][0]["delta"]["tool_calls"] == [
        {"index": 0, "id": "c", "type": "function", "function": function}
    ]
    assert events[1]["choices"][0]["finish_reason"] == "tool_calls"
    assert events[2]["usage"]["completion_tokens"] == 7
    for fields in ({}, {"stream_options": {"include_usage": False}}):
        unasked = await _stream(given, **fields)
        assert len(unasked) == len(events) - 1
        assert not any("usage" in each for each in unasked[:-1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (_events(WORD), "ended without [DONE]"),
        (_events(WORD, "no json of sk-secret-1", "[DONE]"), "something else than chunks"),
        (_events(WORD, "[1]", "[DONE]"), "something else than chunks"),
        (_events(WORD, '{"error": {"message": "sk-secret-1"}}'), "failed in the middle"),
        (_events(WORD, '{"error": "sk-secret-1"}'), "failed in the middle"),
        (
            Response(
                f"data: {WORD}\n\nevent: error\ndata: sk-secret-1\n\n",
                media_type="text/event-stream",
            ),
            "failed in the middle",
        ),
        (_events(WORD, _chunk({}, index=[1])), "the index of a choice is no number"),
        (_events(WORD, _chunk({"content": [{"type": ["t"]}]})), "no type that is a word"),
        (_events(WORD, "[" * 5000 + "]" * 5000), "something else than chunks"),
    ],
)
async def test_a_stream_that_breaks_ends_with_an_error_of_ours(given: Response, said: str) -> None:
    events = await _stream(given)
    assert events[0]["choices"][0]["delta"]["content"] == GOOD
    assert said in events[-2]["error"]["message"]
    assert "secret" not in json.dumps(events)
    assert events[-1] == "[DONE]"
