"""Tool calls of a stream, each part with the index of its call, however a server numbers them."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.openai_api.growing_choice import GrowingChoice
from bestofn.openai_api.streamed_calls import StreamedCalls
from bestofn_server.surfaces.parts import Closed, PartReader


def _part(name: str | None, arguments: Any = "", **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {**fields, "function": function}


F, G = ("f", '{"x": 1}'), ("g", '{"y": 2}')

STREAMS: dict[str, list[list[Any]]] = {
    "as OpenAI's": [
        [_part("f", "", index=0, id="a")],
        [_part(None, '{"x": 1}', index=0)],
        [_part("g", '{"y"', index=1, id="b"), _part(None, ": 2}", index=1)],
    ],
    "whole, without an index": [[_part(*F, id="a")], [_part(*G, id="b")]],
    "whole, without an index, in one": [[_part(*F, id="a"), _part(*G, id="b")]],
    "whole, without an index or an id": [[_part(*F)], [_part(*G, id="")]],
    "whole, each with index 0": [[_part(*F, index=0, id="a")], [_part(*G, index=0, id="b")]],
    "whole, each with index 0, without an id": [[_part(*F, index=0)], [_part(*G, index=0)]],
    "in parts, each with index 0": [
        [_part("f", '{"x"', index=0, id="a")],
        [_part(None, ": 1}", index=0)],
        [_part("g", '{"y"', index=0, id="b")],
        [_part(None, ": 2}", index=0, id="b")],
    ],
    "in parts, by their ids": [
        [_part("f", '{"x"', id="a")],
        [_part(None, ": 1}", id="a")],
        [_part("g", '{"y"', id="b")],
        [_part(None, ": 2}")],
    ],
    "an id made up for each part": [
        [_part("f", '{"x"', index=0, id="a")],
        [_part(None, ": 1}", index=0, id="made-up")],
        [_part(*G, index=1, id="b")],
    ],
    "the name and the id in each part": [
        [_part("f", '{"x"', index=0, id="a")],
        [_part("f", ": 1}", index=0, id="a")],
        [_part(*G, index=1, id="b")],
    ],
    "the name and an id made up in each part": [
        [_part("f", '{"x"', index=0, id="a")],
        [_part("f", ": 1}", index=0, id="made-up")],
        [_part("f", "", index=0, id="made-up too")],
        [_part(*G, index=1, id="b")],
    ],
    "one function twice, each with index 0": [
        [_part(*F, index=0, id="a")],
        [_part(*F, index=0, id="b")],
    ],
    "one function twice, in parts, each with index 0": [
        [_part("f", "", index=0, id="a")],
        [_part(None, '{"x": 1}', index=0)],
        [_part("f", "", index=0, id="b")],
        [_part(None, '{"x"', index=0), _part(None, ": 1}", index=0)],
    ],
    "another function, in parts, with ids made up": [
        [_part("f", '{"x":', index=0, id="a")],
        [_part("f", " 1}", index=0, id="made-up")],
        [_part("g", "", index=0, id="b")],
        [_part("g", '{"y"', index=0, id="made-up again"), _part(None, ": 2}", index=0)],
    ],
    "the name after the id": [
        [_part(None, '{"x"', id="a")],
        [_part("f", ": 1}")],
        [_part(*G, id="b")],
    ],
    "indices from 1, and nonsense between": [
        [_part(*F, index=1, id="a"), None, 5, {"index": "x", "function": 3}],
        [_part(*G, index=2, id="b")],
    ],
    "arguments that are objects": [[_part("f", {"x": 1}, id="a")], [_part("g", {"y": 2}, id="b")]],
}


@pytest.mark.parametrize("named", STREAMS)
def test_both_readers_put_the_same_calls_together(named: str) -> None:
    calls, choice, reader = StreamedCalls(), GrowingChoice(), PartReader()
    steps: list[Any] = []
    for each in STREAMS[named]:
        delta = calls.read({"tool_calls": each})
        choice.add({"delta": delta})
        steps += reader.read(delta)
    steps += reader.close()
    grown = [call["function"] for call in choice.message["tool_calls"]]
    wanted = [F, F if "twice" in named else G]
    assert [(each["name"], each["arguments"]) for each in grown] == wanted
    closed = [step.part for step in steps if isinstance(step, Closed)]
    assert [(part.name, part.text) for part in closed] == wanted


def test_a_known_id_says_which_call_goes_on() -> None:
    calls, choice = StreamedCalls(), GrowingChoice()
    for each in (
        [_part("f", '{"x"', index=0, id="a"), _part("g", '{"y"', index=0, id="b")],
        [_part(None, ": 1}", index=0, id="a"), _part(None, ": 2}", index=0, id="b")],
    ):
        choice.add({"delta": calls.read({"tool_calls": each})})
    grown = [call["function"] for call in choice.message["tool_calls"]]
    assert [(each["name"], each["arguments"]) for each in grown] == [F, G]


@pytest.mark.parametrize(
    "parts", [['{"x": "}', '"}'], ['{"x": "a\\', '"}', '"}'], ['{"x": [{}', "]}"], [" ", "{", "}"]]
)
def test_arguments_are_whole_where_their_object_is_closed(parts: list[str]) -> None:
    calls = StreamedCalls()
    placed = [
        calls.read({"tool_calls": [_part("f", each, index=0, id=f"made-up {number}")]})
        for number, each in enumerate([*parts, '{"another": 1}'])
    ]
    numbers = [each["tool_calls"][0]["index"] for each in placed]
    assert numbers == [*[0] * len(parts), 1]


def test_a_part_that_may_begin_a_call_waits_for_its_arguments() -> None:
    calls = StreamedCalls()
    calls.read({"tool_calls": [_part(*F, index=0, id="a")]})
    assert calls.read({"tool_calls": [_part("f", "", index=0, id="b")]}) == {}
    (begun,) = calls.read({"tool_calls": [_part(None, "{}", index=0)]})["tool_calls"]
    assert begun == _part("f", "{}", index=1, id="b")


@pytest.mark.parametrize("odd", [None, 5, "f", {}, [None], [{"function": {"name": ["f"]}}]])
def test_what_is_no_call_is_left_out(odd: Any) -> None:
    delta = {"content": "x", "tool_calls": odd, "function_call": {"name": 3}}
    assert StreamedCalls().read(delta) == {"content": "x"}
