"""The examples of clients that need another answer than the embedded pair gives, as they are
written, against the app on fakes that give it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from bestofn import Pipeline, Settings
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.settings.sections import ServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.client_example import run_client
from tests.support.serving import serving
from tests.test_examples import OVER_FAKES

pytestmark = pytest.mark.long

CUT = FakeCompletion("It is the", "length")


@contextlib.asynccontextmanager
async def _served(*script: str | FakeCompletion) -> AsyncIterator[str]:
    """The app, behind a key; longer answers have the higher reward."""
    settings = Settings(server=ServerSettings(api_keys=[SecretStr("secret")]))
    pipeline = Pipeline(
        FakeGenerator(script),
        build_selector(settings.selector),
        build_filters(settings.filters),
        FakeRewardModel(lambda _, candidate: float(len(candidate.text))),
    )
    async with serving(create_app(settings, pipeline)) as url:
        yield url


async def _printed(
    example: str, *script: str | FakeCompletion, python: str = sys.executable
) -> list[str]:
    async with _served(*script) as url:
        lines, errors, code = await run_client(example, url, python)
    assert (code, errors) == (0, "")
    return lines


async def test_anthropic() -> None:
    lines = await _printed("anthropic", "It is three.", CUT, "It is 3, since 5 + 3 = 8.", CUT)
    assert lines[0].startswith("best: It is ")
    assert lines[1] == "4 of 8 accepted, rejected: {'length': 4}"


async def test_streaming() -> None:
    lines = await _printed("streaming", "It is three.", CUT)
    assert lines[-1] == "best: It is three."
    assert sum("rejected None ['length'] It is the" in line for line in lines) == 4
    assert sum(" accepted 12.0 [] It is three." in line for line in lines) == 4


def _call(arguments: str) -> FakeCompletion:
    function = {"name": "weather", "arguments": arguments}
    call = {"id": "call", "type": "function", "function": function}
    message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    return FakeCompletion(finish_reason="tool_calls", message=message)


async def test_tools() -> None:
    oslo = _call('{"city": "Oslo"}')
    lines = await _printed(
        "tools", _call('{"town": "Oslo"}'), oslo, _call('{"city": "Rome"}'), oslo
    )
    assert lines[0] == 'weather {"city": "Oslo"}'
    assert lines[1].startswith("rejected: {")
    assert lines[1].endswith(": 1}")


async def test_json_schema() -> None:
    lines = await _printed(
        "json_schema", '{"answer": "3"}', '{"answer": 3}', '{"answer": 4}', '{"answer":3}'
    )
    assert lines[0] == "best: {'answer': 3}"
    assert lines[1].startswith("rejected: {")
    assert lines[1].endswith(": 1}")


async def test_inspect() -> None:
    python = os.environ.get("BESTOFN_INSPECT", sys.executable)
    if python == sys.executable and importlib.util.find_spec("inspect_ai") is None:
        pytest.skip("inspect_ai is not here: BESTOFN_INSPECT=ENV/bin/python of one with it")
    lines = await _printed("inspect", "No.", CUT, "It is 3, 9 or 7.", python=python)
    assert lines == ["best of 1: 0.00 right", "best of 8: 1.00 right"]


def test_every_example_that_needs_fakes_is_run_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {example.removesuffix("_client.py") for example in OVER_FAKES} <= tested
