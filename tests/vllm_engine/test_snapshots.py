"""Snapshots of the real engine: what is seen on the way, and that an abort ends the work."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY
from tokenizers import Tokenizer

from bestofn import embedded
from bestofn.control.loops import Loops
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request
from bestofn.generators.vllm import VllmGenerator

pytestmark = pytest.mark.engine

QUESTION = "What is 7 + 5?"
ENDLESS = {"ignore_eos": True, "repetition_detection": None}
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
}


def _metric(name: str) -> float:
    """The sum of one of vLLM's own metrics over all engines."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name
    )


async def _all(generator: VllmGenerator, request: Request) -> tuple[list[Candidate], ...]:
    """(the finished by index, the snapshots in order)."""
    sampling = generator.sample(request, range(request.best_of))
    come = [candidate async for candidate in sampling]
    await sampling.aclose()
    finished = [each for each in come if each.finish_reason is not None]
    assert sorted(each.index for each in finished) == list(range(request.best_of))
    snapshots = [each for each in come if each.finish_reason is None]
    return sorted(finished, key=lambda each: each.index), snapshots


@pytest.mark.parametrize("raw", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_snapshots_are_beginnings_and_change_nothing(
    vllm_generator: VllmGenerator, raw: bool
) -> None:
    request = Request.from_prompt(
        QUESTION, best_of=3, seed=3, max_tokens=300, options=ENDLESS, raw=raw
    )
    plain, none = await _all(vllm_generator, request)
    assert none == []
    wanted = dataclasses.replace(request, snapshot_tokens=16)
    finished, snapshots = await _all(vllm_generator, wanted)
    assert [each.token_ids for each in finished] == [each.token_ids for each in plain]
    assert [each.message for each in finished] == [each.message for each in plain]
    assert len(snapshots) >= 6
    for index, whole in enumerate(finished):
        mine = [each for each in snapshots if each.index == index]
        tokens = [each.completion_tokens or 0 for each in mine]
        assert tokens == sorted(tokens)
        assert tokens[0] >= 16
        assert all(later >= earlier + 16 for earlier, later in itertools.pairwise(tokens))
        assert all(whole.text.startswith(each.text) for each in mine)
        assert {(each.seed, each.vouched) for each in mine} == {(3 + index, True)}


async def test_half_a_tool_call_does_no_harm(
    vllm_generator: VllmGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request.from_prompt(
        QUESTION,
        best_of=2,
        seed=1,
        max_tokens=60,
        options={"tools": [TOOL], "tool_choice": "auto", "ignore_eos": True},
        snapshot_tokens=4,
    )
    engine = vllm_generator.engine
    _, snapshots = await _all(vllm_generator, request)
    assert snapshots
    for each in snapshots:
        assert isinstance(each.text, str)

    class State:
        prompt_token_ids = None

        class detokenizer:  # noqa: N801
            output_text = '<tool_call>\n{"name": "add", "arguments": {"a": "b'
            output_token_ids = (1, 2, 3)

            @staticmethod
            def num_output_tokens() -> int:
                return 3

    body: dict[str, Any] = vllm_generator._body(request, 0)
    asked = engine._routes["chat/completions"].request_type(**body)
    monkeypatch.setattr(engine._so_far, "_state", lambda engine_id: State)
    found = engine._so_far.message("x", asked)
    assert found is not None
    assert (found[1], found[0]["role"]) == (3, "assistant")
    assert "tool_calls" not in found[0], "half a call is none"


async def test_a_loop_is_stopped_in_the_engine_and_no_longer_decoded(pipeline: Pipeline) -> None:
    """The running count and the generated tokens are the engine's own."""
    generator = pipeline.generator
    assert isinstance(generator, VllmGenerator)
    vocabulary = Tokenizer.from_file(str(embedded.generator_path() / "tokenizer.json")).get_vocab()
    word = min(
        number for token, number in vocabulary.items() if re.fullmatch("[Ġ▁][a-z]{4,}", token)
    )
    forced = {**ENDLESS, "logit_bias": {str(word): 100}}
    request = Request.from_prompt(QUESTION, best_of=4, seed=1, max_tokens=900, options=forced)
    before = _metric("vllm:generation_tokens_total")
    policy = Policy("best_rejected", max_rounds=1, mid_decode=Loops())
    task = asyncio.create_task(best_of_n(request, dataclasses.replace(pipeline, policy=policy)))
    most = 0.0
    while not task.done():
        await asyncio.sleep(0.005)
        most = max(most, _metric("vllm:num_requests_running"))
        if most > 1 and _metric("vllm:num_requests_running") == 1:
            break
    assert most > 1
    assert not task.done(), "three are aborted, and the last runs on"
    ranking = await task
    assert ranking.stopped == {"loops": 3}
    assert _metric("vllm:num_requests_running") == 0
    counted = [each.candidate.completion_tokens or 0 for each in ranking.candidates]
    assert sorted(counted)[3] == 900
    assert all(0 < tokens < 450 for tokens in sorted(counted)[:3])
    assert sum(counted) <= _metric("vllm:generation_tokens_total") - before < 3 * 900
    assert ranking.usage.completion_tokens == sum(counted)
