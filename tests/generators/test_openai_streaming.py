"""Snapshots from an upstream's streams, over a real socket: what comes, what is stopped, faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from bestofn.answers.text import TextKey
from bestofn.control.accepted import Accepted
from bestofn.control.loops import Loops
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.generators.openai import OpenAIGenerator, openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.vote import VoteSelector
from bestofn.testing import FakeRewardModel
from tests.support.upstream import Script, Upstream, completion, failure, running

pytestmark = pytest.mark.model

Serve = Callable[[Script], Upstream]
USAGE = {"prompt_tokens": 3, "completion_tokens": 40}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a stub with a script; it is stopped at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda script: stack.enter_context(running(Upstream(script)))


def said(text: str, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of the answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None, **more}]}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


END: Sequence[dict[str, Any]] = (chunk({}, "stop"), {"choices": [], "usage": USAGE})


def events(
    chunks: Sequence[dict[str, Any] | str],
    *,
    pause: float = 0.0,
    done: bool = True,
    on_end: Callable[[], None] = lambda: None,
) -> Response:
    """These chunks as server-sent events; `on_end` is called however the stream ends."""

    async def lines() -> AsyncIterator[str]:
        try:
            for each in chunks:
                yield f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n"
                await asyncio.sleep(pause)
            if done:
                yield "data: [DONE]\n\n"
        finally:
            on_end()

    return StreamingResponse(lines(), media_type="text/event-stream")


def reading(best_of: int = 2, every: int = 2, **fields: Any) -> Request:
    return Request.from_prompt("x", best_of=best_of, snapshot_tokens=every, **fields)


async def _all(
    generator: OpenAIGenerator, request: Request
) -> tuple[dict[int, Candidate], list[Candidate]]:
    """(the finished by index, the snapshots in order)."""
    sampling = generator.sample(request, range(request.best_of))
    come = [candidate async for candidate in sampling]
    await sampling.aclose()
    finished = [each for each in come if each.finish_reason is not None]
    assert len(finished) == request.best_of
    return {c.index: c for c in finished}, [c for c in come if c.finish_reason is None]


async def test_snapshots_come_every_few_tokens_and_the_answer_is_whole(serve: Serve) -> None:
    upstream = serve(lambda body: events([said(f"w{i} ") for i in range(7)] + [*END]))
    async with openai_generator(upstream.url) as generator:
        assert generator.snapshots
        finished, snapshots = await _all(generator, reading(seed=5))
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
        await _all(generator, Request.from_prompt("x", best_of=2))
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
        finished, snapshots = await _all(generator, reading(1, 1, token_logprobs=True))
    message = finished[0].message
    calls = [call["function"] for call in message["tool_calls"]]
    assert calls == [{"name": "add", "arguments": '{"a": 1}'}, {"name": "now", "arguments": "{}"}]
    assert [call["id"] for call in message["tool_calls"]] == ["c1", "c2"]
    assert (message["reasoning_content"], finished[0].text) == ("Let me see.", "")
    assert (finished[0].mean_logprob, finished[0].logprobs) == (-0.5, None)
    assert all(not each.text for each in snapshots)


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


async def test_a_server_that_does_not_stream_is_found_out_once(serve: Serve) -> None:
    def refuses(body: dict[str, Any]) -> Response:
        if body["stream"]:
            return failure(400, "stream is not supported")
        return completion(*["one"] * body.get("n", 1))

    upstream = serve(refuses)
    async with openai_generator(upstream.url) as generator:
        finished, snapshots = await _all(generator, reading())
        assert sorted(body["stream"] for body in upstream.bodies) == [False, False, True, True]
        assert {each.text for each in finished.values()} == {"one"}
        await _all(generator, reading())
    assert snapshots == []
    assert [(body["stream"], body.get("n")) for body in upstream.bodies[4:]] == [(False, 2)]


async def test_a_request_that_is_wrong_is_refused_as_ever(serve: Serve) -> None:
    upstream = serve(lambda body: failure(400, "the prompt has 9 tokens too many"))
    async with openai_generator(upstream.url) as generator:
        with pytest.raises(RequestError, match=r"refuses .* \(status 400\): it is longer"):
            await _all(generator, reading())
        upstream.script = lambda body: events([said("fine"), *END])
        finished, _ = await _all(generator, reading())
    assert {each.text for each in finished.values()} == {"fine"}


async def test_an_answer_in_one_piece_to_a_request_for_a_stream_is_taken(serve: Serve) -> None:
    upstream = serve(lambda body: completion("whole"))
    async with openai_generator(upstream.url) as generator:
        finished, _ = await _all(generator, reading())
    assert {(c.text, c.completion_tokens) for c in finished.values()} == {("whole", 7)}


async def test_a_raw_text_is_streamed_as_one(serve: Serve) -> None:
    async def never(body: dict[str, Any]) -> Response:
        raise AssertionError(body)

    upstream = serve(never)
    async with openai_generator(upstream.url) as generator:
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "text": word}]} for word in ("a ", "b ", "c")
        ]
        end: dict[str, Any] = {"choices": [{"index": 0, "text": "", "finish_reason": "length"}]}

        async def stream(path: str, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
            assert path == "completions"

            async def come() -> AsyncIterator[dict[str, Any]]:
                for each in (*chunks, end):
                    yield each

            return come()

        generator._client.stream = stream  # type: ignore[method-assign, assignment]
        finished, snapshots = await _all(generator, reading(1, raw=True))
    assert [each.text for each in snapshots] == ["a b "]
    assert (finished[0].text, finished[0].finish_reason) == ("a b c", "length")
