"""Reward models on servers: vLLM's and bestofn's own are real, the others as documented."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response

from bestofn import Pipeline, Settings
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import RewardModel
from bestofn.core.types import Request, Score
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.rewards.checkpoints.text_only import load_text_maker
from bestofn.rewards.remote.bestofn_server import MOST_REASONS, BestofnServer
from bestofn.rewards.remote.open import open_reward_server
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.settings.reward_server import RewardServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.rewards import calls, classifier_replica, stubs
from tests.support.rewards.calls import candidate, candidates
from tests.support.rewards.wide import widen
from tests.support.serving import serving
from tests.support.vllm_serving import vllm_serving

REQUEST = Request.from_prompt("请写一句话介绍春天的花园。")
GIVEN = [
    *candidates(["花园", "A short answer is often the better answer.", "水的污染" * 5]),
    candidate("花园里有", "length", 3),
]


@dataclass(frozen=True)
class Vllm:
    url: str
    folder: Path


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    """vLLM's own server on a classifier, its sigmoid on by default as usual."""
    folder = tmp_path_factory.mktemp("llama")
    with pytest.MonkeyPatch.context() as monkeypatch:
        widen(monkeypatch)
        classifier_replica.write(folder)
    flags = ("--runner=pooling", "--dtype=float32", "--served-model-name=reward")
    with vllm_serving(str(folder), *flags) as url:
        yield Vllm(url, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    classifier_replica.write(tmp_path)
    return tmp_path


@pytest.mark.engine
@pytest.mark.slow  # one more engine
@pytest.mark.parametrize("api", ["auto", "vllm-classify", "vllm-pooling"])
async def test_vllms_server_gives_the_rewards_of_transformers(vllm: Vllm, api: str) -> None:
    here = TransformersRewardModel.load(str(vllm.folder), device="cpu")
    expected = await calls.rewards(here, REQUEST, GIVEN)
    long = candidates(["水的污染" * 500])
    too_long = (await here.score(REQUEST, long))[0].failure
    here.close()
    spec = {"kind": "server", "url": f"{vllm.url}/v1", "api": api}
    async with open_reward_model(RewardPlan.of(Settings.load(rewards=[spec]))) as model:
        assert model is not None
        assert await calls.rewards(model, REQUEST, GIVEN) == pytest.approx(expected, abs=1e-5)
        assert (await model.score(REQUEST, long))[0].failure == too_long


async def test_bestofns_server_gives_its_own_rewards() -> None:
    settings = Settings()
    responses = ["8 - 5 = 3.", "It is 4.", "x" * 5000]
    request = Request.from_prompt("What is 8 - 5?")
    async with open_reward_model(RewardPlan.of(settings)) as reward_model:
        assert reward_model is not None
        expected = await reward_model.score(request, candidates(responses))
        pipeline = Pipeline(
            FakeGenerator(["never asked"]),
            build_selector(settings.selector),
            build_filters(settings.filters),
            reward_model,
        )
        async with (
            serving(create_app(settings, pipeline)) as url,
            open_reward_model(RewardPlan.of(Settings.load(reward_model=url))) as remote,
        ):
            assert remote is not None
            said = await remote.score(request, candidates(responses))
            assert await remote.score(request, []) == []
    rewards = [score.reward for score in said]
    assert rewards == pytest.approx([score.reward for score in expected], abs=1e-5)
    assert [_reason(score) for score in said] == [_reason(score) for score in expected]
    assert _reason(said[2]) == "too_long_for_reward_model"
    assert said[0].tokens > 0


STEPS = {f"step_{number}": 1.0 for number in range(65)}
"""Of a process reward, for a long answer."""


def _reason(score: Score) -> str | None:
    return None if score.failure is None else score.failure.reason


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (b'{"reward": 1.0, "components": {"a": 1e999, "b": 2.0}}', (1.0, {"b": 2.0}, 0, None)),
        (
            json.dumps({"reward": 1.0, "components": STEPS}).encode(),
            (1.0, STEPS, 0, None),
        ),
        (b'{"reward": 1.0, "cut": 99999999999}', (None, {}, 0, "reward_server_failed")),
        (
            b'{"reward": null, "failure": {"reason": "its <key>", "detail": "sk-1"}}',
            (None, {}, 0, "reward_server_failed"),
        ),
        (b'{"reward": null, "failure": {"reason": "too_long"}}', (None, {}, 0, "too_long")),
    ],
)
async def test_what_a_bestofn_server_says_besides_is_not_taken_at_its_word(
    item: bytes, expected: tuple[Any, ...]
) -> None:
    app = FastAPI()
    answered = b'{"data": [{"index": 0, %s]}' % item[1:]
    app.post("/v1/rewards")(lambda: Response(answered, media_type="application/json"))
    async with (
        serving(app) as url,
        open_http(url, root="/") as http,
    ):
        (score,) = await BestofnServer(ApiClient(http), None).score(REQUEST, candidates(["a"]))
    assert (score.reward, score.components, score.cut, _reason(score)) == expected
    assert "sk-1" not in str(score.failure)


async def test_a_server_has_only_so_many_reasons() -> None:
    """Each is a label of the metrics."""
    asked = itertools.count()
    app = FastAPI()

    @app.post("/v1/rewards")
    def rewards() -> dict[str, Any]:
        failure = {"reason": f"reason_{next(asked)}"}
        return {"data": [{"index": 0, "reward": None, "failure": failure}]}

    async with serving(app) as url, open_http(url, root="/") as http:
        server = BestofnServer(ApiClient(http), None)
        told = {_reason((await server.score(REQUEST, candidates(["a"])))[0]) for _ in range(100)}
    assert len(told) == MOST_REASONS


