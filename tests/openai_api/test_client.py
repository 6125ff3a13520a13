"""The client of other servers: retries, their budget, breakers, waiting, the next server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import time
import weakref

import httpx
import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.no_winner import GeneratorBusyError, GeneratorError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.generators.openai import openai_generator
from bestofn.openai_api import breaker as breakers
from bestofn.openai_api.breaker import Breaker
from bestofn.openai_api.client import ApiClient
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.support.one_request import one_request
from bestofn.support.waiting import left, somebody_waits
from tests.support.upstream import Upstream, completion, failure, running

PATH = "chat/completions"
ANSWER = {"choices": [{"message": {"content": "good"}, "finish_reason": "stop"}]}


class Server:
    """A server in this process: plays statuses, then answers."""

    def __init__(self, *statuses: int, **headers: str) -> None:
        self.statuses = list(statuses)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.asked = 0
        self.always: int | None = None

    @property
    def http(self) -> httpx.AsyncClient:
        """A client of it."""
        transport = httpx.MockTransport(self._answer)
        return httpx.AsyncClient(transport=transport, base_url="http://stub/v1/")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": [{"id": "stub"}]})
        self.asked += 1
        status = self.always or (self.statuses.pop(0) if self.statuses else 200)
        if status == 200:
            return httpx.Response(200, json=ANSWER)
        return httpx.Response(status, json={"error": {"message": "no"}}, headers=self.headers)


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bestofn.openai_api.client._BACK_OFF", lambda state: 0.0)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, None),
        (404, "it has nothing at this path, or no such model"),
        (405, "nothing at this path takes a request"),
    ],
)
async def test_a_path_that_is_not_there_is_told_apart(status: int, reason: str | None) -> None:
    server = Server(status)
    with pytest.raises(RequestError) as caught:
        await ApiClient(server.http, who="the stub").post(PATH, {})
    sentence = f"the stub refuses the request (status {status})"
    assert str(caught.value) == (sentence if reason is None else f"{sentence}: {reason}")


async def test_what_passes_is_tried_again_and_what_does_not_is_not() -> None:
    for statuses, asked in (([500, 503, 529], 4), ([408, 200], 2), ([501], 1), ([401], 1)):
        server = Server(*statuses)
        with contextlib.suppress(GeneratorError):
            await ApiClient(server.http).post(PATH, {})
        assert server.asked == asked, statuses


class Body(dict[str, object]):
    """One that can be seen to go."""


@pytest.mark.parametrize("status", [429, 500, 501, 400])
async def test_a_request_that_fails_goes_at_once(status: int) -> None:
    """An upstream with too much to do must not fill the memory with large requests until garbage
    is collected."""
    server = Server()
    server.always = status
    body = Body(model="m")
    there = weakref.ref(body)
    gc.disable()
    try:
        with somebody_waits(5), contextlib.suppress(GeneratorError, RequestError):
            await ApiClient(server.http).post(PATH, body)
        del body
        assert there() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("after", ["7", "6.5", "0", "-3", "soon", "nan", "1e9"])
async def test_too_much_to_do_says_when_to_come_again(after: str) -> None:
    server = Server(retry_after=after)
    server.always = 429
    with somebody_waits(5), pytest.raises(GeneratorBusyError) as caught:
        await ApiClient(server.http).post(PATH, {})
    expected = {"7": 7, "6.5": 6.5, "1e9": 86_400}.get(after, 1)
    assert caught.value.retry_after == expected
    assert server.asked == (1 if expected > 5 else 4)
    assert "no" not in str(caught.value).split()


async def test_nothing_is_waited_for_longer_than_somebody_waits() -> None:
    started = time.monotonic()
    for after, patience in (("29", 20.0), ("3", 2.0), ("0.3", 0.2)):
        server = Server(429, retry_after=after)
        with somebody_waits(patience), pytest.raises(GeneratorBusyError):
            await ApiClient(server.http).post(PATH, {})
        assert server.asked == 1
    server = Server(429, retry_after="0.1")
    with somebody_waits(20.0):
        await ApiClient(server.http).post(PATH, {})
    assert server.asked == 2
    assert time.monotonic() - started < 20


def test_of_two_who_wait_the_one_who_waits_less_counts() -> None:
    assert left() is None
    with somebody_waits(9), somebody_waits(100):
        assert 8 < (left() or 0) <= 9
    with somebody_waits(100), somebody_waits(0):
        assert left() == 0
    assert left() is None


async def test_a_storm_is_not_answered_by_a_storm() -> None:
    server = Server()
    server.always = 503
    client = ApiClient(server.http, breakers=True)
    asked = [client.post(PATH, {}) for _ in range(64)]
    with somebody_waits(20):
        done = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, GeneratorError) for each in done)
    assert server.asked <= 64 + breakers.RESERVE + 64 * breakers.PER_REQUEST


async def test_ready_says_what_requests_hear_while_a_trial_is_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    client = ApiClient(server.http, breakers=True, attempts=1)
    breaker = Breaker(1, 0)
    monkeypatch.setattr(client._servers, "_breakers", [breaker])
    breaker.failed_once()
    assert breaker.enter(), "the trial, of whose answer nothing is known"
    for ask in (client.post(PATH, {}), client.check_alive()):
        with somebody_waits(60), pytest.raises(GeneratorError, match=r"left alone for [12] s"):
            await ask
    breaker.succeeded()
    await client.check_alive()
    await client.post(PATH, {})


@pytest.mark.parametrize(("status", "opens"), [(500, False), (504, False), (503, True)])
async def test_what_one_request_cannot_be_answered_counts_once(status: int, opens: bool) -> None:
    server = Server()
    server.always = status
    client = ApiClient(server.http, breakers=True, attempts=1)
    with one_request("poison"):
        for _ in range(2 * breakers.FAILURES):
            with pytest.raises(GeneratorError):
                await client.post(PATH, {})
    server.always = None
    if opens:
        with pytest.raises(GeneratorError, match="left alone"):
            await client.check_alive()
    else:
        assert json.loads(await client.post(PATH, {})) == ANSWER


async def test_the_attempts_of_one_call_are_one_request() -> None:
    server = Server()
    server.always = 500
    client = ApiClient(server.http, breakers=True, attempts=4)
    for _ in range(3):
        with pytest.raises(GeneratorError, match="answers 500"):
            await client.post(PATH, {})
    assert server.asked == 12
    await client.check_alive()


async def test_a_server_that_fails_is_left_alone_and_a_probe_says_so() -> None:
    server = Server()
    server.always = 500
    client = ApiClient(server.http, breakers=True, attempts=1)
    await client.check_alive()
    for _ in range(breakers.FAILURES):
        with pytest.raises(GeneratorError, match="answers 500"):
            await client.post(PATH, {})
    with somebody_waits(60), pytest.raises(GeneratorError, match="failed 10 times in a row"):
        await client.post(PATH, {})
    with pytest.raises(GeneratorError, match="left alone for 10 s"):
        await client.check_alive()
    assert server.asked == breakers.FAILURES


async def test_what_a_server_refuses_says_nothing_against_it() -> None:
    server = Server()
    client = ApiClient(server.http, breakers=True, attempts=1)
    for status in (400, 401, 404, 429, 501):
        server.always = status
        for _ in range(breakers.FAILURES):
            with pytest.raises(Exception, match=str(status)):
                await client.post(PATH, {})
    await client.check_alive()


async def test_where_one_server_fails_the_next_is_asked() -> None:
    first, second = Server(), Server()
    client = ApiClient(first.http, spares=[second.http], breakers=True)
    for status in (500, 429, 503, 401, 403, 307):
        first.always = status
        assert json.loads(await client.post(PATH, {})) == ANSWER
    first.always = None
    await client.post(PATH, {})
    assert (first.asked, second.asked) == (7, 6)
    first.always = 400
    with pytest.raises(Exception, match="status 400"):
        await client.post(PATH, {})
    assert second.asked == 6, "what one refuses the other would refuse, too"


@pytest.mark.parametrize("status", [401, 307])
async def test_a_server_that_refuses_the_key_or_redirects_is_asked_once(status: int) -> None:
    first, second = Server(), Server()
    first.always = second.always = status
    for spares in ([], [second.http]):
        client = ApiClient(first.http, spares=spares, breakers=True)
        with pytest.raises(GeneratorError, match=str(status)):
            await client.post(PATH, {})
    assert (first.asked, second.asked) == (2, 1)


@pytest.mark.parametrize("status", [500, 401, 307])
async def test_a_server_that_is_left_alone_costs_nothing_where_there_is_another(
    status: int,
) -> None:
    first, second = Server(), Server()
    first.always = status
    client = ApiClient(first.http, spares=[second.http], breakers=True)
    with somebody_waits(10):
        for _ in range(30):
            await client.post(PATH, {})
            await asyncio.sleep(0)
    assert first.asked == breakers.FAILURES
    assert second.asked == 30
    await client.check_alive()


async def test_several_upstreams_are_one_generator() -> None:
    with running(Upstream(lambda body: completion("good", "good"))) as upstream:
        url = upstream.url
        async with openai_generator(["http://127.0.0.1:9", url]) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector(), ())
            ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
            assert [c.text for c in ranking.candidates] == ["good", "good"]
            assert (await generator.models())[0]["id"] == "stub"
        with pytest.raises(ConfigError, match="does not serve other"):
            async with openai_generator([url, f"{url}/v1"], "other"):
                pass
    with pytest.raises(ConfigError, match="cannot be reached"):
        async with openai_generator(["http://127.0.0.1:9", "http://127.0.0.1:9"]):
            pass


async def test_candidates_that_were_too_many_fail_with_when_to_come_again() -> None:
    busy = failure(429, "slow down", retry_after="17")
    with running(Upstream(lambda body: busy)) as upstream:
        async with openai_generator(upstream.url) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector(), ())
            with somebody_waits(9), pytest.raises(GeneratorBusyError) as caught:
                await best_of_n(Request.from_prompt("x", best_of=2, seed=1), pipeline)
    assert caught.value.retry_after == 17
    assert caught.value.ranking is not None
    assert len(caught.value.ranking.candidates) == 2
