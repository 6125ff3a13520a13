"""What becomes of every field that OpenAI documents of a response, and Anthropic of a message, as
the table of docs/guides/serve.md; for chat completions see `bestofn_server.wire.field_table`.

python -m bestofn_server.surfaces.field_table
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from anthropic.types.message_create_params import MessageCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from pydantic import BaseModel

from bestofn_server.surfaces.messages import request as messages
from bestofn_server.surfaces.responses import request as responses
from bestofn_server.surfaces.translated import RefusedHere
from bestofn_server.wire.field_table import outcome as chat_outcome

Outcome = Literal["honoured", "upstream", "ignored", "refused"]

_SENTENCES: Mapping[Outcome, str] = {
    "honoured": "honoured; what is the engine's goes to it as chat completions have it",
    "upstream": "an upstream gets it; engines in the process ignore it, and `notes` name it",
    "ignored": "has no effect, and `notes` name it",
    "refused": "a 400 that names it and says why",
}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an API's request.

    Args:
        params: the request's type in the API's own package.
        model: the body that is read.
        ignored: names of fields without an effect.
        sampling: fields that chat completions have too, and their names there.
    """

    params: Any
    model: type[BaseModel]
    ignored: Collection[str]
    sampling: Mapping[str, str]

    @property
    def documented(self) -> frozenset[str]:
        """Their names; `stream` is one, which the packages have in types of its own."""
        return frozenset({*get_type_hints(self.params), "stream"})

    def outcome(self, field: str) -> Outcome:
        """What becomes of one.

        Raises:
            KeyError: nothing here reads it.
        """
        if field in self.ignored:
            return "ignored"
        said = self.model.model_fields[field].metadata
        if any(isinstance(getattr(each, "func", None), RefusedHere) for each in said):
            return "refused"
        there = self.sampling.get(field)
        ignored = there is not None and chat_outcome("chat/completions", there) == "ignored"
        return "upstream" if ignored else "honoured"

    def of(self, what: Outcome) -> list[str]:
        """The documented ones of that outcome, in order of the alphabet."""
        return sorted(name for name in self.documented if self.outcome(name) == what)


SURFACES: Mapping[str, Fields] = {
    "/v1/responses": Fields(
        ResponseCreateParamsBase,
        responses.ResponsesRequest,
        responses.IGNORED.keys() | responses.WITHOUT_EFFECT.keys(),
        responses.SAMPLING,
    ),
    "/v1/messages": Fields(MessageCreateParamsBase, messages.MessagesRequest, messages.IGNORED, {}),
}


def table() -> str:
    """The table, in Markdown."""
    lines = [f"| | {' | '.join(f'`{path}`' for path in SURFACES)} |", "|---|---|---|"]
    for what in get_args(Outcome):
        cells = [", ".join(f"`{name}`" for name in each.of(what)) for each in SURFACES.values()]
        lines.append(f"| {_SENTENCES[what]} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
