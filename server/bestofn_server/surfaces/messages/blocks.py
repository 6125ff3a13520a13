"""Blocks of Anthropic's messages as the messages of a conversation.

Taken are text, pictures, documents, calls of tools with what they returned, and what was thought;
`redacted_thinking` is nobody's to read and is left out, as is `cache_control` (an engine here keeps
prefixes by itself). Blocks of tools that Anthropic runs itself are refused: nobody ran them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anthropic.types import (
    Base64ImageSourceParam,
    Base64PDFSourceParam,
    PlainTextSourceParam,
    TextBlockParam,
    ThinkingBlockParam,
    ToolUseBlockParam,
    URLImageSourceParam,
)
from pydantic import TypeAdapter

from bestofn_server.surfaces.conversation import Conversation, Part
from bestofn_server.surfaces.reading import kind_of, read, refusal

Given = Mapping[str, Any]

_TEXT = TypeAdapter(TextBlockParam)
_THINKING = TypeAdapter(ThinkingBlockParam)
_TOOL_USE = TypeAdapter(ToolUseBlockParam)
_BASE64 = TypeAdapter(Base64ImageSourceParam)
_URL = TypeAdapter(URLImageSourceParam)
_PDF = TypeAdapter(Base64PDFSourceParam)
_PLAIN = TypeAdapter(PlainTextSourceParam)


def messages_of(
    system: str | Sequence[Given] | None, messages: Sequence[Given], notes: list[str]
) -> list[dict[str, Any]]:
    """The conversation.

    Args:
        system: what the system says before all else.
        messages: the turns.
        notes: what had no effect is added here.

    Raises:
        InvalidBodyError: a block is of a kind that is not taken, or not as its kind has to be; the
            last turn is the assistant's.
    """
    conversation = Conversation()
    if system is not None:
        conversation.instruct(_text(system, "system"))
    for at, message in enumerate(messages):
        path = f"messages.{at}"
        role, content = message.get("role"), message.get("content")
        if role == "system":
            conversation.instruct(_text(content, f"{path}.content"))
        elif role == "user":
            _add_user(conversation, _blocks(content, f"{path}.content"), notes)
        elif role == "assistant":
            _add_assistant(conversation, _blocks(content, f"{path}.content"))
        else:
            raise refusal(f"{path}.role", "it has to be user, assistant or system")
    if messages[-1].get("role") == "assistant":
        raise refusal(
            f"messages.{len(messages) - 1}", "an answer is not continued here: end with the user's"
        )
    return conversation.messages()


def _blocks(content: Any, path: str) -> list[tuple[str, Given, str]]:
    """(kind, block, path) of each; a text is one block."""
    if isinstance(content, str):
        return [("text", {"type": "text", "text": content}, path)]
    if not isinstance(content, list):
        raise refusal(path, "it has to be a text or a list of blocks")
    blocks: list[tuple[str, Given, str]] = []
    for at, block in enumerate(content):
        if not isinstance(block, dict):
            raise refusal(f"{path}.{at}", "it has to be an object")
        blocks.append((kind_of(block, f"{path}.{at}"), block, f"{path}.{at}"))
    return blocks


def _add_user(
    conversation: Conversation, blocks: list[tuple[str, Given, str]], notes: list[str]
) -> None:
    parts: list[Part] = []
    for kind, block, path in blocks:
        if kind != "tool_result":
            parts.append(_part(kind, block, path))
            continue
        if parts:  # said before the result
            conversation.ask(parts)
            parts = []
        _add_result(conversation, block, path, notes)
    if parts or not blocks:
        conversation.ask(parts or [{"type": "text", "text": ""}])


def _add_result(conversation: Conversation, block: Given, path: str, notes: list[str]) -> None:
    identity = block.get("tool_use_id")
    if not isinstance(identity, str):
        raise refusal(f"{path}.tool_use_id", "it has to name the call that returned this")
    if block.get("is_error"):
        notes.append(f"{path}.is_error: the model reads the content alone")
    content = block.get("content", "")
    parts = [_part(*each) for each in _blocks(content, f"{path}.content")]
    conversation.result(identity, parts)


def _add_assistant(conversation: Conversation, blocks: list[tuple[str, Given, str]]) -> None:
    for kind, block, path in blocks:
        if kind == "text":
            conversation.answer(read(_TEXT, block, path)["text"])
        elif kind == "thinking":
            conversation.think(read(_THINKING, {"signature": "", **block}, path)["thinking"])
        elif kind == "tool_use":
            call = read(_TOOL_USE, block, path)
            conversation.call(call["id"], call["name"], call["input"])
        elif kind != "redacted_thinking":
            raise refusal(
                f"{path}.type", f"blocks of the type {kind} are not taken of an assistant"
            )


def _text(content: Any, path: str) -> str:
    """Content that is text alone."""
    for kind, _, where in (blocks := _blocks(content, path)):
        if kind != "text":
            raise refusal(where, "the system says text, and nothing else")
    return "\n".join(read(_TEXT, block, where)["text"] for _, block, where in blocks)


def _part(kind: str, block: Given, path: str) -> Part:
    """What the user, or a tool, says, as a part of chat completions."""
    if kind == "text":
        return {"type": "text", "text": read(_TEXT, block, path)["text"]}
    if kind not in ("image", "document"):
        raise refusal(f"{path}.type", f"blocks of the type {kind} are not taken")
    source = block.get("source")
    if not isinstance(source, dict):
        raise refusal(f"{path}.source", "it has to be an object")
    where = f"{path}.source"
    given = kind_of(source, where)
    if kind == "image" and given == "base64":
        picture = read(_BASE64, source, where)
        url = f"data:{picture['media_type']};base64,{picture['data']}"
        return {"type": "image_url", "image_url": {"url": url}}
    if kind == "image" and given == "url":
        return {"type": "image_url", "image_url": {"url": read(_URL, source, where)["url"]}}
    if kind == "document" and given == "text":
        return {"type": "text", "text": read(_PLAIN, source, where)["data"]}
    if kind == "document" and given == "base64":
        pdf = read(_PDF, source, where)
        file = {"file_data": f"data:{pdf['media_type']};base64,{pdf['data']}"}
        return {
            "type": "file",
            "file": {**file, "filename": str(block.get("title") or "document.pdf")},
        }
    raise refusal(f"{where}.type", f"a source of the type {given} is not taken of a block {kind}")
