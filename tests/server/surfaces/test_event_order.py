"""The events of both surfaces keep their grammar, whatever an engine sends and however cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bestofn_server.errors import EngineError, OverloadedError
from bestofn_server.surfaces.messages.request import MessagesRequest
from bestofn_server.surfaces.messages.surface import MessagesSurface
from bestofn_server.surfaces.parts import parts_of
from bestofn_server.surfaces.responses.request import ResponsesRequest
from bestofn_server.surfaces.responses.surface import ResponsesSurface
from bestofn_server.surfaces.surface import Telling
from tests.support.surfaces import check_message, check_response, events_of

Chunk = dict[str, Any]

ASKED: dict[str, Any] = {
    "model": "m",
    "tools": [
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "custom", "name": "patch"},
    ],
    "include": ["message.output_text.logprobs"],
}

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)
pieces = st.lists(words, min_size=1, max_size=4)
reasons = st.sampled_from(["stop", "length", "tool_calls", "content_filter", None])
usages = st.sampled_from(
    [
        None,
        {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
        {
            "prompt_tokens": 3,
            "completion_tokens": None,
            "total_tokens": None,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
    ]
)


def _deltas(kind: str, texts: list[str]) -> list[Chunk]:
    if kind == "call":
        name, *rest = texts
        arguments = [{"function": {"arguments": text}} for text in rest]
        return [{"calls": call} for call in ({"id": "c", "function": {"name": name}}, *arguments)]
    return [{kind: text} for text in texts]


parts = st.lists(
    st.tuples(
        st.sampled_from(["reasoning", "reasoning_content", "content", "refusal", "call"]), pieces
    ),
    max_size=5,
)


@st.composite
def streams(draw: st.DrawFn) -> list[Chunk]:
    """Chunks of one answer: parts in any order, each in pieces, and empty deltas between."""
    deltas: list[Chunk] = [{"role": "assistant", "content": ""}]
    calls = -1
    for kind, texts in draw(parts):
        calls += kind == "call"
        for delta in _deltas(kind, texts):
            if "calls" in delta:
                delta = {"tool_calls": [{"index": calls, **delta["calls"]}]}
            deltas.append(delta)
            if draw(st.booleans()):
                deltas.append(draw(st.sampled_from([{}, {"content": None}, {"content": ""}])))
    chunks = [_chunk(delta) for delta in deltas]
    reason = draw(reasons)
    with_the_last = draw(st.booleans())
    if with_the_last:
        chunks[-1]["choices"][0]["finish_reason"] = reason
    else:
        chunks.append(_chunk({}, reason))
    chunks.append({"id": "chatcmpl-1", "model": "m", "choices": [], "usage": draw(usages)})
    return chunks


def _chunk(delta: Chunk, reason: str | None = None) -> Chunk:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "chatcmpl-1", "model": "m", "created": 1, "choices": [choice]}


def _response() -> Telling:
    return ResponsesSurface(ResponsesRequest.model_validate({**ASKED, "input": "q"})).telling()


def _message() -> Telling:
    turns = [{"role": "user", "content": "q"}]
    asked = {"model": "m", "max_tokens": 9, "messages": turns}
    return MessagesSurface(MessagesRequest.model_validate(asked)).telling()


def _told(telling: Telling, chunks: list[Chunk], error: Exception | None = None) -> list[Chunk]:
    sent = [event for chunk in chunks for event in telling.chunk(chunk)]
    sent += telling.end() if error is None else telling.failed(error)
    return events_of(sent)


def _said(chunks: list[Chunk]) -> list[tuple[str, str]]:
    """(kind, text) of the parts in a stream: what was sent, counted without the code under test."""
    said: list[list[str]] = []
    call = -1
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            for name, kind in (
                ("reasoning", "thought"),
                ("reasoning_content", "thought"),
                ("content", "text"),
                ("refusal", "refusal"),
            ):
                if text := delta.get(name):
                    if not said or said[-1][0] != kind:
                        said.append([kind, ""])
                    said[-1][1] += text
            for each in delta.get("tool_calls", ()):
                if each["index"] != call:
                    call = each["index"]
                    said.append(["call", ""])
                said[-1][1] += each["function"].get("arguments", "")
    return [(kind, text) for kind, text in said]


@settings(max_examples=150, deadline=None)
@given(streams())
def test_a_response_is_told_in_openais_order(chunks: list[Chunk]) -> None:
    response = check_response(_told(_response(), chunks))
    kinds = {"reasoning": "thought", "function_call": "call"}
    said = [
        (
            kinds.get(item["type"]) or kinds.get(item["content"][0]["type"], "text"),
            item.get("arguments") if "arguments" in item else next(iter(_texts(item))),
        )
        for item in response["output"]
    ]
    expected = [("text" if kind == "refusal" else kind, text) for kind, text in _said(chunks)]
    assert said == expected
    cut = chunks[-2]["choices"][0]["finish_reason"] in ("length", "content_filter")
    assert (response["status"] == "incomplete") is cut
    assert (response["incomplete_details"] is not None) is cut
    assert response["store"] is False


def _texts(item: Chunk) -> list[str]:
    return [part.get("text", part.get("refusal")) for part in item["content"]]


@settings(max_examples=150, deadline=None)
@given(streams())
def test_a_message_is_told_in_anthropics_order(chunks: list[Chunk]) -> None:
    blocks, last = check_message(_told(_message(), chunks))
    kinds = {"thinking": "thought", "text": "text", "tool_use": "call"}
    said = [
        (
            kinds[block["type"]],
            block.get("text", block.get("thinking", block.get("partial_json", ""))),
        )
        for block in blocks
    ]
    expected = [("text" if kind == "refusal" else kind, text) for kind, text in _said(chunks)]
    assert said == expected
    reason = chunks[-2]["choices"][0]["finish_reason"]
    words = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
    called = any(kind == "call" for kind, _ in expected)
    assert last["delta"]["stop_reason"] == words.get(reason, "tool_use" if called else "end_turn")


@settings(max_examples=60, deadline=None)
@given(streams(), st.data(), st.sampled_from([_response, _message]))
def test_an_error_in_the_middle_ends_either_stream_in_its_own_words(
    chunks: list[Chunk], data: st.DataObject, made: Callable[[], Telling]
) -> None:
    until = data.draw(st.integers(0, len(chunks)))
    events = _told(made(), chunks[:until], EngineError("the engine is gone", status=503))
    if made is _response:
        response = check_response(events)
        assert response["error"] == {"code": "server_error", "message": "the engine is gone"}
        assert events[-2]["message"] == "the engine is gone"
    else:
        check_message(events)
        said = {"type": "overloaded_error", "message": "the engine is gone"}
        assert events[-1] == {"type": "error", "error": said}


@settings(max_examples=60, deadline=None)
@given(parts.filter(lambda each: len({kind for kind, _ in each}) == len(each)), reasons)
def test_whole_and_streamed_say_the_same(
    drawn: list[tuple[str, list[str]]], reason: str | None
) -> None:
    message: Chunk = {"role": "assistant", "content": None}
    order = ["reasoning", "content", "refusal", "call"]
    for kind, texts in sorted(
        (each for each in drawn if each[0] in order), key=lambda each: order.index(each[0])
    ):
        if kind == "call":
            function = {"name": texts[0], "arguments": json.dumps({"a": texts})}
            message["tool_calls"] = [{"id": "c", "type": "function", "function": function}]
        else:
            message[kind] = "".join(texts)
    head = {"id": "chatcmpl-1", "model": "m", "created": 1, "usage": None}
    whole = {**head, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}
    spoken = ("reasoning", "content", "refusal", "tool_calls")
    chunks = [_chunk({name: message[name]}) for name in spoken if message.get(name)]
    chunks.append(_chunk({}, reason))
    asked = ResponsesRequest.model_validate({**ASKED, "input": "q"})
    streamed = check_response(_told(_response(), chunks))
    assert ResponsesSurface(asked).answer(whole) == streamed
    blocks, last = check_message(_told(_message(), chunks))
    turns = [{"role": "user", "content": "q"}]
    surface = MessagesSurface(
        MessagesRequest.model_validate({"model": "m", "max_tokens": 9, "messages": turns})
    )
    answer = surface.answer(whole)
    assert answer["stop_reason"] == last["delta"]["stop_reason"]
    for block in blocks:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block.pop("partial_json"))
    assert answer["content"] == blocks


def test_too_much_to_do_is_told_as_such() -> None:
    events = _told(_response(), [], OverloadedError("busy", 1))
    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
    assert _told(_message(), [], OverloadedError("busy", 1))[-1]["error"]["type"] == (
        "rate_limit_error"
    )


@pytest.mark.parametrize("made", [_response, _message])
@pytest.mark.parametrize(
    ("deltas", "sentence"),
    [
        ([{"index": 0, "id": "a", "function": {"arguments": "{}"}}], "names no function"),
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}},
                {"index": 0, "function": {"arguments": "}"}},
            ],
            "mixes the parts",
        ),
    ],
)
def test_calls_that_cannot_be_told_are_an_error(
    made: Callable[[], Telling], deltas: list[Chunk], sentence: str
) -> None:
    with pytest.raises(EngineError, match=sentence):
        _told(made(), [_chunk({"tool_calls": [delta]}) for delta in deltas])


def test_a_name_that_comes_after_the_id_is_waited_for() -> None:
    deltas: list[Chunk] = [
        {"index": 0, "id": "a", "function": {"arguments": '{"x"'}},
        {"index": 0, "function": {"name": "look", "arguments": ": 1}"}},
    ]
    response = check_response(
        _told(_response(), [_chunk({"tool_calls": [delta]}) for delta in deltas])
    )
    (call,) = response["output"]
    assert (call["call_id"], call["name"], call["arguments"]) == ("a", "look", '{"x": 1}')


def test_the_input_of_a_custom_tool_is_text_again() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "patch", "arguments": '{"input": "+ a"}'}}
    events = _told(_response(), [_chunk({"tool_calls": [call]}), _chunk({}, "tool_calls")])
    (item,) = check_response(events)["output"]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "patch", "+ a")


@pytest.mark.parametrize("numbers", [{}, {"index": 0}])
def test_calls_of_a_whole_message_are_told_apart_by_their_order(numbers: Chunk) -> None:
    functions = [{"name": name, "arguments": "{}"} for name in "fg"]
    calls = [{**numbers, "id": each["name"], "function": each} for each in functions]
    told = [(part.id, part.name, part.text) for part in parts_of({"tool_calls": calls})]
    assert told == [("f", "f", "{}"), ("g", "g", "{}")]
