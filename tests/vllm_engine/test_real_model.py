"""A real small chat model, of `python -m benchmarks.real_model`, on vLLM and transformers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.real_model import ENGINE_ARGS, real_model
from bestofn import Pipeline, Settings, best_of_n, open_pipeline
from bestofn.builders.choosing import build_answer_key
from bestofn.builders.stopping import stopped_by
from bestofn.core.types import Candidate, Request
from bestofn.settings.sections import AnswerKeySettings
from bestofn.settings.stopping import StopSettings

FOLDER = real_model()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.engine,
    pytest.mark.timeout(900),  # an engine of its own, over a model that costs something
    pytest.mark.skipif(
        FOLDER is None, reason="not made yet: python -m benchmarks.real_model (make real-model)"
    ),
]

PROMPTS = [
    *(f"What is the capital of {country}?" for country in ("France", "Japan", "Peru", "Kenya")),
    *(f"What is {a} + {b}?" for a, b in ((2, 3), (17, 5), (40, 2))),
    *(f"What is the opposite of {word}?" for word in ("hot", "tall", "early")),
    "Write one sentence about a garden in spring.",
    "Name three primary colours, as a JSON list.",
    "Translate to Spanish: good morning.",
    "Écris une phrase sur la mer.",
    "请用一句话介绍你自己。",
    "Write a Python function that adds two numbers.",
    "List the days of the week.",
    "Who are you?",
    "Explain in two sentences why the sky is blue.",
    "Repeat after me: one two three",
]
TOKENS = 24
"""Of each greedy answer."""


@pytest.fixture(scope="module")
async def real() -> AsyncIterator[Pipeline]:
    """The model on vLLM, without a reward model."""
    settings = Settings(
        model=str(FOLDER), reward_model="none", engine="vllm", engine_args=[*ENGINE_ARGS]
    )
    async with open_pipeline(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def plain() -> tuple[Any, Any]:
    """The model and its tokenizer in transformers."""
    auto: Any = AutoModelForCausalLM
    folder = str(FOLDER)
    return auto.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


async def _sample(pipeline: Pipeline, prompt: str, **fields: Any) -> Candidate:
    request = Request.from_prompt(prompt, best_of=1, **fields)
    return await anext(pipeline.generator.sample(request, [0]))


def _prompt_ids(tokenizer: Any, prompt: str) -> list[int]:
    chat = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


async def test_vllm_and_transformers_give_the_same_greedy_answers(
    real: Pipeline, plain: tuple[Any, Any]
) -> None:
    assert len(set(PROMPTS)) == 20
    model, tokenizer = plain
    found = await asyncio.gather(
        *(_sample(real, prompt, temperature=0, max_tokens=TOKENS) for prompt in PROMPTS)
    )
    for prompt, candidate in zip(PROMPTS, found, strict=True):
        ids = _prompt_ids(tokenizer, prompt)
        assert candidate.prompt_tokens == len(ids), "its own chat template makes the prompt"
        assert candidate.token_ids is not None
        answer = list(candidate.token_ids)
        # One forward instead of a token after the other: where each token is the likeliest behind
        # those before it, greedy decoding finds the same.
        with torch.inference_mode():
            logits = model(torch.tensor([[*ids, *answer]])).logits[0, len(ids) - 1 : -1]
        expected = logits.argmax(-1).tolist()
        assert answer == expected, prompt
        text = tokenizer.decode(expected, skip_special_tokens=True)
        assert candidate.text == text.removesuffix("\ufffd"), "a cut character is left out"
        stopped = expected[-1] == tokenizer.eos_token_id
        assert candidate.finish_reason == ("stop" if stopped else "length")


async def test_logprobs_are_those_of_the_model(real: Pipeline, plain: tuple[Any, Any]) -> None:
    model, tokenizer = plain
    options = {"logprobs": True, "top_logprobs": 3}
    candidate = await _sample(real, PROMPTS[0], temperature=0, max_tokens=TOKENS, options=options)
    assert candidate.logprobs is not None
    assert candidate.token_ids is not None
    ids = _prompt_ids(tokenizer, PROMPTS[0])
    answer = list(candidate.token_ids)
    with torch.inference_mode():
        logits = model(torch.tensor([[*ids, *answer]])).logits[0, len(ids) - 1 : -1]
    expected = logits.log_softmax(-1)[range(len(answer)), answer].tolist()
    found = [each["logprob"] for each in candidate.logprobs["content"]]
    assert found == pytest.approx(expected, abs=2e-3)


async def test_long_answers_end_by_themselves_or_say_why_not(real: Pipeline) -> None:
    request = Request.from_prompt(
        "Write a long story about a lighthouse.", best_of=6, max_tokens=400, temperature=1, seed=3
    )
    ranking = await best_of_n(request, real)
    assert len(ranking.candidates) == 6
    for candidate in (each.candidate for each in ranking.candidates):
        assert candidate.finish_reason in ("stop", "length", "repetition")
        assert "<|im_" not in candidate.text
        assert (candidate.completion_tokens == 400) == (candidate.finish_reason == "length")
    assert max(each.candidate.completion_tokens or 0 for each in ranking.candidates) > 100


async def test_a_stop_string_and_a_system_message_count(real: Pipeline) -> None:
    counted = await _sample(
        real, "Count: one, two, three, four, five.", temperature=0, options={"stop": ["three"]}
    )
    assert "three" not in counted.text
    bare = await _sample(real, "Hi.", temperature=0, max_tokens=4)
    request = Request.from_prompt("Hi.", system="You are a pirate.", best_of=1, max_tokens=4)
    led = await anext(real.generator.sample(request, [0]))
    assert bare.prompt_tokens != led.prompt_tokens


@pytest.mark.parametrize("prompt", ["What is the capital of France?", "天空是什么颜色的？"])
async def test_rules_read_a_logprob_of_every_token_that_counted(
    real: Pipeline, prompt: str
) -> None:
    request = Request.from_prompt(prompt, best_of=8, max_tokens=48, temperature=1, seed=5)
    ranking = await best_of_n(request, real)
    for candidate in (each.candidate for each in ranking.candidates):
        assert candidate.token_logprobs is not None
        assert len(candidate.token_logprobs) == candidate.completion_tokens
        assert candidate.mean_logprob == pytest.approx(fmean(candidate.token_logprobs))
        assert candidate.logprobs is None, "the client did not ask for them"
        assert "\ufffd" not in candidate.text
    several = sum(each.accepted for each in ranking.candidates) > 1
    assert (ranking.confidence is not None) == several


async def test_what_a_rule_stops_has_cost_what_it_had_come_to(real: Pipeline) -> None:
    stop = StopSettings(rule="accepted", count=4)
    pipeline = stopped_by(stop, build_answer_key(AnswerKeySettings()), real)
    request = Request.from_prompt(PROMPTS[0], best_of=16, max_tokens=100, temperature=1, seed=7)
    ranking = await best_of_n(request, pipeline)
    stopped = [each for each in ranking.candidates if each.stopped == "accepted"]
    done = [each for each in ranking.candidates if each.stopped is None]
    assert ranking.stopped_by == "accepted"
    assert stopped
    longest = max(each.candidate.completion_tokens or 0 for each in done)
    for each in stopped:
        assert 0 < (each.candidate.completion_tokens or 0) <= longest + 8


async def test_json_that_is_asked_for_parses_and_votes(real: Pipeline) -> None:
    schema = {
        "type": "object",
        "properties": {"capital": {"type": "string", "maxLength": 20}},
        "required": ["capital"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    request = Request.from_prompt(
        "What is the capital of France? Answer in JSON.",
        best_of=6,
        max_tokens=64,
        temperature=1,
        seed=9,
        options={"response_format": wanted},
    )
    ranking = await best_of_n(request, real)
    assert ranking.winner is not None
    assert [*json.loads(ranking.winner.text)] == ["capital"]
    assert ranking.chosen_by is not None
    assert ranking.chosen_by.answer_key == "json"


def test_the_folder_is_whole() -> None:
    assert FOLDER is not None
    names = {path.name for path in Path(FOLDER).iterdir()}
    assert {"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors"} <= names
