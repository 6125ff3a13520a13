"""Sampling from an OpenAI-compatible server: `n`, its lack, faults, aborts. Over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request
from bestofn.generators.openai import OpenAIGenerator, openai_generator
from bestofn.generators.openai_sampling import GroupSampling
from bestofn.openai_api.completions import Completion, read_completion
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeRewardModel
from tests.support.streamed import Serve
from tests.support.upstream import completion, failure

pytestmark = pytest.mark.model


async def _all(generator: OpenAIGenerator, request: Request) -> dict[int, Candidate]:
    sampling = generator.sample(request, range(request.best_of))
    async with contextlib.aclosing(sampling):
        return {candidate.index: candidate async for candidate in sampling}


def _four(**fields: Any) -> Request:
    return Request.from_prompt("x", best_of=4, **fields)


def _numbered(body: dict[str, Any]) -> Response:
    return completion(*(f"answer {i}" for i in range(body.get("n", 1))))


def _one(body: dict[str, Any]) -> Response:
    return completion("one")


async def test_candidates_come_in_one_request_where_n_is_honoured(serve: Serve) -> None:
    upstream = serve(_numbered)
    async with openai_generator(upstream.url) as generator:
        request = _four(temperature=0.5, max_tokens=9, options={"top_p": 0.9})
        found = await _all(generator, request)
    assert {index: c.text for index, c in found.items()} == {i: f"answer {i}" for i in range(4)}
    assert upstream.bodies == [
        {
            "top_p": 0.9,
            "model": "stub",
            "messages": [{"role": "user", "content": "x"}],
            "stream": False,
            "temperature": 0.5,
            "max_completion_tokens": 9,
            "n": 4,
        }
    ]
    assert {c.finish_reason for c in found.values()} == {"stop"}
    assert "refusal" not in found[0].message


async def test_tokens_that_are_counted_together_are_counted_once(serve: Serve) -> None:
    upstream = serve(_numbered)
    rewards = FakeRewardModel(lambda request, candidate: 1.0)
    async with openai_generator(upstream.url) as generator:
        pipeline = Pipeline(generator, ArgmaxSelector(), (), rewards)
        ranking = await best_of_n(_four(), pipeline)
    assert ranking.usage.completion_tokens == 7
    assert ranking.usage.prompt_tokens == 3
    assert {c.candidate.completion_tokens for c in ranking.candidates} == {None}


async def test_fewer_choices_than_n_are_completed_and_remembered(serve: Serve) -> None:
    upstream = serve(_one)
    async with openai_generator(upstream.url) as generator:
        assert len(await _all(generator, _four())) == 4
        assert [body.get("n") for body in upstream.bodies] == [4, None, None, None]
        found = await _all(generator, _four())
    assert [body.get("n") for body in upstream.bodies[4:]] == [None] * 4
    assert {c.completion_tokens for c in found.values()} == {7}


async def test_a_server_that_refuses_n_is_asked_without_it(serve: Serve) -> None:
    def refuses(body: dict[str, Any]) -> Response:
        return failure(400, "n must be 1") if body.get("n", 1) > 1 else completion("one")

    upstream = serve(refuses)
    async with openai_generator(upstream.url) as generator:
        for _ in range(2):
            assert {c.text for c in (await _all(generator, _four())).values()} == {"one"}
    assert [body.get("n") for body in upstream.bodies] == [4, *[None] * 8]


async def test_a_passing_fault_says_nothing_about_n(serve: Serve) -> None:
    answers = iter([failure(503), failure(503, retry_after="0")])
    upstream = serve(lambda body: next(answers, None) or _numbered(body))
    async with openai_generator(upstream.url) as generator:
        assert len(await _all(generator, _four())) == 4
        assert len(await _all(generator, _four())) == 4
    assert [body["n"] for body in upstream.bodies] == [4] * 4


async def test_a_wrong_request_is_a_sentence_that_says_why(serve: Serve) -> None:
    upstream = serve(lambda body: failure(400, "the prompt has 9 tokens too many"))
    async with openai_generator(upstream.url) as generator:
        with pytest.raises(RequestError, match=r"refuses .* \(status 400\): it is longer"):
            await _all(generator, _four())


async def test_seeded_candidates_are_requests_of_their_own(serve: Serve) -> None:
    upstream = serve(lambda body: completion(str(body["seed"])))
    async with openai_generator(upstream.url) as generator:
        found = await _all(generator, _four(seed=10))
    assert {index: c.text for index, c in found.items()} == {i: str(10 + i) for i in range(4)}
    assert [found[i].seed for i in range(4)] == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (failure(500, "out of memory"), "answers 500 (Internal Server Error)"),
        (failure(401, "wrong key"), "refuses the server's key (status 401)"),
        (failure(429, "slow down", retry_after="3600"), "has too much to do (status 429)"),
        (PlainTextResponse("{'choices': ["), "no completion"),
        (PlainTextResponse('{"choices": []}'), "no completion: choices"),
        (
            PlainTextResponse('{"choices": [{"message": 5, "finish_reason": null}]}'),
            "cannot be read: a choice has neither a message nor a text",
        ),
        (Response(b"{", headers={"content-length": "100"}), "cannot be reached"),
    ],
)
async def test_a_fault_of_one_candidate_is_recorded_on_it(
    serve: Serve, answer: Response, said: str
) -> None:
    upstream = serve(lambda body: answer if body["seed"] == 2 else completion("good"))
    rewards = FakeRewardModel({"good": 1.0})
    async with openai_generator(upstream.url) as generator:
        pipeline = Pipeline(generator, ArgmaxSelector(), (), rewards)
        ranking = await best_of_n(_four(seed=0), pipeline)
    assert ranking.winner is not None
    assert len(ranking.ranked) == 3
    (failed,) = [c for c in ranking.candidates if c.failure]
    assert failed.index == 2
    assert failed.failure is not None
    assert said in failed.failure.detail


async def test_what_is_not_http_is_a_fault_of_the_upstream(serve: Serve) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    upstream = serve(_one)
    async with (
        openai_generator(upstream.url) as generator,
        await asyncio.start_server(garbage, "127.0.0.1") as server,
    ):
        port = server.sockets[0].getsockname()[1]
        generator._client._http.base_url = httpx.URL(f"http://127.0.0.1:{port}/v1/")
        with pytest.raises(GeneratorError, match=r"all 4 candidates failed: .*cannot be reached"):
            await best_of_n(_four(), Pipeline(generator, ArgmaxSelector(), ()))
        with pytest.raises(ConfigError, match="cannot be reached"):
            async with openai_generator(f"http://127.0.0.1:{port}"):
                pass


async def test_a_server_that_always_fails_is_a_generator_error(serve: Serve) -> None:
    upstream = serve(lambda body: failure(501, "not here"))
    async with openai_generator(upstream.url) as generator:
        pipeline = Pipeline(generator, ArgmaxSelector(), ())
        with pytest.raises(GeneratorError, match=r"all 4 candidates failed: .*501 \(Not Impl"):
            await best_of_n(_four(), pipeline)
    assert [body.get("n", 1) for body in upstream.bodies] == [4, 1]


async def test_requests_in_flight_are_bounded(serve: Serve) -> None:
    async def slow(body: dict[str, Any]) -> Response:
        await asyncio.sleep(0.05)
        return completion("slow")

    upstream = serve(slow)
    async with openai_generator(upstream.url, concurrency=2) as generator:
        assert len(await _all(generator, _four(seed=1))) == 4
    assert upstream.most == 2


@pytest.mark.parametrize("seed", [None, 0])
async def test_aborting_and_closing_end_the_requests(serve: Serve, seed: int | None) -> None:
    """Candidate 1 is stopped, the rest are closed; the server sees its clients go."""

    async def hanging(body: dict[str, Any]) -> Response:
        await asyncio.sleep(0.3)
        return completion("late")

    upstream = serve(hanging)
    async with openai_generator(upstream.url) as generator:
        sampling = generator.sample(_four(seed=seed), range(4))
        while not upstream.bodies:
            await asyncio.sleep(0.01)
        sampling.abort(1)
        first = await anext(sampling)
        assert (first.index, first.finish_reason, first.text) == (1, "abort", "")
        await sampling.aclose()
        asked = len(upstream.bodies)
        while upstream.gone < asked:
            await asyncio.sleep(0.01)


async def test_what_is_wrong_with_the_server_is_said_at_the_start(serve: Serve) -> None:
    upstream = serve(_one)
    upstream.key = "secret"
    async with openai_generator(upstream.url, api_key="secret"):
        pass
    upstream.models = ["a", "b"]
    for url, key, sentence in (
        (upstream.url, "wrong", "refuses the API key"),
        (upstream.url, "secret", r"name the model .* it lists a, b"),
        ("127.0.0.1:1", None, "is no URL of a server"),
        ("http://127.0.0.1:1", None, "cannot be reached"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            async with openai_generator(url, api_key=key):
                pass


async def test_groups_that_come_together_are_handed_on_one_after_the_other() -> None:
    turn = asyncio.Lock()
    order: dict[str, None] = {}

    async def group(*texts: str) -> Completion:
        return read_completion(bytes(completion(*texts).body))

    async def one(index: int) -> Completion:
        raise AssertionError(index)

    async def taken(*texts: str) -> None:
        request = Request.from_prompt("x", best_of=len(texts))
        sampling = GroupSampling(request, range(len(texts)), group(*texts), one, turn)
        async for candidate in sampling:
            order[candidate.text] = None
        await sampling.aclose()

    await asyncio.gather(taken("a0", "a1", "a2"), taken("b0", "b1", "b2"))
    assert list(order) == ["a0", "a1", "a2", "b0", "b1", "b2"]
