"""What every generator promises, on the real ones: vLLM, transformers, and vLLM's own server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Generator, Sampling
from bestofn.core.types import Candidate, Request
from bestofn.generators import openai
from bestofn.generators.openai import OpenAIGenerator
from bestofn.selection.argmax import ArgmaxSelector

pytestmark = pytest.mark.engine

QUESTION = "What is 7 + 5?"


class WithTokenIds:
    """A server's candidates with the ids of their tokens, which vLLM gives where it is asked."""

    def __init__(self, generator: OpenAIGenerator) -> None:
        self._generator = generator

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        options = {**request.options, "return_token_ids": True}
        return self._generator.sample(replace(request, options=options), indices)


@pytest.fixture(scope="session")
async def openai_generator(vllm_server: str) -> AsyncIterator[Generator]:
    async with openai.openai_generator(vllm_server) as generator:
        yield WithTokenIds(generator)


@pytest.fixture(params=["vllm", "transformers", pytest.param("openai", marks=pytest.mark.slow)])
def generator(request: pytest.FixtureRequest) -> Generator:
    made: Generator = request.getfixturevalue(f"{request.param}_generator")
    return made


async def _all(generator: Generator, request: Request) -> dict[int, Candidate]:
    sampling = generator.sample(request, range(request.best_of))
    found = {candidate.index: candidate async for candidate in sampling}
    await sampling.aclose()
    return found


async def test_every_index_comes_once_with_its_counts(generator: Generator) -> None:
    request = Request.from_prompt(QUESTION, best_of=6, seed=1)
    found = await _all(generator, request)
    assert sorted(found) == list(range(6))
    for index, candidate in found.items():
        assert candidate.error is None
        assert candidate.seed == 1 + index
        assert candidate.message["role"] == "assistant"
        assert candidate.finish_reason in {"stop", "length", "repetition"}
        assert candidate.token_ids is not None
        assert candidate.completion_tokens == len(candidate.token_ids)
        assert candidate.prompt_tokens
        assert "</s>" not in candidate.text
        told = None if candidate.details is None else dict(candidate.details.completion)
        assert told == (None if isinstance(generator, WithTokenIds) else {"reasoning_tokens": 0})
    assert len({candidate.text for candidate in found.values()}) > 1


async def test_a_seed_repeats_the_run_and_another_does_not(generator: Generator) -> None:
    texts = []
    for seed in (5, 5, 77):
        found = await _all(generator, Request.from_prompt(QUESTION, best_of=4, seed=seed))
        texts.append([found[index].token_ids for index in range(4)])
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


async def test_candidate_i_samples_with_seed_plus_i(generator: Generator) -> None:
    four = await _all(generator, Request.from_prompt(QUESTION, best_of=4, seed=5))
    two = await _all(generator, Request.from_prompt(QUESTION, best_of=2, seed=7))
    assert [four[2].token_ids, four[3].token_ids] == [two[0].token_ids, two[1].token_ids]


async def test_max_tokens_cuts_with_length(generator: Generator) -> None:
    found = await _all(generator, Request.from_prompt(QUESTION, best_of=2, max_tokens=2, seed=1))
    assert {c.finish_reason for c in found.values()} == {"length"}
    assert {c.completion_tokens for c in found.values()} == {2}


async def test_candidates_come_in_order_of_completion(generator: Generator) -> None:
    request = Request.from_prompt(QUESTION, best_of=8, seed=3)
    found = await _all(generator, request)
    lengths = [candidate.completion_tokens or 0 for candidate in found.values()]
    # vLLM runs a step or two ahead of what it hands out, so near neighbours may change places.
    assert all(later >= max(lengths[:at]) - 2 for at, later in enumerate(lengths) if at)
    assert len(set(lengths)) > 1


async def test_temperature_zero_is_greedy(generator: Generator) -> None:
    found = await _all(generator, Request.from_prompt(QUESTION, best_of=3, temperature=0))
    assert len({candidate.token_ids for candidate in found.values()}) == 1


async def test_stop_strings_end_the_text_before_them(generator: Generator) -> None:
    plain = await _all(generator, Request.from_prompt(QUESTION, best_of=1, temperature=0))
    stop = plain[0].text[3:5]
    request = Request.from_prompt(QUESTION, best_of=1, temperature=0, options={"stop": [stop]})
    stopped = await _all(generator, request)
    assert stopped[0].text == plain[0].text.split(stop)[0]
    assert stopped[0].finish_reason == "stop"


async def test_system_and_earlier_turns_are_read(generator: Generator) -> None:
    turns = (
        {"role": "user", "content": "What is 1 + 1?"},
        {"role": "assistant", "content": "1 + 1 = 2."},
        {"role": "user", "content": QUESTION},
    )
    one = await _all(generator, Request.from_prompt(QUESTION, best_of=1))
    more = await _all(generator, Request(turns, best_of=1))
    system = await _all(generator, Request.from_prompt(QUESTION, system="Be brief.", best_of=1))
    assert (more[0].prompt_tokens or 0) > (one[0].prompt_tokens or 0)
    assert (system[0].prompt_tokens or 0) > (one[0].prompt_tokens or 0)


