"""The engine without vLLM: what it refuses, and a prompt that is empty."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from bestofn.core.errors import RequestError
from bestofn.core.types import Request

if TYPE_CHECKING:  # fast tests beside this one do without it, and it loads torch
    from bestofn.generators.transformers import TransformersGenerator

pytestmark = pytest.mark.model


@pytest.mark.parametrize("stop", [5, {}, [1], ["a", None], {"a": 1}])
async def test_stop_strings_that_are_none_are_refused(
    transformers_generator: TransformersGenerator, stop: Any
) -> None:
    request = Request.from_prompt("Hi", options={"stop": stop})
    with pytest.raises(RequestError, match="a text or a list of texts") as caught:
        transformers_generator.sample(request, [0])
    assert caught.value.param == "stop"


async def test_an_empty_text_is_gone_on_with_from_the_beginning(
    transformers_generator: TransformersGenerator,
) -> None:
    request = Request.from_prompt("", raw=True, max_tokens=3)
    async with contextlib.aclosing(transformers_generator.sample(request, [0])) as sampling:
        (candidate,) = [each async for each in sampling]
    assert candidate.prompt_tokens == 1
    assert candidate.completion_tokens in (1, 2, 3)