async def test_a_server_that_compares_is_sent_all_candidates_together() -> None:
    settings = Settings()
    texts = ["one", "two, which is longer", "three, the longest of them"]
    reward_model = FakeRewardModel(lambda _, candidate: len(candidate.text), compares=True)
    there = Pipeline(
        FakeGenerator(["never asked"]), build_selector(settings.selector), (), reward_model
    )
    async with serving(create_app(settings, there)) as url, _opened(url) as remote:
        apart = [FakeCompletion(text, delay=0.3 * at) for at, text in enumerate(texts)]
        here = Pipeline(FakeGenerator(apart), ArgmaxSelector(), (), remote)
        ranking = await best_of_n(Request.from_prompt("?", best_of=3), here)
    assert ranking.ranked[0].candidate.text == texts[2]
    (call,) = reward_model.calls
    assert sorted(each.text for each in call[1]) == sorted(texts)


async def test_a_server_that_does_not_say_whether_it_compares_is_refused() -> None:
    app = FastAPI()
    app.post("/v1/rewards")(lambda: None)
    app.get("/v1/models", status_code=502)(lambda: None)
    async with serving(app) as url:
        with pytest.raises(ConfigError, match="answers 502 where it lists its models"):
            async with _opened(url):
                pass


def _opened(url: str, **settings: Any) -> AbstractAsyncContextManager[RewardModel]:
    return open_reward_server(RewardServerSettings(url=url, **settings))


async def _said(app: FastAPI, tokenizer: str | None = None) -> list[float]:
    async with serving(app) as url, _opened(url, tokenizer=tokenizer) as model:
        return await calls.rewards(model, REQUEST, GIVEN)


async def test_sglang_reads_the_tokens(folder: Path) -> None:
    texts = load_text_maker(str(folder)).of_candidates(REQUEST, GIVEN)
    ids = [text.ids for text in texts if not hasattr(text, "reason")]
    assert await _said(stubs.sglang(), str(folder)) == [stubs.reward(each) for each in ids]


async def test_tei_reads_the_text(folder: Path) -> None:
    texts = load_text_maker(str(folder)).renderer.render(REQUEST, GIVEN)
    said = await _said(stubs.tei("classifier"), str(folder))
    assert said == [stubs.reward(text) for text in texts]
    async with (
        serving(stubs.tei("classifier")) as url,
        _opened(url, tokenizer=str(folder)) as model,
    ):
        long, short = await model.score(REQUEST, candidates(["a" * 500, "b"]))
    assert long.failure is not None
    assert long.failure.reason == "reward_server_refused"
    assert "longer than its model's context" in long.failure.detail
    assert short.reward is not None


async def test_rerankers_see_query_and_documents() -> None:
    expected = [stubs.reward(each.text) for each in GIVEN]
    assert await _said(stubs.tei("reranker")) == expected
    assert await _said(stubs.jina()) == expected


@pytest.mark.parametrize("app", [stubs.sglang(stubs.sigmoid), stubs.jina(stubs.sigmoid)])
async def test_a_sigmoid_is_refused_or_accepted_knowingly(app: FastAPI, folder: Path) -> None:
    source = str(folder) if any(r.path == "/classify" for r in app.routes) else None  # type: ignore[attr-defined]
    async with serving(app) as url:
        with pytest.raises(ConfigError, match=r"all lie between 0 and 1.*check_activation: false"):
            async with _opened(url, tokenizer=source):
                pass
        async with _opened(url, tokenizer=source, check_activation=False) as model:
            assert all(0 < each < 1 for each in await calls.rewards(model, REQUEST, GIVEN))


async def test_what_is_wrong_with_a_server_is_one_sentence(folder: Path) -> None:
    for app, sentence in (
        (FastAPI(), r"how it is asked for rewards cannot be told; name api: bestofn, vllm-class"),
        (stubs.tei("classifier", labels=3), "it gives 3 numbers for a text: a reward is one"),
        (stubs.jina(drop=1), "numbers 3 documents of 4"),
    ):
        async with serving(app) as url:
            with pytest.raises(ConfigError, match=sentence):
                async with _opened(url, tokenizer=_needed(app, folder)):
                    pass
    with pytest.raises(ConfigError, match=r"http://127.0.0.1:9 cannot be reached"):
        async with _opened("http://127.0.0.1:9"):
            pass
    async with serving(stubs.jina()) as url:
        given = {"tokenizer": str(folder), "reasoning": True, "too_long": "truncate_left"}
        said = "makes its own texts: leave out tokenizer and reasoning and too_long"
        with pytest.raises(ConfigError, match=said):
            async with _opened(url, **given):
                pass


def _needed(app: FastAPI, folder: Path) -> str | None:
    return str(folder) if any(getattr(r, "path", "") == "/predict" for r in app.routes) else None


async def test_a_server_that_goes_away_fails_the_scoring(folder: Path) -> None:
    async with serving(stubs.sglang()) as url:
        opened = _opened(url, tokenizer=str(folder))
        model = await opened.__aenter__()
    with pytest.raises(RewardError, match="the reward server cannot be reached"):
        await model.score(REQUEST, GIVEN)
    await opened.__aexit__(None, None, None)


async def test_a_reply_of_another_form_is_no_reward(folder: Path) -> None:
    app = FastAPI()

    @app.post("/classify")
    async def classify() -> dict[str, list[str]]:
        return {"data": []}

    async with serving(app) as url:
        opened = _opened(url, api="vllm-classify", tokenizer=str(folder), check_activation=False)
        async with opened as model:
            with pytest.raises(
                RewardError, match=r"answers in another form: data: must not be empty"
            ):
                await model.score(REQUEST, GIVEN)
