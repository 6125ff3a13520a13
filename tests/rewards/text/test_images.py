"""Pictures in a conversation: they go to the engine, and the reward model reads a placeholder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bestofn import Pipeline, Settings
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.protocols import Noting, Refusing
from bestofn.core.types import Candidate, Request
from bestofn.generators.openai import openai_generator
from bestofn.rewards.ensemble import EnsembleRewardModel, Member
from bestofn.rewards.pairwise.ranker import PairwiseRanker
from bestofn.rewards.pairwise.texts import source_of
from bestofn.rewards.remote.open import _refuse_text_settings
from bestofn.rewards.remote.rerank_server import RerankServer
from bestofn.rewards.remote.wire_formats import RERANK_APIS
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.settings.reward_server import RewardServerSettings
from bestofn.testing import FakeGenerator
from bestofn_server.app import create_app
from tests.support.rewards import plain_pair, ziya_replica
from tests.support.rewards.calls import candidates, rewards
from tests.support.rewards.judges import judging, reply
from tests.support.serving import client_of
from tests.support.upstream import Upstream, completion, running

TEXT = {"type": "text", "text": "花园里有什么？"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SEEN = ({"role": "user", "content": [PICTURE, TEXT]},)
READ = ({"role": "user", "content": f"[image]\n{TEXT['text']}"},)
NOTE = "the reward model read [image] in the place of 1 image"
ANSWERS = ["天空是蓝色的。", "春天的花园。", "老师教我们。"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ziya")
    ziya_replica.write(made)
    return made


@pytest.fixture(scope="module")
def ziya(folder: Path) -> Iterator[TransformersRewardModel]:
    model = TransformersRewardModel.load(str(folder), device="cpu")
    yield model
    model.close()


@pytest.mark.parametrize("kind", ["image_url", "input_image", "image", "image_pil", "image_embeds"])
async def test_a_picture_is_read_as_the_placeholder(
    ziya: TransformersRewardModel, kind: str
) -> None:
    seen = Request(({"role": "user", "content": [{"type": kind}, TEXT]},))
    assert await ziya.refusal(seen) is None
    given = candidates(ANSWERS)
    expected = await rewards(ziya, Request(READ), given)
    assert await rewards(ziya, seen, given) == pytest.approx(expected, abs=1e-5)
    assert ziya.notes_on(seen) == (NOTE,)
    assert ziya.notes_on(Request(READ)) == ()


async def test_pictures_are_counted_and_stand_where_they_were(
    ziya: TransformersRewardModel,
) -> None:
    several = Request(
        (
            {"role": "user", "content": [TEXT, PICTURE, PICTURE]},
            {"role": "assistant", "content": "春天。"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE, TEXT]},
        )
    )
    written = Request(
        (
            {"role": "user", "content": f"{TEXT['text']}\n[image]\n[image]"},
            {"role": "assistant", "content": "春天。"},
            {"role": "user", "content": f"a\n[image]\n{TEXT['text']}"},
        )
    )
    given = candidates(ANSWERS)
    expected = await rewards(ziya, written, given)
    assert await rewards(ziya, several, given) == pytest.approx(expected, abs=1e-5)
    assert ziya.notes_on(several) == ("the reward model read [image] in the place of 3 images",)


async def test_other_parts_and_pictures_in_answers_are_refused_as_before(
    ziya: TransformersRewardModel,
) -> None:
    sound = Request(({"role": "user", "content": [{"type": "input_audio"}, TEXT]},))
    said = await ziya.refusal(sound)
    assert said == "message 1 has a part of the type input_audio, and the model reads text alone"
    pictured = Candidate(0, {"role": "assistant", "content": [PICTURE]}, "stop")
    (score,) = await ziya.score(Request(SEEN), [pictured])
    assert score.failure is not None
    assert score.failure.reason == "message_not_rendered"


async def test_where_they_are_to_be_refused_nothing_is_sampled(folder: Path) -> None:
    model = TransformersRewardModel.load(str(folder), device="cpu", images="refuse")
    ensemble = EnsembleRewardModel([Member("a", model), Member("b", model)])
    for scorer in (model, ensemble):
        generator = FakeGenerator(ANSWERS)
        with pytest.raises(RequestError, match="message 1 has a part of the type image_url"):
            await best_of_n(
                Request(SEEN, best_of=2), Pipeline(generator, ArgmaxSelector(), (), scorer)
            )
        assert generator.sampled == []
    model.close()


async def test_an_ensemble_says_it_once(ziya: TransformersRewardModel) -> None:
    ensemble = EnsembleRewardModel([Member("a", ziya), Member("b", ziya)])
    pipeline = Pipeline(FakeGenerator(ANSWERS), ArgmaxSelector(), (), ensemble)
    assert (await best_of_n(Request(SEEN, best_of=2), pipeline)).notes == (NOTE,)
    assert (await best_of_n(Request(READ, best_of=2), pipeline)).notes == ()


async def test_a_judge_is_shown_the_placeholder_or_refuses() -> None:
    async with judging(lambda body: reply("Score: 3")) as (judge, stub):
        await judge.score(Request(SEEN), candidates(["x"]))
        assert f"[image]\n{TEXT['text']}" in stub.bodies[0]["messages"][0]["content"]
        assert judge.notes_on(Request(SEEN)) == (NOTE,)  # type: ignore[attr-defined]
    async with judging(lambda body: reply("Score: 3"), images="refuse") as (judge, stub):
        pipeline = Pipeline(FakeGenerator(["x"]), ArgmaxSelector(), (), judge)
        with pytest.raises(RequestError, match="it holds 1 image, and the reward model reads text"):
            await best_of_n(Request(SEEN, best_of=1), pipeline)
        assert stub.bodies == []


@pytest.mark.parametrize("mode", ["pointwise", "pairwise", "listwise", "pick", "probability"])
async def test_a_judge_of_every_mode_refuses_or_says_what_it_was_shown(mode: str) -> None:
    async with judging(lambda body: reply("1"), mode=mode, images="refuse") as (judge, _):
        assert isinstance(judge, Refusing)
        assert "1 image" in str(await judge.refusal(Request(SEEN)))
    async with judging(lambda body: reply("1"), mode=mode) as (judge, _):
        assert isinstance(judge, Noting)
        assert list(judge.notes_on(Request(SEEN))) == [NOTE]


async def test_a_pairwise_ranker_is_shown_the_placeholder_or_refuses(tmp_path: Path) -> None:
    assert source_of(Request(SEEN)) == READ[0]["content"]
    plain_pair.write(tmp_path)
    for images, refusal, notes in (
        ("placeholder", None, (NOTE,)),
        ("refuse", "it holds 1 image, and the reward model reads text alone", ()),
    ):
        with contextlib.closing(
            PairwiseRanker.load(str(tmp_path), device="cpu", images=images)  # type: ignore[arg-type]
        ) as ranker:
            assert await ranker.refusal(Request(SEEN)) == refusal
            assert ranker.notes_on(Request(SEEN)) == notes


@pytest.fixture
async def over_stub(ziya: TransformersRewardModel) -> AsyncIterator[tuple[Any, Upstream]]:
    """A client of the service over a stub, scored by Ziya's reward model."""

    def script(body: dict[str, Any]) -> Any:
        return completion(*ANSWERS[: body.get("n") or 1])

    with running(Upstream(script, models=["Ziya-BLIP2-14B-Visual-v1"])) as stub:
        async with openai_generator(stub.url) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector(), (), ziya)
            async with client_of(create_app(Settings(best_of=3), pipeline)) as client:
                yield client, stub


