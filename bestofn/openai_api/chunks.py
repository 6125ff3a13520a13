"""The chunks of a streamed answer, from server-sent events, or from an answer that came whole.

Servers send comments, pings and empty events between chunks, leave out the end, or answer a request
for a stream with plain JSON. What comes out are OpenAI's chunks, as they can be written as JSON.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from bestofn.core.no_winner import GeneratorError
from bestofn.openai_api.connection import TRANSPORT_ERRORS
from bestofn.openai_api.faults import said_in, without_keys
from bestofn.openai_api.logprobs import readable
from bestofn.openai_api.message import message_delta
from bestofn.openai_api.streamed_calls import StreamedCalls
from bestofn.openai_api.whole_answer import usage_as_told, whole_answer
from bestofn.support.plain_json import check_depth, parsed

logger = logging.getLogger(__name__)

MOST_CHOICES = 4096
"""Of one stream: more than anybody may ask for."""

_EVENTS = (b"data:", b"event:", b":")
"""How a body of server-sent events begins."""

_ENCODING = "utf-8-sig"
"""Of server-sent events, whatever their header says: UTF-8, of which one leading byte order mark is
no text (HTML standard, 9.2.6)."""


def chunks_of(
    response: httpx.Response,
    stack: contextlib.AsyncExitStack,
    who: str,
    *,
    streamed: bool,
    usage: bool,
) -> AsyncGenerator[dict[str, Any]]:
    """The chunks of a response that is a success.

    Args:
        response: whose body has been read unless it is streamed.
        stack: closed at the end; it holds the response.
        who: what the server is called in errors.
        streamed: whether it says that it is a stream.
        usage: whether the usage was asked for, which an answer that came whole has always.

    Raises (here where the body is read, else from the iterator):
        GeneratorError: it holds something else, or breaks off.
    """
    if not streamed and not _begins_events(response.content):
        answer = whole_answer(response.content, who)
        return _ready([*_chunks_of_answer(answer, usage=usage)], stack)
    if not streamed:
        kind = {"content-type": "text/event-stream"}
        response = httpx.Response(response.status_code, headers=kind, content=response.content)
    return _read(response, stack, who)


def _begins_events(content: bytes) -> bool:
    return content.removeprefix(codecs.BOM_UTF8).lstrip()[:6].startswith(_EVENTS)


async def _ready(
    chunks: list[dict[str, Any]], stack: contextlib.AsyncExitStack
) -> AsyncGenerator[dict[str, Any]]:
    async with stack:
        for chunk in chunks:
            yield chunk


async def _read(
    response: httpx.Response, stack: contextlib.AsyncExitStack, who: str
) -> AsyncGenerator[dict[str, Any]]:
    unfinished: dict[int, bool] = {}
    calls: dict[int, StreamedCalls] = {}
    response.encoding = _ENCODING
    async with stack:
        try:
            async for event in EventSource(response).aiter_sse():
                if event.data.strip() == "[DONE]":
                    return
                chunk = _chunk(event.event, event.data, who)
                if chunk is None:
                    continue
                for choice in chunk["choices"]:
                    index = choice.get("index") or 0
                    if len(unfinished) > MOST_CHOICES:
                        raise GeneratorError(f"{who}'s stream has too many choices")
                    unfinished[index] = choice.get("finish_reason") is None
                    if "delta" in choice:
                        of_choice = calls.setdefault(index, StreamedCalls())
                        choice["delta"] = of_choice.read(choice["delta"])
                yield chunk
        except (*TRANSPORT_ERRORS, SSEError) as error:
            logger.warning("%s's stream broke: %s", who, without_keys(str(error)))
            raise GeneratorError(f"{who}'s stream broke ({type(error).__name__})") from error
        if not unfinished or any(unfinished.values()):
            raise GeneratorError(f"{who}'s stream ended without [DONE]")


def _chunk(event: str, data: str, who: str) -> dict[str, Any] | None:
    """The chunk in an event; None: it holds none.

    Raises:
        GeneratorError: it is a fault, or no JSON, or a choice of it cannot be read.
    """
    if not data.strip():
        return None
    try:
        chunk = parsed(data.encode("utf-8", "surrogatepass"))
        check_depth(chunk)
    except ValueError as error:
        if event == "error":
            raise _failed(who, data) from error
        if event not in ("", "message"):
            return None
        raise GeneratorError(f"{who}'s stream holds something else than chunks") from error
    if event == "error" or (isinstance(chunk, dict) and chunk.get("error")):
        text = said_in(chunk).text if isinstance(chunk, dict) else data
        raise _failed(who, text)
    if not isinstance(chunk, dict):
        raise GeneratorError(f"{who}'s stream holds something else than chunks")
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        if chunk.get("usage") is None:
            return None  # a ping
        choices = []
    if chunk.get("usage") is not None:
        chunk["usage"] = usage_as_told(chunk["usage"])
    try:
        chunk["choices"] = [_choice(each) for each in choices if isinstance(each, dict)]
    except ValueError as error:
        raise GeneratorError(f"{who}'s stream cannot be read: {error}") from error
    return chunk


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(choice.get("index"), int | None):
        raise ValueError("the index of a choice is no number")
    delta = choice.get("delta")
    choice["logprobs"] = readable(choice.get("logprobs"))
    if isinstance(delta, Mapping):
        choice["delta"] = message_delta(delta)
    elif "text" not in choice:
        choice["delta"] = {}
    return choice


def _failed(who: str, text: str) -> GeneratorError:
    logger.warning("%s failed in the middle: %s", who, without_keys(text))
    return GeneratorError(f"{who} failed in the middle of its stream")


def _chunks_of_answer(answer: Mapping[str, Any], *, usage: bool) -> Iterator[dict[str, Any]]:
    """An answer that came whole, as a stream would have said it."""
    head = {k: v for k, v in answer.items() if k not in ("choices", "usage")}
    if answer.get("object") == "chat.completion":
        head["object"] = "chat.completion.chunk"
    for choice in answer["choices"]:
        said = {k: v for k, v in choice.items() if k not in ("message", "finish_reason")}
        end = {"index": choice.get("index", 0), "finish_reason": choice["finish_reason"]}
        if "message" in choice:
            delta = dict(choice["message"])
            if calls := delta.get("tool_calls"):
                delta["tool_calls"] = [{**call, "index": at} for at, call in enumerate(calls)]
            yield {**head, "choices": [{**said, "delta": delta, "finish_reason": None}]}
            yield {**head, "choices": [{**end, "delta": {}}]}
        else:
            yield {**head, "choices": [{**said, "finish_reason": None}]}
            yield {**head, "choices": [{**end, "text": ""}]}
    if usage and answer.get("usage") is not None:
        yield {**head, "choices": [], "usage": answer["usage"]}
