"""Tool calls before servers that read texts alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.core.protocols import RewardModel
from bestofn.core.types import Candidate, Request
from bestofn.rewards.remote.bestofn_server import BestofnServer
from bestofn.rewards.remote.rerank_server import RerankServer
from bestofn.rewards.remote.wire_formats import RERANK_APIS

REQUEST = Request.from_prompt("Is it warm in Oslo?", best_of=3)


class Server:
    """Keeps the texts that it is given, and answers each with their number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.finish_reasons: list[str] = []

    async def post(self, path: str, body: dict[str, Any]) -> bytes:
        given = body.get("documents") or [each["text"] for each in body["responses"]]
        self.texts += given
        self.finish_reasons += [each["finish_reason"] for each in body.get("responses", ())]
        if "documents" in body:
            rows = [{"index": at, "relevance_score": float(at)} for at in range(len(given))]
            return json.dumps({"results": rows}).encode()
        return json.dumps(
            {"data": [{"index": at, "reward": float(at)} for at in range(len(given))]}
        ).encode()


def calling(index: int, city: str) -> Candidate:
    call = {"name": "weather", "arguments": json.dumps({"city": city})}
    calls = [{"id": "1", "type": "function", "function": call}]
    return Candidate(index, {"role": "assistant", "content": None, "tool_calls": calls}, "stop")


def picture(index: int) -> Candidate:
    content = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    return Candidate(index, {"role": "assistant", "content": content}, "stop")


def models(server: Any) -> Sequence[RewardModel]:
    return BestofnServer(server, None), RerankServer(RERANK_APIS["rerank"], server, None)


@pytest.mark.parametrize("which", [0, 1], ids=["bestofn", "reranker"])
async def test_calls_stand_in_the_text_and_what_cannot_be_shown_fails_alone(which: int) -> None:
    server = Server()
    model = models(server)[which]
    scores = await model.score(REQUEST, [calling(0, "Oslo"), picture(1), calling(2, "Rome")])
    assert [score.reward for score in scores] == [0.0, None, 1.0]
    assert scores[1].failure is not None
    assert scores[1].failure.reason == "message_not_rendered"
    oslo, rome = map(json.loads, server.texts)
    assert oslo == [{"name": "weather", "arguments": {"city": "Oslo"}}]
    assert rome[0]["arguments"] == {"city": "Rome"}


@pytest.mark.parametrize("which", [0, 1], ids=["bestofn", "reranker"])
async def test_a_server_is_not_asked_about_nothing(which: int) -> None:
    server = Server()
    (score,) = await models(server)[which].score(REQUEST, [picture(0)])
    assert (score.reward, server.texts) == (None, [])


async def test_what_still_runs_is_no_whole_answer() -> None:
    server: Any = Server()
    half = Candidate(0, {"role": "assistant", "content": "half an"}, None)
    await BestofnServer(server, None).score(REQUEST, [half])
    assert server.finish_reasons == ["length"]
