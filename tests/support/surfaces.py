"""What the tests of the surfaces share: events of a stream, and the order that they have to keep.

An event has to agree with its neighbours on place, id, text and number, and to be as the package's
type says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, get_args

from anthropic.types import RawMessageStreamEvent
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel

Event = dict[str, Any]


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    """The classes of a union of events, by what their `type` has to be."""
    kinds = get_args(get_args(union)[0])
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in kinds}


_OPENAI = _by_type(ResponseStreamEvent)
_ANTHROPIC = _by_type(RawMessageStreamEvent)


def events_of(sent: bytes | Iterable[bytes]) -> list[Event]:
    """The events of a stream; each names itself as its data does. Comments are left out."""
    text = (sent if isinstance(sent, bytes) else b"".join(sent)).decode()
    found = []
    for block in text.split("\n\n"):
        if not block or block.startswith(":"):
            continue
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def check_response(events: list[Event]) -> Event:
    """Hold the events of a response to OpenAI's order; its last response."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[:2] == ["created", "in_progress"]
    *inside, last = events[2:]
    if inside and inside[-1]["type"] == "error":
        inside.pop()
        assert last["type"] == "response.failed"
    assert last["type"].removeprefix("response.") in ("completed", "incomplete", "failed")
    items = _items(inside, whole=last["type"] != "response.failed")
    response: Event = last["response"]
    assert response["output"] == items
    assert response["id"] == events[0]["response"]["id"] == events[1]["response"]["id"]
    assert response["status"] == last["type"].removeprefix("response.")
    assert events[0]["response"]["status"] == "in_progress"
    for event in events:
        _OPENAI[event["type"]].model_validate(_with_known_usage(event))
    return response


def _items(events: list[Event], *, whole: bool) -> list[Event]:
    """The items that the events between the first and the last say, one after the other."""
    items: list[Event] = []
    at = 0
    while at < len(events):
        added = events[at]
        assert added["type"] == "response.output_item.added"
        index, identity = added["output_index"], added["item"]["id"]
        assert index == len(items)
        end = at + 1
        while end < len(events) and events[end]["type"] != "response.output_item.done":
            assert events[end]["output_index"] == index
            assert events[end]["item_id"] == identity
            end += 1
        inside = events[at + 1 : end]
        if end == len(events):
            assert not whole  # a failure came in the middle of it
            return items
        done = events[end]
        assert (done["output_index"], done["item"]["id"]) == (index, identity)
        _check_item(inside, done["item"])
        items.append(done["item"])
        at = end + 1
    return items


def _check_item(inside: list[Event], item: Event) -> None:
    kinds = [event["type"].removeprefix("response.") for event in inside]
    if item["type"] in ("function_call", "custom_tool_call"):
        word = (
            "function_call_arguments"
            if item["type"] == "function_call"
            else "custom_tool_call_input"
        )
        text = item["arguments"] if item["type"] == "function_call" else item["input"]
        deltas, last = inside[:-1], inside[-1]
        assert last["arguments" if "function" in word else "input"] == text
    else:
        assert (kinds[0], kinds[-1]) == ("content_part.added", "content_part.done")
        (content,) = item["content"]
        assert inside[-1]["part"] == content
        word = content["type"]
        text = content["refusal" if word == "refusal" else "text"]
        deltas, last = inside[1:-2], inside[-2]
        assert last["refusal" if word == "refusal" else "text"] == text
    assert {event["type"] for event in deltas} <= {f"response.{word}.delta"}
    assert last["type"] == f"response.{word}.done"
    assert "".join(event["delta"] for event in deltas) == text


def _with_known_usage(event: Event) -> Event:
    """The event as the type has it, where details are numbers: unknown ones are null here."""
    usage = event.get("response", {}).get("usage")
    if usage is None:
        return event
    known = {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    filled = {
        name: {**known.get(name, {}), **(value or {})} if name in known else value or 0
        for name, value in usage.items()
    }
    return {**event, "response": {**event["response"], "usage": filled}}


MESSAGE = re.compile(r"m(bd*s)*(DM|!)|m(bd*s)*(bd*)?!|!")
"""m message_start, b, d and s a block's start, delta and stop, D message_delta, M message_stop, !
error."""

_LETTERS = {
    "message_start": "m",
    "content_block_start": "b",
    "content_block_delta": "d",
    "content_block_stop": "s",
    "message_delta": "D",
    "message_stop": "M",
    "error": "!",
}


def check_message(events: list[Event]) -> tuple[list[Event], Event]:
    """Hold the events of a message to Anthropic's order; its blocks, and its last delta."""
    said = [event for event in events if event["type"] != "ping"]
    assert MESSAGE.fullmatch("".join(_LETTERS[event["type"]] for event in said))
    blocks: list[Event] = []
    last: Event = {}
    for event in said:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append(dict(event["content_block"]))
            blocks[-1].pop("input", None)
        elif event["type"] == "content_block_delta":
            assert event["index"] == len(blocks) - 1
            _extend(blocks[-1], event["delta"])
        elif event["type"] == "content_block_stop":
            assert event["index"] == len(blocks) - 1
        elif event["type"] == "message_delta":
            last = event
        if event["type"] != "error":
            _ANTHROPIC[event["type"]].model_validate(_with_counts(event))
    return blocks, last


def _extend(block: Event, delta: Event) -> None:
    names = {
        "text": ("text_delta", "text"),
        "thinking": ("thinking_delta", "thinking"),
        "tool_use": ("input_json_delta", "partial_json"),
    }
    kind, name = names[block["type"]]
    assert delta["type"] == kind
    block[name] = block.get(name, "") + delta[name]


def _with_counts(event: Event) -> Event:
    """The event as the type has it, where usage is numbers: what nobody counted is null here."""
    if event["type"] == "message_start":
        message = event["message"]
        return {**event, "message": {**message, "usage": _numbers(message["usage"])}}
    return {**event, "usage": _numbers(event["usage"])} if "usage" in event else event


def _numbers(usage: Event) -> Event:
    return {name: value or 0 for name, value in usage.items()}
