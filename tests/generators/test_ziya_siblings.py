"""Ziya-LLaMA-13B's siblings, as replicas without a chat template: in process and over an upstream.

The upstream is a server on the same replica that has no chat template either, so that it takes raw
completions alone. The tokens of a prompt are those of the form written out by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bestofn import Pipeline, Settings, open_pipeline
from bestofn.core.types import Candidate, Request
from bestofn.generators.transformers import TransformersGenerator
from bestofn.selection.consensus import ConsensusSelector
from bestofn_server.app import create_app
from tests.support import ziya_generator
from tests.support.serving import client_of, serving

pytestmark = pytest.mark.model

QUESTION = "天空是什么颜色？"
ONE = ({"role": "user", "content": f" {QUESTION}\n"},)
TURNS = (*ONE, {"role": "assistant", "content": "蓝色。"}, {"role": "user", "content": "谢谢"})
FIRST = f"<human>:{QUESTION}\n<bot>:"
BY_HAND: Sequence[tuple[Any, tuple[str | int, ...]]] = (
    (ONE, (FIRST,)),
    (TURNS, (f"{FIRST}蓝色。", ziya_generator.EOS, "<human>:谢谢\n<bot>:")),
)
"""Conversations, and the pieces between which the end token stands."""

PRETRAINED = "Ziya-LLaMA-13B-Pretrain-v1"


@pytest.fixture(scope="module", params=["Ziya-LLaMA-13B-v1", "Ziya-LLaMA-13B-v1.1"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / str(request.param)
    ziya_generator.write(made)
    return made


@pytest.fixture
async def in_process(folder: Path) -> AsyncIterator[Pipeline]:
    async with open_pipeline(_settings(model=str(folder), engine="transformers")) as opened:
        yield opened


@pytest.fixture
async def over_upstream(folder: Path) -> AsyncIterator[Pipeline]:
    """Of a server that would refuse a chat."""
    bare = TransformersGenerator.load(str(folder))
    app = create_app(Settings(model=folder.name, best_of=1), Pipeline(bare, ConsensusSelector()))
    async with (
        serving(app) as url,
        open_pipeline(_settings(upstream=url, model=folder.name)) as opened,
    ):
        yield opened
    bare.close()


def _settings(**named: Any) -> Settings:
    return Settings(filters=[], best_of=2, **named)


async def _all(pipeline: Pipeline, **fields: Any) -> list[Candidate]:
    request = Request(best_of=2, max_tokens=12, **fields)
    sampling = pipeline.generator.sample(request, range(request.best_of))
    found = [candidate async for candidate in sampling]
    await sampling.aclose()
    return sorted(found, key=lambda each: each.index)


@pytest.fixture(params=["in_process", "over_upstream"])
def way_in(request: pytest.FixtureRequest) -> Pipeline:
    opened: Pipeline = request.getfixturevalue(request.param)
    return opened


@pytest.mark.parametrize(("messages", "by_hand"), BY_HAND, ids=["one", "turns"])
async def test_a_chat_is_answered_as_the_form_written_out_by_hand(
    way_in: Pipeline, folder: Path, messages: Any, by_hand: tuple[str | int, ...]
) -> None:
    ids = ziya_generator.ids_of(folder, *by_hand)
    text = "".join("</s>" if isinstance(each, int) else each for each in by_hand)
    chat = await _all(way_in, messages=messages, seed=3)
    raw = await _all(way_in, messages=({"role": "user", "content": text},), raw=True, seed=3)
    assert [each.prompt_tokens for each in chat] == [len(ids)] * 2
    assert [each.text for each in chat] == [each.text for each in raw]
    assert all(each.text and each.error is None for each in chat)
    assert chat[0].text != chat[1].text
    assert {each.message["role"] for each in chat} == {"assistant"}


async def test_the_tokens_of_the_prompt_are_those_of_the_form(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_pipeline(_settings(model=str(folder), engine="transformers")) as opened:
        read: list[list[int]] = []
        model: Any = opened.generator._model  # type: ignore[attr-defined]
        forward = model.forward

        def watched(ids: Any = None, *given: Any, **named: Any) -> Any:
            read.append(ids[0].tolist())
            return forward(ids, *given, **named)

        monkeypatch.setattr(model, "forward", watched)
        for messages, by_hand in BY_HAND:
            read.clear()
            await _all(opened, messages=messages, seed=1)
            assert read[0] == ziya_generator.ids_of(folder, *by_hand)


async def test_it_is_passed_through_and_ranked_by_the_server(
    over_upstream: Pipeline, folder: Path
) -> None:
    app = create_app(Settings(best_of=2), over_upstream)
    body = {"messages": list(ONE), "max_tokens": 8, "temperature": 0}
    async with client_of(app) as client:
        alone = await client.post("/v1/chat/completions", json={**body, "best_of": 1})
        assert alone.status_code == 200, alone.text
        ranked = await client.post(
            "/v1/chat/completions", json={**body, "temperature": 1, "best_of": 2, "seed": 1}
        )
        assert ranked.status_code == 200, ranked.text
        tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
        refused = await client.post("/v1/chat/completions", json={**body, "tools": tools})
    read = len(ziya_generator.ids_of(folder, FIRST))
    assert alone.json()["usage"]["prompt_tokens"] == read
    assert alone.json()["choices"][0]["message"]["role"] == "assistant"
    assert alone.json()["object"] == "chat.completion"
    assert ranked.json()["bestofn"]["sampled"] == 2
    assert refused.status_code == 400
    assert "raw completion" in refused.json()["error"]["message"]


async def test_the_base_model_continues_texts_and_refuses_chats(tmp_path: Path) -> None:
    ziya_generator.write(tmp_path / PRETRAINED)
    settings = _settings(model=str(tmp_path / PRETRAINED), engine="transformers")
    async with open_pipeline(settings) as opened:
        app = create_app(settings, opened)
        async with client_of(app) as client:
            body: dict[str, Any] = {"max_tokens": 8, "best_of": 2, "seed": 1}
            raw = await client.post("/v1/completions", json={**body, "prompt": "天空"})
            chat = await client.post("/v1/chat/completions", json={**body, "messages": list(ONE)})
    assert raw.status_code == 200, raw.text
    assert raw.json()["choices"][0]["text"]
    assert raw.json()["bestofn"]["sampled"] == 2
    assert chat.status_code == 400, chat.text
    assert "no chat template" in chat.json()["error"]["message"]