async def test_a_request_with_a_picture_comes_back_ranked(
    over_stub: tuple[Any, Upstream], ziya: TransformersRewardModel
) -> None:
    client, stub = over_stub
    response = await client.post("/v1/chat/completions", json={"messages": list(SEEN)})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert stub.paths == ["/v1/chat/completions"]
    assert stub.bodies[0]["messages"] == list(SEEN)
    expected = await rewards(ziya, Request(READ), candidates(ANSWERS))
    assert answer["bestofn"]["rewards"] == [pytest.approx(max(expected))]
    assert answer["choices"][0]["message"]["content"] == ANSWERS[expected.index(max(expected))]
    assert answer["bestofn"]["notes"] == [NOTE]


async def test_a_reranker_is_asked_with_the_placeholder() -> None:
    class Client:
        async def post(self, path: str, body: dict[str, Any]) -> bytes:
            asked.append(body["query"])
            results = [{"index": at, "relevance_score": at} for at in range(3)]
            return json.dumps({"results": results}).encode()

    asked: list[str] = []
    reranker = RerankServer(RERANK_APIS["rerank"], Client(), None)  # type: ignore[arg-type]
    assert await rewards(reranker, Request(SEEN), candidates(ANSWERS)) == [0.0, 1.0, 2.0]
    await rewards(reranker, Request.from_prompt("plain"), candidates(ANSWERS))
    assert asked == [READ[0]["content"], "plain"]
    assert reranker.notes_on(Request(SEEN)) == (NOTE,)
    assert reranker.notes_on(Request.from_prompt("plain")) == ()


async def test_a_server_that_makes_its_own_texts_cannot_be_told_to_refuse_pictures() -> None:
    settings = RewardServerSettings(url="http://localhost:1", api="rerank", images="refuse")
    with pytest.raises(ConfigError, match="makes its own texts: leave out images"):
        _refuse_text_settings(settings, "rerank")
