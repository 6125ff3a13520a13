"""Whose fault it is that the engine ended a request in an error, and what becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.generators.vllm import VllmGenerator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeRewardModel
from bestofn.vllm_engine.constraints import ConstraintError, constraint_of, unfollowed

GRAMMAR = {"structured_outputs": {"grammar": "root ::= root root"}}
ALONE = SimpleNamespace(kv_transfer_config=None, ec_transfer_config=None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (GRAMMAR, "structured_outputs"),
        ({"structured_outputs": {"regex": "a"}}, "structured_outputs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        ({"response_format": {"type": "structural_tag"}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"tool_choice": "auto"}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": None, "structured_outputs": None}, None),
        ({}, None),
    ],
)
def test_what_constrains_a_request_is_named(body: dict[str, Any], field: str | None) -> None:
    assert constraint_of(body) == field
    error = unfollowed(body, ALONE)
    assert (error is None) == (field is None)
    if error is not None:
        assert str(error).startswith(f"{field}: the engine cannot follow it: ")


def test_an_engine_that_fetches_caches_may_have_failed_by_itself() -> None:
    for fetching in ("kv_transfer_config", "ec_transfer_config"):
        assert unfollowed(GRAMMAR, SimpleNamespace(**{**vars(ALONE), fetching: object()})) is None


class Engine:
    """Answers all candidates but those whose grammar comes to a dead end."""

    dead = False

    def __init__(self, dead_ends: Collection[int]) -> None:
        self._dead_ends = dead_ends

    def fields(self, endpoint: str) -> Collection[str]:
        return {
            "messages", "n", "request_id", "return_token_ids", "structured_outputs",
        }  # fmt: skip

    async def complete(self, endpoint: str, body: Mapping[str, Any], *more: object) -> Any:
        index = int(body["request_id"].rpartition("-")[2])
        await asyncio.sleep(0)
        if index in self._dead_ends:
            raise ConstraintError("structured_outputs: the engine cannot follow it")
        message = {"role": "assistant", "content": "It is three."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 4}}
        return SimpleNamespace(choices=[], model_dump=lambda **_: answer)


def _pipeline(dead_ends: Collection[int], **policy: Any) -> Pipeline:
    engine: Any = Engine(dead_ends)
    rewards = FakeRewardModel(lambda request, candidate: float(candidate.index))
    return Pipeline(VllmGenerator(engine), ArgmaxSelector(), (), rewards, **policy)


async def test_a_grammar_that_no_candidate_can_follow_refuses_the_request() -> None:
    request = Request.from_prompt("x", best_of=4, options=GRAMMAR)
    with pytest.raises(RequestError, match="structured_outputs: the engine cannot follow it"):
        await best_of_n(request, _pipeline(range(4)))


async def test_a_candidate_that_comes_to_a_dead_end_fails_alone() -> None:
    request = Request.from_prompt("x", best_of=4, options=GRAMMAR)
    ranking = await best_of_n(request, _pipeline([0, 2]))
    assert [each.index for each in ranking.candidates] == [1, 3, 0, 2]
    for each in ranking.candidates[2:]:
        assert each.failure is not None
        assert "cannot follow it" in each.failure.detail


async def test_a_later_wave_of_dead_ends_loses_nothing_that_came_before() -> None:
    generator = _pipeline([2, 3]).generator
    request = Request.from_prompt("x", best_of=4, options=GRAMMAR)
    later = [each async for each in generator.sample(request, [2, 3])]
    assert [each.finish_reason for each in later] == ["error", "error"]


async def test_an_engine_that_fails_for_another_reason_is_not_the_requests_fault() -> None:
    class Broken(Engine):
        async def complete(self, endpoint: str, body: Mapping[str, Any], *more: object) -> Any:
            raise GeneratorError("GenerationError: Internal server error")

    pipeline = _pipeline([])
    broken: Any = VllmGenerator(Broken([]))  # type: ignore[arg-type]
    request = Request.from_prompt("x", best_of=2)
    with pytest.raises(GeneratorError, match="all 2 candidates failed"):
        await best_of_n(request, Pipeline(broken, pipeline.selector))
