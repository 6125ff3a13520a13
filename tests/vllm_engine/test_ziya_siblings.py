"""Ziya-LLaMA-13B-v1's layout on the real engine, in process and behind vLLM's own server.

Neither the checkpoint nor the server has a chat template. The prompt's tokens are those of the form
written out by hand, and both ways in give the same greedy answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bestofn import Pipeline, Settings, open_pipeline
from bestofn.core.types import Candidate, Request
from bestofn.generators.vllm import VllmGenerator
from bestofn.vllm_engine.arguments import CPU_DEFAULTS
from tests.support import ziya_generator
from tests.support.vllm_serving import SMALL, vllm_serving

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(400)]

QUESTION = "天空是什么颜色？"
ONE = ({"role": "user", "content": f"{QUESTION} "},)
TURNS = (*ONE, {"role": "assistant", "content": "蓝色。"}, {"role": "user", "content": "谢谢"})
FIRST = f"<human>:{QUESTION}\n<bot>:"
BY_HAND: Sequence[tuple[Any, tuple[str | int, ...]]] = (
    (ONE, (FIRST,)),
    (TURNS, (f"{FIRST}蓝色。", ziya_generator.EOS, "<human>:谢谢\n<bot>:")),
)


async def _greedy(pipeline: Pipeline, messages: Any, **fields: Any) -> Candidate:
    further = {"ignore_eos": True}  # random weights may like the end best
    request = Request(messages, best_of=1, temperature=0, max_tokens=16, options=further, **fields)
    sampling = pipeline.generator.sample(request, [0])
    found = [candidate async for candidate in sampling]
    await sampling.aclose()
    return found[0]


async def test_both_ways_in_read_the_form_written_out_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "Ziya-LLaMA-13B-v1"
    ziya_generator.write(folder)
    answers: list[list[str]] = []
    settings = Settings(model=str(folder), engine="vllm", engine_args=list(SMALL), filters=[])
    async with open_pipeline(settings) as pipeline:
        generator = pipeline.generator
        assert isinstance(generator, VllmGenerator)
        for messages, by_hand in BY_HAND:
            body = {"messages": list(messages), "max_tokens": 1, "return_token_ids": True}
            answer = await generator.answer("chat/completions", body)
            assert answer["prompt_token_ids"] == ziya_generator.ids_of(folder, *by_hand)
        answers.append([(await _greedy(pipeline, messages)).text for messages, _ in BY_HAND])
        read = await _greedy(pipeline, ONE, token_logprobs=True)
        assert read.token_logprobs is not None
        assert len(read.token_logprobs) == read.completion_tokens
        raw = ({"role": "user", "content": FIRST},)
        assert (await _greedy(pipeline, raw, raw=True)).text == answers[0][0]
    name = f"--served-model-name={folder.name}"
    with vllm_serving(str(folder), name, *CPU_DEFAULTS) as url:
        over = Settings(upstream=url, filters=[])
        async with open_pipeline(over) as pipeline:
            found = [await _greedy(pipeline, messages) for messages, _ in BY_HAND]
    answers.append([each.text for each in found])
    assert answers[0] == answers[1]
    assert all(each.completion_tokens for each in found)  # a random model may say no letter
    lengths = [len(ziya_generator.ids_of(folder, *by_hand)) for _, by_hand in BY_HAND]
    assert [each.prompt_tokens for each in found] == lengths
