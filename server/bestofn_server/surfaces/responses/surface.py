"""One request for a response, to a chat completion request and back."""

from __future__ import annotations

from typing import Any

from bestofn_server.surfaces.ending import Ending, first_choice
from bestofn_server.surfaces.parts import parts_of
from bestofn_server.surfaces.responses.answer import CUT, Written
from bestofn_server.surfaces.responses.events import ResponseTelling
from bestofn_server.surfaces.responses.request import ResponsesRequest, chat_request


class ResponsesSurface:
    """See `bestofn_server.surfaces.surface.Surface`.

    Args:
        asked: the request.

    Raises:
        InvalidBodyError: an item, a tool or a format of it is none that is taken.
    """

    def __init__(self, asked: ResponsesRequest) -> None:
        self.body, tools, notes = chat_request(asked)
        self._written = Written(asked, tools, notes)

    def answer(self, completion: dict[str, Any]) -> dict[str, Any]:
        """See `Surface`."""
        ending = Ending()
        ending.read(completion)
        self._written.begin(completion)
        choice = first_choice(completion)
        parts = parts_of(choice.get("message") or {}, choice.get("logprobs"))
        cut = (ending.finish_reason or "") in CUT
        output = [self._written.item(part, cut=cut and part is parts[-1]) for part in parts]
        return self._written.response(output, ending)

    def telling(self) -> ResponseTelling:
        """See `Surface`."""
        return ResponseTelling(self._written)
