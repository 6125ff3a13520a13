"""The chat completion request that a request of another API comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from bestofn.support.error_text import shortened
from bestofn_server.surfaces.reading import read, refusal
from bestofn_server.wire import bounds
from bestofn_server.wire.requests import ChatRequest, StreamOptions

T = TypeVar("T")


def translated(
    fields: Mapping[str, Any],
    further: Mapping[str, Any],
    elsewhere: Mapping[str, str],
    ignored: Mapping[str, Any],
    notes: list[str],
    *,
    stream: bool,
) -> ChatRequest:
    """The request.

    Args:
        fields: of chat completions; those that are None are not said.
        further: of the body, which go to the engine.
        elsewhere: names among them that this API has elsewhere, and where.
        ignored: names among them that it documents, and that have no effect here; with the types
            of their values.
        notes: what is said of those is added here.
        stream: whether the answer is streamed; then its usage is, too.

    Raises:
        InvalidBodyError: one of them belongs elsewhere, or is not of its type.
    """
    asked = {name: value for name, value in fields.items() if value is not None}
    for name, value in further.items():
        if name in elsewhere:
            raise refusal(
                name, f"this is a field of chat completions; here it is {elsewhere[name]}"
            )
        if name == "n" and value not in (None, 1):
            raise refusal(name, "one answer comes back; bestofn.return_candidates lists the others")
        if name in ignored:
            if value is not None:
                read(TypeAdapter(ignored[name]), value, name)
                notes.append(no_effect(name))
        elif name not in asked and name != "n":
            asked[name] = value
    if stream:
        asked["stream"] = True
        asked["stream_options"] = StreamOptions(include_usage=True)
    return ChatRequest.model_validate(asked)


def not_run(path: str, kind: object) -> str:
    """That a tool is left out, since only the API that has it runs one of its kind."""
    named = shortened(str(kind), bounds.MAX_NAME)
    return f"{path}: this server runs no {named}: the model is not told of it"


def no_effect(path: str) -> str:
    """The note on a field that is taken and changes nothing."""
    return f"{shortened(path, bounds.MAX_NAME)}: it has no effect here"


@dataclass(frozen=True, slots=True)
class RefusedHere:
    """A validator that takes a field only where it asks for nothing.

    Args:
        reason: why, in the words of the error.
    """

    reason: str

    def __call__(self, value: T) -> T:
        """`value`, where it is false, empty or null."""
        if value:
            raise ValueError(self.reason)
        return value
