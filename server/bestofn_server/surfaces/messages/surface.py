"""One request for a message, to a chat completion request and back."""

from __future__ import annotations

from typing import Any

from bestofn_server.surfaces.ending import Ending, first_choice
from bestofn_server.surfaces.messages.answer import Written
from bestofn_server.surfaces.messages.events import MessageTelling
from bestofn_server.surfaces.messages.request import MessagesRequest, chat_request
from bestofn_server.surfaces.parts import parts_of


class MessagesSurface:
    """See `bestofn_server.surfaces.surface.Surface`.

    Args:
        asked: the request.

    Raises:
        InvalidBodyError: a block or a tool of it is none that is taken.
    """

    def __init__(self, asked: MessagesRequest) -> None:
        self.body, notes = chat_request(asked)
        self._written = Written(asked.model, asked.stop_sequences or (), notes)

    def answer(self, completion: dict[str, Any]) -> dict[str, Any]:
        """See `Surface`."""
        ending = Ending()
        ending.read(completion)
        self._written.begin(completion)
        parts = parts_of(first_choice(completion).get("message") or {})
        return self._written.message(parts, ending)

    def telling(self) -> MessageTelling:
        """See `Surface`."""
        return MessageTelling(self._written)
