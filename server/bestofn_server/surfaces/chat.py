"""Chat completions and text completions themselves: nothing is translated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bestofn_server.errors import stream_error
from bestofn_server.surfaces.surface import KEEP_ALIVE, Object, event
from bestofn_server.wire.requests import ChatRequest, CompletionRequest

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class CompletionSurface:
    """A request of OpenAI's completion APIs.

    Args:
        body: as it came.
    """

    body: ChatRequest | CompletionRequest

    def answer(self, completion: dict[str, Any]) -> dict[str, Any]:
        """See `Surface`."""
        return completion

    def telling(self) -> ChunkTelling:
        """See `Surface`."""
        return ChunkTelling()


class ChunkTelling:
    """Each chunk as an event, then [DONE]; an error in the middle is an event too."""

    keep_alive = KEEP_ALIVE

    def foretold(self, completion: Object) -> None:
        """See `Telling`: chunks say it at their end."""

    def chunk(self, chunk: Object) -> Iterable[bytes]:
        """See `Telling`."""
        return (event(chunk),)

    def end(self) -> Iterable[bytes]:
        """See `Telling`."""
        return (DONE,)

    def failed(self, error: Exception) -> Iterable[bytes]:
        """See `Telling`."""
        return (event(stream_error(error)), DONE)
