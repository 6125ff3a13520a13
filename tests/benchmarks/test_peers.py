"""The benchmark against peers: the recorded upstream, the key that they share, and the table."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from benchmarks import peers, peers_worker
from benchmarks.recorded_run import Recorded
from benchmarks.recorded_upstream import Upstream

TOKENS = (4, 9, 2)


def _upstream(seconds: float = 0.0) -> httpx.AsyncClient:
    said = [
        Recorded(f"Answer {at}.", "stop", tokens, False, False, None, -0.1 * at, False)
        for at, tokens in enumerate(TOKENS)
    ]
    transport = httpx.ASGITransport(Upstream({"Why?": said}, seconds))
    return httpx.AsyncClient(transport=transport, base_url="http://recorded")


async def _asked(http: httpx.AsyncClient, model: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}]
    body = {"model": model, "messages": messages, **fields}
    answer = (await http.post("/v1/chat/completions", json=body)).raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _texts(answer: dict[str, Any]) -> list[str]:
    return [each["message"]["content"] for each in answer["choices"]]


async def test_each_name_draws_the_same_candidates_in_the_same_order() -> None:
    async with _upstream() as http:
        assert _texts(await _asked(http, "recorded/a", n=2)) == ["Answer 0.", "Answer 1."]
        assert _texts(await _asked(http, "recorded/b")) == ["Answer 0."]
        assert _texts(await _asked(http, "recorded/a", n=2)) == ["Answer 2.", "Answer 0."]


async def test_it_counts_tokens_as_vllm_does_and_gives_logprobs_where_asked() -> None:
    async with _upstream() as http:
        bare = await _asked(http, "a", n=3)
        assert bare["usage"]["completion_tokens"] == sum(TOKENS)
        assert "logprobs" not in bare["choices"][1]
        told = await _asked(http, "a", n=3, logprobs=True)
        assert [token["logprob"] for token in told["choices"][2]["logprobs"]["content"]] == [
            pytest.approx(-0.2)
        ] * TOKENS[2]
        assert f"}} {2 * sum(TOKENS)}\n" in (await http.get("/metrics")).text


async def test_who_hangs_up_has_cost_what_was_decoded_by_then() -> None:
    body = b'{"messages": [{"role": "user", "content": "Why?"}], "n": 3}'
    said = [Recorded("Long.", "stop", 10_000, False, False, None, None, False)] * 3
    server = Upstream({"Why?": said}, 0.001)
    sent: list[Any] = []
    messages: list[Any] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        if len(messages) == 1:
            await asyncio.sleep(0.02)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await server({"method": "POST", "path": "/v1/chat/completions"}, receive, send)
    assert not sent
    await server({"method": "GET", "path": "/metrics"}, receive, send)
    tokens = int(sent[1]["body"].split()[-1])
    assert 3 * 20 <= tokens < 3 * 10_000


async def test_a_stream_or_an_unknown_prompt_is_refused() -> None:
    async with _upstream() as http:
        for body in (
            {"messages": [{"role": "user", "content": "Who?"}]},
            {"messages": [{"role": "user", "content": "Why?"}], "stream": True},
        ):
            assert (await http.post("/v1/chat/completions", json=body)).status_code == 400


def test_the_peers_vote_on_the_key_that_we_vote_on() -> None:
    project = peers_worker._answer_key("What is 5 + 3?")
    assert project("5 + 3 is 8.") == project("It is 8") == project("8")
    assert project("It is 9.") != project("8")
    assert project("x " * 200) == ("x " * 200).strip(), "what has no key stands for itself"


def test_the_table_sets_each_way_against_ours(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"question": at, "n": 8, "way": way, "right": right, "tokens": tokens, "seconds": 0.5}
        for way, tokens, rights in (("bestofn", 80, (1, 1)), ("optillm bon", 400, (0, 1)))
        for at, right in enumerate(rights)
    ]
    peers.report(rows)
    told = capsys.readouterr().out
    assert "| bestofn | 100.0% | 34% to 100% | +0.0 ± 0.0 | 80 | 0.50 |" in told
    assert "| optillm bon | 50.0% | 0% to 100% | +50.0 ± 100.0 | 400 | 0.50 |" in told