async def test_abort_ends_one_and_leaves_the_others(generator: Generator) -> None:
    sampling = generator.sample(Request.from_prompt(QUESTION, best_of=4, seed=3), range(4))
    sampling.abort(2)
    found = {candidate.index: candidate async for candidate in sampling}
    await sampling.aclose()
    assert sorted(found) == [0, 1, 2, 3]
    assert found[2].finish_reason == "abort"
    assert not found[2].ended
    assert all(found[index].finish_reason != "abort" for index in (0, 1, 3))


async def test_closing_twice_is_safe_and_the_engine_goes_on(generator: Generator) -> None:
    sampling = generator.sample(Request.from_prompt(QUESTION, best_of=8), range(8))
    await asyncio.sleep(0)
    await sampling.aclose()
    await sampling.aclose()
    assert len(await _all(generator, Request.from_prompt(QUESTION, best_of=2))) == 2


async def test_a_prompt_over_the_context_is_one_sentence(generator: Generator) -> None:
    pipeline = Pipeline(generator, ArgmaxSelector())
    for words in (1500, 30_000):
        with pytest.raises(RequestError) as caught:
            await best_of_n(Request.from_prompt("seven " * words, best_of=2), pipeline)
        assert "context" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("generator", ["vllm", "transformers"], indirect=True)
async def test_an_unknown_option_is_refused_by_name(generator: Generator) -> None:
    """In process; what a server makes of a field that it does not know is the server's affair."""
    request = Request.from_prompt(QUESTION, best_of=2, options={"top_q": 0.5})
    with pytest.raises(RequestError, match="top_q"):
        await best_of_n(request, Pipeline(generator, ArgmaxSelector()))


async def test_unusual_prompts_are_answered(generator: Generator) -> None:
    for prompt in ("鱼", "🦊🦊", "<s></s>", "\u202e" * 3, "a" * 300):
        assert len(await _all(generator, Request.from_prompt(prompt, best_of=2))) == 2


async def test_a_raw_request_continues_the_text_without_the_chat_template(
    generator: Generator,
) -> None:
    chat = Request.from_prompt(QUESTION, best_of=1, seed=1, max_tokens=8)
    raw = Request.from_prompt(QUESTION, best_of=2, seed=1, max_tokens=8, raw=True)
    of_chat, of_raw = await _all(generator, chat), await _all(generator, raw)
    assert sorted(of_raw) == [0, 1]
    assert of_chat[0].prompt_tokens is not None
    assert of_raw[0].prompt_tokens is not None
    assert of_raw[0].prompt_tokens < of_chat[0].prompt_tokens
    for candidate in of_raw.values():
        assert candidate.message == {"role": "assistant", "content": candidate.text}
        assert candidate.token_ids is not None
        assert 1 <= len(candidate.token_ids) <= 8


async def test_logprobs_that_rules_read_are_of_the_sampled_tokens(generator: Generator) -> None:
    request = Request.from_prompt(QUESTION, best_of=3, seed=1, token_logprobs=True)
    for candidate in (await _all(generator, request)).values():
        assert candidate.logprobs is None
        assert candidate.token_logprobs is not None
        assert len(candidate.token_logprobs) == candidate.completion_tokens
        assert all(each <= 0 for each in candidate.token_logprobs)
        mean = sum(candidate.token_logprobs) / len(candidate.token_logprobs)
        assert candidate.mean_logprob == pytest.approx(mean)
    plain = await _all(generator, replace(request, token_logprobs=False))
    assert {candidate.mean_logprob for candidate in plain.values()} == {None}


async def test_two_engines_give_the_same_logprobs(
    vllm_generator: Generator, transformers_generator: Generator
) -> None:
    request = Request.from_prompt(QUESTION, best_of=1, temperature=0.0, token_logprobs=True)
    found = [(await _all(each, request))[0] for each in (vllm_generator, transformers_generator)]
    assert found[0].token_ids == found[1].token_ids
    assert found[0].mean_logprob == pytest.approx(found[1].mean_logprob, abs=5e-3)
    raw = Request.from_prompt(
        "5 + 3 =", best_of=1, temperature=0.0, max_tokens=16, raw=True, token_logprobs=True
    )
    found = [(await _all(each, raw))[0] for each in (vllm_generator, transformers_generator)]
    assert found[0].token_ids == found[1].token_ids
    assert found[0].mean_logprob == pytest.approx(found[1].mean_logprob, abs=5e-3)


async def test_snapshots_are_beginnings_of_answers_that_are_as_ever(generator: Generator) -> None:
    # So hot that some are long: a short answer may be whole before anybody has looked.
    plain = Request.from_prompt(QUESTION, best_of=12, seed=1, temperature=2.0, max_tokens=256)
    as_ever = await _all(generator, plain)
    sampling = generator.sample(replace(plain, snapshot_tokens=4), range(12))
    come = [candidate async for candidate in sampling]
    await sampling.aclose()
    finished = {each.index: each for each in come if each.finish_reason is not None}
    snapshots = [each for each in come if each.finish_reason is None]
    assert {i: c.text for i, c in finished.items()} == {i: c.text for i, c in as_ever.items()}
    tokens = {i: c.completion_tokens for i, c in finished.items()}
    assert tokens == {i: c.completion_tokens for i, c in as_ever.items()}
    assert snapshots
    for each in snapshots:
        assert finished[each.index].text.startswith(each.text)
        assert 4 <= (each.completion_tokens or 0) <= (tokens[each.index] or 0)
        assert each.token_ids is None or len(each.token_ids) == each.completion_tokens
