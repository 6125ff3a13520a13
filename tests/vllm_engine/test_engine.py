"""The contract with vLLM, on the real engine: run it whenever vLLM's version is raised."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, ModelError, RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.token_details import details_of
from bestofn.core.types import Candidate, Request
from bestofn.generators.vllm import VllmGenerator
from bestofn.vllm_engine import engine as vllm_engine
from bestofn.vllm_engine.arguments import parse_arguments

pytestmark = pytest.mark.engine

QUESTION = "What is 7 + 5?"
ENDLESS = {"ignore_eos": True, "repetition_detection": None}


async def _one(generator: VllmGenerator, **options: Any) -> Candidate:
    request = Request.from_prompt(QUESTION, best_of=1, seed=1, max_tokens=60, options=options)
    return await anext(generator.sample(request, [0]))


def _idle(generator: VllmGenerator) -> bool:
    return not generator.engine.llm.output_processor.has_unfinished_requests()


async def test_what_was_cached_is_told_and_that_no_thoughts_were_taken_out(
    vllm_generator: VllmGenerator,
) -> None:
    prompt = "What is the sum of all of these? " + "41 and " * 60
    requests = [
        Request.from_prompt(prompt, best_of=2, seed=seed, max_tokens=3) for seed in range(2)
    ]
    told = []
    for request in requests:
        found = [each async for each in vllm_generator.sample(request, [0, 1])]
        told.append(details_of(found))
    assert [details.completion for details in told] == [{"reasoning_tokens": 0}] * 2
    first, second = (details.prompt["cached_tokens"] for details in told)
    assert first < second <= (found[0].prompt_tokens or 0), "the first left it in the cache"


async def test_a_loop_is_stopped_during_decoding(vllm_generator: VllmGenerator) -> None:
    plain = await _one(vllm_generator)
    assert plain.token_ids is not None
    forced = {"logit_bias": {str(plain.token_ids[0]): 100}, "ignore_eos": True}
    looping = await _one(vllm_generator, **forced)
    assert (looping.finish_reason, looping.completion_tokens) == ("repetition", 16)
    off = await _one(vllm_generator, **forced, repetition_detection=None)
    assert (off.finish_reason, off.completion_tokens) == ("length", 60)


async def test_structured_output_reaches_the_engine(vllm_generator: VllmGenerator) -> None:
    schema = {"type": "string", "enum": ["left", "right"]}
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    candidate = await _one(vllm_generator, response_format=asked)
    assert json.loads(candidate.text) in {"left", "right"}


async def test_logprobs_come_back(vllm_generator: VllmGenerator) -> None:
    candidate = await _one(vllm_generator, logprobs=True, top_logprobs=2)
    assert candidate.logprobs is not None
    assert candidate.token_ids is not None
    assert len(candidate.logprobs["content"]) == len(candidate.token_ids)
    assert len(candidate.logprobs["content"][0]["top_logprobs"]) == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"top_p": 7}, "top_p"),
        ({"logit_bias": {"999999": 1}}, "999999"),
        ({"response_format": {"type": "nonsense"}}, "response_format"),
        ({"model": "another"}, "another"),
    ],
)
async def test_what_vllm_refuses_is_a_request_error(
    vllm_generator: VllmGenerator, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(RequestError) as caught:
        await _one(vllm_generator, **options)
    assert word in str(caught.value)
    assert _idle(vllm_generator)


@pytest.mark.parametrize(
    "constraint",
    [
        {"grammar": "root ::= root root"},  # parses, and recurses for ever
        {"grammar": 'root ::= "a" rest\nrest ::= rest'},  # the second token is none
        {"grammar": "root ::= one\none ::= root"},
    ],
)
async def test_a_grammar_that_the_engine_cannot_follow_is_a_request_error(
    pipeline: Pipeline, constraint: dict[str, str]
) -> None:
    asked = {"structured_outputs": constraint}
    sentence = "structured_outputs: the engine cannot follow it"
    request = Request.from_prompt(QUESTION, best_of=4, max_tokens=8, options=asked)
    with pytest.raises(RequestError, match=sentence):
        await best_of_n(request, pipeline)
    raw = Request.from_prompt(QUESTION, best_of=2, max_tokens=8, raw=True, options=asked)
    with pytest.raises(RequestError, match=sentence):
        await best_of_n(raw, pipeline)
    assert pipeline.forwarder is not None
    body = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 8, **asked}
    with pytest.raises(RequestError, match=sentence):
        await pipeline.forwarder.answer("chat/completions", body)
    with pytest.raises(RequestError, match=sentence):
        async for _ in await pipeline.forwarder.stream("chat/completions", body):
            pass
    assert isinstance(pipeline.generator, VllmGenerator)
    assert (await _one(pipeline.generator)).text


async def test_fields_of_openai_that_vllm_lacks_are_taken_and_named(pipeline: Pipeline) -> None:
    options = {
        **{"metadata": {"a": "b"}, "store": True, "service_tier": "auto", "verbosity": "low"},
        **{"prediction": {"type": "content", "content": "3"}, "safety_identifier": "s"},
        **dict.fromkeys(("functions", "function_call", "modalities", "audio", "prompt_cache_key")),
    }
    request = Request.from_prompt(QUESTION, best_of=1, max_tokens=4, seed=1, options=options)
    ranking = await best_of_n(request, pipeline)
    (note,) = ranking.notes
    assert "metadata" in note
    assert "functions" not in note
    assert pipeline.forwarder is not None
    body = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 4, **options}
    assert (await pipeline.forwarder.answer("chat/completions", body))["choices"]
    wrong = Request.from_prompt(QUESTION, best_of=1, options={"metdata": None})
    with pytest.raises(RequestError, match="knows no request field metdata"):
        await best_of_n(wrong, pipeline)


async def test_cancelling_best_of_n_frees_the_engine(pipeline: Pipeline) -> None:
    assert isinstance(pipeline.generator, VllmGenerator)
    request = Request.from_prompt(QUESTION, best_of=8, max_tokens=900, options=ENDLESS)
    task = asyncio.create_task(best_of_n(request, pipeline))
    while _idle(pipeline.generator):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _idle(pipeline.generator)


async def test_an_aborted_candidate_keeps_its_text(vllm_generator: VllmGenerator) -> None:
    request = Request.from_prompt(QUESTION, best_of=2, max_tokens=900, options=ENDLESS)
    sampling = vllm_generator.sample(request, [0, 1])
    await asyncio.sleep(0.5)
    sampling.abort(0)
    first = await anext(sampling)
    await sampling.aclose()
    assert (first.index, first.finish_reason) == (0, "abort")
    assert first.text
    assert 0 < (first.completion_tokens or 0) < 900
    assert _idle(vllm_generator)


@pytest.mark.slow
async def test_seeded_prompts_of_many_tokens_do_not_kill_the_engine(
    vllm_generator: VllmGenerator,
) -> None:
    """On the CPU a seeded request whose prompt is prefilled in chunks would; see CPU_DEFAULTS."""
    requests = [
        Request.from_prompt(f"{at} " + "seven " * 120, best_of=1, max_tokens=2, seed=at)
        for at in range(24)
    ]
    samplings = [vllm_generator.sample(request, [0]) for request in requests]
    candidates = await asyncio.gather(*(anext(sampling) for sampling in samplings))
    assert sum(candidate.prompt_tokens or 0 for candidate in candidates) > 2048
    assert not vllm_generator.engine.dead


def test_flags_of_the_users_come_after_ours() -> None:
    for flags, told in (([], True), (["--no-enable-prompt-tokens-details"], False)):
        assert parse_arguments("x", flags).enable_prompt_tokens_details is told


async def test_a_wrong_engine_argument_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"does not take these engine arguments.*no-such-flag"):
        async with vllm_engine.open_engine("x", ["--no-such-flag"]):
            pass


async def test_a_model_that_is_nowhere_is_one_sentence() -> None:
    with pytest.raises(ModelError, match="vLLM cannot load /no/such/model: ") as caught:
        async with vllm_engine.open_engine("/no/such/model"):
            pass
    assert "\n" not in str(caught.value)
