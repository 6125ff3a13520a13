"""Snapshots from an upstream's streams, over a real socket: what comes, what is stopped, faults."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.answers.text import TextKey
from bestofn.control.accepted import Accepted
from bestofn.control.loops import Loops
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.generators.openai import openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.vote import VoteSelector
from bestofn.testing import FakeRewardModel
from tests.support.streamed import END, USAGE, Serve, chunk, events, reading, said, sampled
from tests.support.upstream import completion

pytestmark = pytest.mark.model


async def test_snapshots_come_every_few_tokens_and_the_answer_is_whole(serve: Serve) -> None:
    upstream = serve(lambda body: events([said(f"w{i} ") for i in range(7)] + [*END]))
    async with openai_generator(upstream.url) as generator:
        assert generator.snapshots
        finished, snapshots = await sampled(generator, reading(seed=5))
    assert [each.text for each in snapshots if each.index == 0] == [
        "w0 w1 ",
        "w0 w1 w2 w3 ",
        "w0 w1 w2 w3 w4 w5 ",
    ]
    assert [each.completion_tokens for each in snapshots if each.index == 1] == [2, 4, 6]
    for index, candidate in finished.items():
        assert candidate.text == "".join(f"w{i} " for i in range(7))
        assert (candidate.finish_reason, candidate.seed) == ("stop", 5 + index)
        assert (candidate.completion_tokens, candidate.prompt_tokens) == (40, 3)
    assert [body["seed"] for body in upstream.bodies] == [5, 6]
    for body in upstream.bodies:
        assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
        assert "n" not in body


async def test_a_stopping_rule_hangs_up_on_what_still_runs_and_counts_it(serve: Serve) -> None:
    ended: list[bool] = []

    def script(body: dict[str, Any]) -> Response:
        quick = len(upstream.bodies) == 1
        chunks = [said("w ") for _ in range(2 if quick else 500)]
        return events([*chunks, *END], pause=0.01, on_end=lambda: ended.append(quick))

    upstream = serve(script)
    async with openai_generator(upstream.url) as generator:
        policy = Policy("best_rejected", stop=Accepted(1))
        pipeline = Pipeline(generator, VoteSelector(TextKey()), policy=policy)
        ranking = await best_of_n(Request.from_prompt("x", best_of=3), pipeline)
    assert ranking.stopped == {"accepted": 2}
    assert [body.get("n") for body in upstream.bodies] == [None] * 3
    for each in ranking.candidates:
        tokens = each.candidate.completion_tokens
        assert tokens is not None
        assert (0 < tokens < 500) if each.stopped else tokens == USAGE["completion_tokens"]
    async with asyncio.timeout(5):
        while len(ended) < 3:
            await asyncio.sleep(0.01)


async def test_without_a_rule_that_reads_snapshots_nothing_is_streamed(serve: Serve) -> None:
    upstream = serve(lambda body: completion(*["one"] * body.get("n", 1)))
    async with openai_generator(upstream.url) as generator:
        await sampled(generator, Request.from_prompt("x", best_of=2))
    assert [(body["stream"], body["n"]) for body in upstream.bodies] == [(False, 2)]


async def test_tool_calls_thoughts_and_logprobs_are_put_together(serve: Serve) -> None:
    parts: list[dict[str, Any]] = [
        chunk({"role": "assistant", "reasoning_content": "Let me "}),
        chunk({"reasoning_content": "see."}),
        chunk({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "add"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a": '}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
        chunk({"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "now"}}]}),
        chunk({}, "tool_calls"),
    ]
    for each in parts[:2]:
        each["choices"][0]["logprobs"] = {"content": [{"token": "t", "logprob": -0.5}]}
    upstream = serve(lambda body: events(parts))
    async with openai_generator(upstream.url) as generator:
        finished, snapshots = await sampled(generator, reading(1, 1, token_logprobs=True))
    message = finished[0].message
    calls = [call["function"] for call in message["tool_calls"]]
    assert calls == [{"name": "add", "arguments": '{"a": 1}'}, {"name": "now", "arguments": "{}"}]
    assert [call["id"] for call in message["tool_calls"]] == ["c1", "c2"]
    assert (message["reasoning_content"], finished[0].text) == ("Let me see.", "")
    assert (finished[0].mean_logprob, finished[0].logprobs) == (-0.5, None)
    assert all(not each.text for each in snapshots)


async def test_custom_calls_and_parts_around_a_picture_are_put_together(serve: Serve) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:,x"}}
    call = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "shell", "input": "l"}}
    parts: list[dict[str, Any]] = [
        chunk({"content": [{"type": "text", "text": "Trees "}, picture]}),
        chunk({"content": "are."}),
        chunk({"tool_calls": [call]}),
        chunk({"tool_calls": [{"index": 0, "custom": {"input": "s"}}]}),
        chunk({}, "tool_calls"),
    ]
    for each in parts[:2]:
        each["choices"][0]["logprobs"] = {"content": [{"token": "t", "logprob": 1.7e308}]}
    upstream = serve(lambda body: events(parts))
    async with openai_generator(upstream.url) as generator:
        finished, _ = await sampled(generator, reading(1, 1, token_logprobs=True))
    message = finished[0].message
    assert message["content"] == [{"type": "text", "text": "Trees are."}, picture]
    (made,) = message["tool_calls"]
    assert made == {"id": "c1", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    assert finished[0].mean_logprob is None, "no probability is above 1"


@pytest.mark.parametrize(
    "odd",
    [
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a": "b'}}]}),
        chunk({"tool_calls": [None, 5, {"index": "x", "function": 3}]}),
        chunk({"content": 7, "role": 3}),
        said("half a pair \ud83d"),
        {"choices": [{"index": 5, "delta": {"content": "another's"}}]},
        {"choices": [{"index": 0, "delta": None, "logprobs": 3, "token_ids": "x"}]},
    ],
)
async def test_odd_parts_do_a_snapshot_no_harm(serve: Serve, odd: dict[str, Any]) -> None:
    def script(body: dict[str, Any]) -> Response:
        parts = [odd] if body["seed"] == 0 else []
        return events([said("It is "), *parts, said("4."), *parts, *END])

    upstream = serve(script)
    rewards = FakeRewardModel(lambda request, candidate: 1.0)
    policy = Policy("best_rejected", mid_decode=Loops(first=1))
    async with openai_generator(upstream.url) as generator:
        pipeline = Pipeline(generator, ArgmaxSelector(), [RepetitionFilter()], rewards, policy)
        ranking = await best_of_n(Request.from_prompt("x", best_of=2, seed=0), pipeline)
    first, second = sorted(ranking.candidates, key=lambda each: each.index)
    assert second.accepted
    assert second.text == "It is 4."
    read = first.text.replace("half a pair \ufffd", "")
    assert read == "It is 4." if first.failure is None else "names no function" in str(first)


@pytest.mark.parametrize(
    ("chunks", "done"),
    [
        ([said("It is ")], False),
        ([said("It is "), {"error": {"message": "out of memory"}}], True),
        ([said("It is "), "{no json"], True),
    ],
)
async def test_a_stream_that_dies_in_the_middle_costs_its_candidate(
    serve: Serve, chunks: list[Any], done: bool
) -> None:
    def script(body: dict[str, Any]) -> Response:
        return events([said("good"), *END]) if body["seed"] == 1 else events(chunks, done=done)

    upstream = serve(script)
    rewards = FakeRewardModel({"good": 1.0})
    policy = Policy("best_rejected", mid_decode=Loops(first=1))
    async with openai_generator(upstream.url) as generator:
        pipeline = Pipeline(generator, ArgmaxSelector(), (), rewards, policy)
        ranking = await best_of_n(Request.from_prompt("x", best_of=2, seed=0), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "good"
    (failed,) = [each for each in ranking.candidates if each.failure]
    assert failed.failure is not None
    assert failed.failure.reason == "generation_error"
    assert (failed.text, failed.rank) == ("", None)
    assert failed.candidate.counted_tokens == 1, "it has cost what came before"


@pytest.mark.parametrize(
    "more",
    [
        said("word " * 100),
        {"choices": [{"delta": {}, "logprobs": {"content": [{"token": "x" * 500}]}}]},
        {"choices": [{"delta": {}, "token_ids": list(range(100_000, 100_100))}]},
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "x" * 500}}]}),
        chunk({"content": [{"type": "image_url", "image_url": {"url": "x" * 500}}]}),
    ],
)
async def test_a_stream_without_an_end_costs_its_candidate_and_no_more_memory(
    serve: Serve, more: dict[str, Any]
) -> None:
    upstream = serve(lambda body: events([more] * 10_000))
    async with openai_generator(upstream.url, most_bytes=20_000) as generator:
        finished, _ = await sampled(generator, reading(best_of=1, seed=1))
    assert finished[0].error == "the upstream's answer is above 20,000 characters"


async def test_a_candidate_that_loops_is_hung_up_on_and_its_tokens_are_counted(
    serve: Serve,
) -> None:
    """The others go on; the server sees that this one client has gone."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    words = [said(f"{word} ") for word in ["the", "old", "mill", "by", "this", "lake"] * 400]

    def over() -> None:
        loop.call_soon_threadsafe(gone.set)

    def script(body: dict[str, Any]) -> Response:
        if body["seed"] == 1:
            return events([*(said("fine ") for _ in range(3)), *END], pause=0.1)
        return events(words, pause=0.005, on_end=over)

    upstream = serve(script)
    rewards = FakeRewardModel(lambda request, candidate: 1.0)
    policy = Policy("best_rejected", mid_decode=Loops())
    async with openai_generator(upstream.url) as generator:
        pipeline = Pipeline(generator, ArgmaxSelector(), [RepetitionFilter()], rewards, policy)
        ranking = await best_of_n(Request.from_prompt("x", best_of=2, seed=0), pipeline)
        async with asyncio.timeout(5):
            await gone.wait()
    assert ranking.winner is not None
    assert ranking.winner.index == 1
    assert ranking.stopped == {"loops": 1}
    cost = ranking.candidates[1].candidate.completion_tokens
    assert cost is not None
    assert 16 < cost < 400, "of 2,400 that it would have sent"
    assert ranking.usage.completion_tokens == cost + 40
