"""Chat messages as OpenAI's API has them: their text, their parts, what was thought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.errors import RequestError

Message = Mapping[str, Any]
"""One chat message as OpenAI's API has it: ``{"role": ..., "content": ..., ...}``."""

TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
"""Types of the parts of a content that are text; a part without a type is text too."""

IMAGE_PARTS = frozenset({"image", "image_embeds", "image_pil", "image_url", "input_image"})
"""Types of the parts of a content that are pictures: OpenAI's two APIs', vLLM's, and those of chat
templates."""


def message_text(message: Message) -> str:
    """The text of a chat message: its content, of parts those that are text, joined; where that is
    nothing, the text of its refusal; else ''."""
    content = message.get("content")
    if content:
        if isinstance(content, str):
            return content
        if isinstance(content, Sequence) and (
            text := "".join(text_of_part(part) for part in content)
        ):
            return text
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def half_of_pair(text: str) -> str | None:
    """Which half of a surrogate pair the text holds first, and where, for a reader; None: none, so
    that it can be tokenised, and sent as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        return f"half of a surrogate pair ({half}) at {error.start:,}"
    return None


def check_texts(messages: Sequence[Message]) -> None:
    """See that each message's text is one that can be tokenised and sent.

    Raises:
        RequestError: one holds half of a surrogate pair, as Python makes of bytes that are no
            UTF-8, and of JSON's ``"\\ud83d"``.
    """
    for number, message in enumerate(messages):
        if (half := half_of_pair(message_text(message))) is not None:
            raise RequestError(f"messages.{number}: the text holds {half}")


def kind_of_part(part: Mapping[str, Any]) -> str:
    """The type of one part of a content: ``text`` where it says none, '' where what it says is no
    word, which is the type of nothing."""
    kind = part.get("type")
    return "text" if kind is None else kind if isinstance(kind, str) else ""


def text_of_part(part: object) -> str:
    """The text of one part of a content; '' where it is none, as a picture or a thought."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or kind_of_part(part) not in TEXT_PARTS:
        return ""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def image_count(messages: Sequence[Message]) -> int:
    """How many pictures a conversation holds."""
    contents = (message.get("content") for message in messages)
    return sum(
        isinstance(part, Mapping) and kind_of_part(part) in IMAGE_PARTS
        for content in contents
        if isinstance(content, list | tuple)
        for part in content
    )


def reasoning_text(message: Message) -> str:
    """What a message says that was thought, '' where it says nothing: servers call it
    ``reasoning`` or ``reasoning_content``, and both are one thing."""
    for name in ("reasoning", "reasoning_content"):
        if isinstance(text := message.get(name), str) and text:
            return text
    return ""
