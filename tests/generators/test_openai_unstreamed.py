"""Snapshots where an upstream does not stream, refuses, or continues a bare text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.core.errors import RequestError
from bestofn.generators.openai import openai_generator
from tests.support.streamed import END, Serve, events, reading, said, sampled
from tests.support.upstream import completion, failure

pytestmark = pytest.mark.model


async def test_a_server_that_does_not_stream_is_found_out_once(serve: Serve) -> None:
    def refuses(body: dict[str, Any]) -> Response:
        if body["stream"]:
            return failure(400, "stream is not supported")
        return completion(*["one"] * body.get("n", 1))

    upstream = serve(refuses)
    async with openai_generator(upstream.url) as generator:
        finished, snapshots = await sampled(generator, reading())
        assert sorted(body["stream"] for body in upstream.bodies) == [False, False, True, True]
        assert {each.text for each in finished.values()} == {"one"}
        await sampled(generator, reading())
    assert snapshots == []
    assert [(body["stream"], body.get("n")) for body in upstream.bodies[4:]] == [(False, 2)]


async def test_a_request_that_is_wrong_is_refused_as_ever(serve: Serve) -> None:
    upstream = serve(lambda body: failure(400, "the prompt has 9 tokens too many"))
    async with openai_generator(upstream.url) as generator:
        with pytest.raises(RequestError, match=r"refuses .* \(status 400\): it is longer"):
            await sampled(generator, reading())
        upstream.script = lambda body: events([said("fine"), *END])
        finished, _ = await sampled(generator, reading())
    assert {each.text for each in finished.values()} == {"fine"}


async def test_an_answer_in_one_piece_to_a_request_for_a_stream_is_taken(serve: Serve) -> None:
    upstream = serve(lambda body: completion("whole"))
    async with openai_generator(upstream.url) as generator:
        finished, _ = await sampled(generator, reading())
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
        finished, snapshots = await sampled(generator, reading(1, raw=True))
    assert [each.text for each in snapshots] == ["a b "]
    assert (finished[0].text, finished[0].finish_reason) == ("a b c", "length")
