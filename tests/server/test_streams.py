"""What a stream looks like: comments while there is nothing to say, then the chunks."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from bestofn import Settings
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from tests.support.scripts import CUT, pipeline_of
from tests.support.serving import app_of, ask, client_of

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


def _events(response: httpx.Response) -> list[str]:
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert response.text.endswith("\n\n")
    return response.text.removesuffix("\n\n").split("\n\n")


def _chunks(response: httpx.Response) -> list[dict[str, Any]]:
    """The chunks of a stream that is whole and has no comments."""
    *events, last = _events(response)
    assert last == "data: [DONE]"
    assert all(event.startswith("data: {") for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_the_winner_comes_role_first_and_reason_last() -> None:
    async with client_of(app_of()) as client:
        chunks = _chunks(await client.post(CHAT, json=ask(stream=True)))
    assert {(c["object"], c["model"]) for c in chunks} == {
        ("chat.completion.chunk", "bestofn-embedded")
    }
    assert len({(c["id"], c["created"]) for c in chunks}) == 1
    assert [c["choices"][0]["delta"] for c in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "better"},
        {},
    ]
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "stop"]
    assert all("usage" not in chunk for chunk in chunks)
    assert chunks[-1]["bestofn"]["winner"] == 1
    assert all("bestofn" not in chunk for chunk in chunks[:-1])


async def test_usage_is_a_chunk_of_its_own_where_it_is_asked_for() -> None:
    async with client_of(app_of()) as client:
        asked = ask(stream=True, stream_options={"include_usage": True})
        *chunks, last = _chunks(await client.post(CHAT, json=asked))
    assert [chunk["usage"] for chunk in chunks] == [None] * 3
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


async def test_several_choices_come_one_after_the_other() -> None:
    async with client_of(app_of()) as client:
        chunks = _chunks(await client.post(CHAT, json=ask(stream=True, n=2)))
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["index"] for choice in choices] == [0, 0, 0, 1, 1, 1]
    said = [
        "".join(c["delta"].get("content", "") for c in choices if c["index"] == i) for i in (0, 1)
    ]
    assert said == ["better", "good"]
    assert [c["finish_reason"] for c in choices] == [None, None, "stop"] * 2
    assert chunks[-1]["bestofn"]["rewards"] == [2.0, 1.0]


async def test_tool_calls_are_numbered_and_a_reason_is_openais() -> None:
    calling = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    pipeline, _, _ = pipeline_of([FakeCompletion(message=calling)], lambda request, candidate: 1.0)
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        chunks = _chunks(await client.post(CHAT, json=ask(stream=True)))
    assert [c["choices"][0]["delta"] for c in chunks] == [
        {"role": "assistant", "content": ""},
        {"tool_calls": [{"index": 0, **CALL}]},
        {},
    ]
    looping = FakeCompletion("loop", finish_reason="repetition")
    async with client_of(app_of([looping])) as client:
        chunks = _chunks(await client.post(CHAT, json=ask(stream=True)))
        whole = (await client.post(CHAT, json=ask())).json()
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["bestofn"]["returned"][0]["finish_reason"] == "repetition"
    assert whole["choices"][0]["finish_reason"] == "length"


async def test_texts_are_chunks_of_text_and_each_prompt_has_its_choices() -> None:
    def script(request: Any, index: int) -> str:
        return f"{request.last_user_text} {index}"

    pipeline, _, _ = pipeline_of(script, lambda request, c: float(c.index))
    asked = {"prompt": ["one", "two"], "n": 2}
    async with client_of(create_app(Settings(best_of=3), pipeline)) as client:
        whole = (await client.post("/v1/completions", json=asked)).json()
        streamed = await client.post("/v1/completions", json=asked | {"stream": True})
    texts = ["one 2", "one 1", "two 2", "two 1"]
    assert whole["object"] == "text_completion"
    assert [choice["text"] for choice in whole["choices"]] == texts
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2, 3]
    assert [report["winner"] for report in whole["bestofn"]] == [2, 2]
    assert whole["usage"]["completion_tokens"] == 2 * 3 * 2
    choices = [chunk["choices"][0] for chunk in _chunks(streamed)]
    for index, text in enumerate(texts):
        assert "".join(c["text"] for c in choices if c["index"] == index) == text


async def test_comments_keep_a_stream_alive_while_it_samples() -> None:
    slow = FakeGenerator([FakeCompletion("good", delay=0.5)])
    async with client_of(app_of(slow, keep_alive_seconds=0.1)) as client:
        events = _events(await client.post(CHAT, json=ask(stream=True)))
    comments = [event for event in events if event == ": keep-alive"]
    assert 2 <= len(comments) <= 5
    assert events[: len(comments)] == comments
    assert events[-1] == "data: [DONE]"


async def test_who_hangs_up_stops_all_candidates() -> None:
    for fields in ({}, {"stream": True}):
        slow = FakeGenerator([FakeCompletion("good", delay=60)])
        async with client_of(app_of(slow, keep_alive_seconds=0.1)) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.post(CHAT, json=ask(**fields)), 0.4)
            started = time.monotonic()
            while len(slow.aborted) < 2:
                assert time.monotonic() - started < 20
                await asyncio.sleep(0.01)
            while "bestofn_requests_in_flight 0.0" not in (await client.get("/metrics")).text:
                assert time.monotonic() - started < 20
        assert slow.closed == 1


async def test_an_answer_that_was_cut_says_so_in_the_stream_too() -> None:
    async with client_of(app_of([CUT])) as client:
        chunks = _chunks(await client.post(CHAT, json=ask(stream=True)))
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["bestofn"]["fallback"] == "best_rejected"
