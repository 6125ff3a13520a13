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


async def test_tools_that_the_template_does_not_show_are_refused(
    transformers_generator: TransformersGenerator,
) -> None:
    """The embedded model's template knows none: they would be as if they had not been sent."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    request = Request.from_prompt("Hi", options={"tools": [tool]}, max_tokens=3)
    sampling = transformers_generator.sample(request, [0])
    with pytest.raises(RequestError, match="shows no tools") as caught:
        await anext(aiter(sampling))
    await sampling.aclose()
    assert caught.value.param == "tools"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tempurature", "knows no field tempurature: did you mean temperature?"),
        ("zzzzz", "knows no field zzzzz$"),
        ("logit_bias", "does not take logit_bias; vLLM does"),
    ],
)
async def test_a_field_that_it_lacks_is_told_from_one_that_nobody_has(
    transformers_generator: TransformersGenerator, name: str, told: str
) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        transformers_generator.sample(Request.from_prompt("Hi", options={name: {"1": 2}}), [0])
    assert caught.value.param == name


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"top_p": "much"}, "top_p"),
        ({"top_p": 2}, "top_p"),
        ({"top_k": [1]}, "top_k"),
        ({"tools": {"a": 1}}, "tools"),
        ({"chat_template_kwargs": [1]}, "chat_template_kwargs"),
        ({"chat_template_kwargs": {"tokenize": True}}, "chat_template_kwargs.tokenize"),
        ({"chat_template_kwargs": {"messages": 5}}, "chat_template_kwargs.messages"),
    ],
)
async def test_options_that_are_none_are_refused_by_name(
    transformers_generator: TransformersGenerator, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(RequestError, match=f"^{param}") as caught:
        transformers_generator.sample(Request.from_prompt("Hi", options=options), [0])
    assert caught.value.param == param


async def test_a_number_written_as_a_text_is_one(
    transformers_generator: TransformersGenerator,
) -> None:
    options = {"top_p": "1", "chat_template_kwargs": None}
    request = Request.from_prompt("Hi", options=options, max_tokens=2, seed=1)
    async with contextlib.aclosing(transformers_generator.sample(request, [0])) as sampling:
        assert len([each async for each in sampling]) == 1


@pytest.mark.parametrize("content", [5, None, {"a": 1}])
async def test_a_content_that_is_no_text_is_refused(
    transformers_generator: TransformersGenerator, content: Any
) -> None:
    request = Request(messages=({"role": "user", "content": content},))
    with pytest.raises(RequestError, match="must be a text or a list of parts") as caught:
        transformers_generator.sample(request, [0])
    assert caught.value.param == "messages.0.content"
