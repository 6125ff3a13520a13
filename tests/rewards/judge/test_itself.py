"""The generator as its own judge: over an upstream, and where it cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from bestofn.builders.pipeline import open_pipeline
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.types import Request
from bestofn.rewards.judge.itself import Itself
from bestofn.rewards.judge.open import open_judge
from bestofn.settings.judge import JudgeSettings
from bestofn.settings.settings import Settings
from bestofn.testing import FakeGenerator
from tests.support.rewards.judges import answers_in, verdict
from tests.support.upstream import Upstream, running


def longer(answers: dict[str, str]) -> str:
    a, b = len(answers["answer A"]), len(answers["answer B"])
    return verdict(better="tie" if a == b else "A" if a > b else "B")


class Server:
    """A model that answers questions, and judges its answers by their length."""

    def __init__(self) -> None:
        self.judged: list[dict[str, Any]] = []
        self.sampled = 0

    def __call__(self, body: dict[str, Any]) -> Response:
        if "<<answer A" in str(body["messages"]):
            self.judged.append(body)
            texts = [longer(answers_in(body))]
        else:
            numbers = range(self.sampled, self.sampled + body.get("n", 1))
            texts = [f"It is {'very ' * number}warm." for number in numbers]
            self.sampled += len(texts)
        messages = [{"role": "assistant", "content": text} for text in texts]
        choices = [
            {"index": at, "finish_reason": "stop", "message": message}
            for at, message in enumerate(messages)
        ]
        usage = {"prompt_tokens": 5, "completion_tokens": 2 * len(texts)}
        return JSONResponse({"choices": choices, "usage": usage})


def settings(url: str, **judge: Any) -> Settings:
    rewards = [{"kind": "judge", "url": "self", **judge}]
    return Settings.load(upstream=url, model="m", rewards=rewards, selector="argmax", best_of=6)


async def test_an_upstream_judges_its_own_answers_in_a_swiss_tournament() -> None:
    server = Server()
    with running(Upstream(server)) as upstream:
        async with open_pipeline(settings(upstream.url, mode="pairwise")) as pipeline:
            ranking = await best_of_n(Request.from_prompt("How warm?", best_of=6), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text.count("very") == 5
    assert len(server.judged) == 3 * 6
    assert {body["model"] for body in server.judged} == {"m"}
    assert ranking.usage.reward_tokens == 7 * len(server.judged)


async def test_a_schedule_that_is_named_holds_for_itself_too() -> None:
    server = Server()
    with running(Upstream(server)) as upstream:
        chosen = settings(upstream.url, mode="pairwise", schedule="all")
        async with open_pipeline(chosen) as pipeline:
            await best_of_n(Request.from_prompt("How warm?", best_of=6), pipeline)
    assert len(server.judged) == 6 * 5


async def test_an_answer_of_its_own_that_cannot_be_read_is_a_missing_judgement() -> None:
    class Mumbling(Server):
        def __call__(self, body: dict[str, Any]) -> Response:
            answer = super().__call__(body)
            if not self.judged:
                return answer
            content = json.loads(bytes(answer.body))
            content["choices"][0]["message"]["content"] = "Hard to say."
            return JSONResponse(content)

    with running(Upstream(Mumbling())) as upstream:
        async with open_pipeline(settings(upstream.url, mode="pairwise")) as pipeline:
            request = Request.from_prompt("How warm?", best_of=2)
            with pytest.raises(NothingAcceptableError, match="2 failed") as caught:
                await best_of_n(request, pipeline)
    ranking = caught.value.ranking
    assert ranking is not None
    assert [each.reward for each in ranking.candidates] == [None, None]
    assert dict(ranking.failed) == {"judge_unparsable": 2}


async def test_what_takes_no_questions_cannot_judge_itself() -> None:
    chosen = Settings.load(
        rewards=[{"kind": "judge", "url": "self"}],
        model="m",
        engine="openai",
        upstream="http://localhost:1",
    )
    with pytest.raises(ConfigError, match="url is self needs one generator"):
        async with open_pipeline(chosen, generator=FakeGenerator(["x"])):
            pass


async def test_without_a_judge_of_its_own_any_generator_will_do() -> None:
    Itself().bind(FakeGenerator(["x"]))


async def test_a_judge_that_is_asked_before_there_is_a_generator_says_so() -> None:
    async with open_judge(JudgeSettings(url="self"), Itself()) as judge:
        from bestofn.core.no_winner import RewardError
        from tests.support.rewards.judges import candidates

        with pytest.raises(RewardError, match="was not opened"):
            await judge.score(Request.from_prompt("x"), candidates(["a", "b"]))
