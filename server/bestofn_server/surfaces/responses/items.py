"""Items of a response's input as the messages of a conversation.

Taken are messages, calls of functions and of custom tools with what they returned, and what was
thought. Items of tools that OpenAI runs itself are refused: nobody ran them here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from openai.types.responses import (
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    ResponseInputFile,
    ResponseInputImage,
    ResponseInputText,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
)
from pydantic import TypeAdapter

from bestofn_server.surfaces.conversation import Conversation, Part
from bestofn_server.surfaces.reading import kind_of, read, refusal
from bestofn_server.surfaces.responses.tools import INPUT, flat_name

Given = Mapping[str, Any]

_CALL = TypeAdapter(ResponseFunctionToolCall)
_CUSTOM_CALL = TypeAdapter(ResponseCustomToolCall)
_REASONING = TypeAdapter(ResponseReasoningItem)
_TEXT = TypeAdapter(ResponseInputText)
_OUTPUT_TEXT = TypeAdapter(ResponseOutputText)
_REFUSAL = TypeAdapter(ResponseOutputRefusal)
_IMAGE = TypeAdapter(ResponseInputImage)
_FILE = TypeAdapter(ResponseInputFile)

_RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
_TAKEN = (
    "message, function_call, function_call_output, custom_tool_call, custom_tool_call_output and "
    "reasoning"
)


def messages_of(instructions: str | None, given: str | Sequence[Given]) -> list[dict[str, Any]]:
    """The conversation.

    Args:
        instructions: what the system says before all else.
        given: the input, a text of the user's or items.

    Raises:
        InvalidBodyError: an item is of a kind that is not taken, or not as its kind has to be.
    """
    conversation = Conversation()
    if instructions is not None:
        conversation.instruct(instructions)
    if isinstance(given, str):
        conversation.ask([{"type": "text", "text": given}])
        return conversation.messages()
    for at, item in enumerate(given):
        _add(conversation, item, f"input.{at}")
    return conversation.messages()


def _add(conversation: Conversation, item: Given, path: str) -> None:
    kind = kind_of(item, path, "message")
    if kind == "message":
        _add_message(conversation, item, path)
    elif kind == "function_call":
        call = read(_CALL, item, path)
        conversation.call(call.call_id, flat_name(call.namespace, call.name), call.arguments)
    elif kind == "custom_tool_call":
        custom = read(_CUSTOM_CALL, item, path)
        name = flat_name(custom.namespace, custom.name)
        conversation.call(custom.call_id, name, {INPUT: custom.input})
    elif kind in _RESULTS:
        identity = item.get("call_id")
        if not isinstance(identity, str):
            raise refusal(f"{path}.call_id", "it has to name the call that returned this")
        conversation.result(identity, _parts(item.get("output"), f"{path}.output"))
    elif kind == "reasoning":
        thought = read(_REASONING, {"id": "", "summary": [], **item}, path)
        text = "".join(each.text for each in thought.content or thought.summary)
        if text:  # what is only encrypted is nobody's to read
            conversation.think(text)
    else:
        raise refusal(f"{path}.type", f"items of the type {kind} are not taken; {_TAKEN} are")


def _add_message(conversation: Conversation, item: Given, path: str) -> None:
    role = item.get("role")
    parts = _parts(item.get("content"), f"{path}.content")
    if role == "user":
        conversation.ask(parts)
        return
    text = "".join if role == "assistant" else "\n".join
    if others := [part["type"] for part in parts if part["type"] != "text"]:
        raise refusal(
            f"{path}.content", f"a message of the {role}'s holds text, and this a {others[0]}"
        )
    said = text(part["text"] for part in parts)
    if role == "assistant":
        conversation.answer(said)
    elif role in ("system", "developer"):
        conversation.instruct(said)
    else:
        raise refusal(f"{path}.role", "it has to be user, assistant, system or developer")


def _parts(content: Any, path: str) -> list[Part]:
    """The content of a message, or what a tool returned, as parts of chat completions."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise refusal(path, "it has to be a text or a list of parts")
    if not content:
        return [{"type": "text", "text": ""}]
    return [_part(part, f"{path}.{at}") for at, part in enumerate(content)]


def _part(part: Any, path: str) -> Part:
    if not isinstance(part, dict):
        raise refusal(path, "it has to be an object")
    kind = kind_of(part, path)
    if kind in ("input_text", "text"):
        return {"type": "text", "text": read(_TEXT, {**part, "type": "input_text"}, path).text}
    if kind == "output_text":
        return {"type": "text", "text": read(_OUTPUT_TEXT, _bare_text(part), path).text}
    if kind == "refusal":
        return {"type": "text", "text": read(_REFUSAL, part, path).refusal}
    if kind == "input_image":
        image = read(_IMAGE, {"detail": "auto", **part}, path)
        if image.image_url is None:
            raise refusal(path, "this server keeps no files: send the picture as image_url")
        return {"type": "image_url", "image_url": {"url": image.image_url, "detail": image.detail}}
    if kind == "input_file":
        file = read(_FILE, part, path)
        if file.file_data is None:
            raise refusal(path, "this server fetches and keeps no files: send it as file_data")
        named = {} if file.filename is None else {"filename": file.filename}
        return {"type": "file", "file": {"file_data": file.file_data, **named}}
    raise refusal(f"{path}.type", f"parts of the type {kind} are not taken")


def _bare_text(part: Given) -> dict[str, Any]:
    """Without what the model said besides: citations and log-probabilities."""
    return {"type": part.get("type"), "text": part.get("text"), "annotations": []}


def arguments_of(text: str) -> str:
    """The input of a call of a custom tool, whose arguments are this JSON text.

    Text that is no such object stays as it is: the client's tool then says what is wrong.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    said = value.get(INPUT) if isinstance(value, dict) else None
    return said if isinstance(said, str) else text
