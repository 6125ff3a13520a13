"""The seam between an API and chat completions: one request of it, its answer, its events.

A stream is told by a `Telling`: chunks of a chat completion go in, server-sent events come out.
It holds what the order of the events depends on, so each stream has its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from bestofn_server.wire.requests import ChatRequest, CompletionRequest

Object = Mapping[str, Any]


class Telling(Protocol):
    """A stream of events, made of the chunks of a chat completion."""

    @property
    def keep_alive(self) -> bytes:
        """What is sent where nothing has been said for a while."""
        ...

    def foretold(self, completion: Object) -> None:
        """Take note of what is known before the first chunk, as of a completion: its usage."""
        ...

    def chunk(self, chunk: Object) -> Iterable[bytes]:
        """The events that the next chunk comes to."""
        ...

    def end(self) -> Iterable[bytes]:
        """Those that follow the last chunk."""
        ...

    def failed(self, error: Exception) -> Iterable[bytes]:
        """Those that tell an error which came after the status, and end the stream."""
        ...


class Surface(Protocol):
    """One request, as some API has it."""

    @property
    def body(self) -> ChatRequest | CompletionRequest:
        """What it asks of the core."""
        ...

    def answer(self, completion: dict[str, Any]) -> dict[str, Any]:
        """The API's own answer, of the completion that answers `body`."""
        ...

    def telling(self) -> Telling:
        """What tells the same as a stream."""
        ...


def event(data: Object, name: str | None = None) -> bytes:
    """One server-sent event (HTML standard, 9.2): with a name where the API has names."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {text}\n\n".encode()


KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: clients skip it (HTML standard, 9.2.6), and proxies see that the stream lives."""
