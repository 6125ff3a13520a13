"""Tool calls: which tools are called, with which arguments."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bestofn.answers.json import canonical
from bestofn.core.types import Candidate, Request, message_text

UNLIKE = ("uuid", "request_id", "call_id", "trace_id", "timestamp", "created_at", "nonce")
"""Names of arguments that differ between calls which mean the same. `id` is none: it mostly says
what a call is about, as in delete_order(id=1)."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[\w-]+")

READ = 200_000
"""Characters of the end of a conversation that are read."""

Told = Callable[[], frozenset[str]]
"""The words of the conversation, found where something asks for them."""


@dataclass(frozen=True, slots=True)
class ToolCallsKey:
    """The calls of an answer in their order, without their ids; None where it calls nothing, or
    with arguments that are no JSON object.

    Args:
        leave_out: names of arguments that do not count, at any depth, besides `UNLIKE`.
        made_up: whether arguments called as in `UNLIKE`, and UUIDs wherever they stand, which each
            candidate makes up for itself, count too. One that stands in the conversation is not
            made up, and counts always.
    """

    kind: ClassVar[str] = "tool_calls"

    leave_out: Sequence[str] = ()
    made_up: bool = False

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        calls = candidate.message.get("tool_calls")
        if not isinstance(calls, list) or not calls:
            return None
        told = functools.cache(lambda: _words_of(_conversation(request)))
        try:
            return json.dumps([self._call(each, told) for each in calls], ensure_ascii=False)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            return None

    def _call(self, call: Any, told: Told) -> list[str]:
        function = call["function"]
        arguments = json.loads(function.get("arguments") or "{}")
        if not isinstance(arguments, dict):
            raise TypeError("the arguments are no object")
        counted = arguments if self.made_up else _without_made_up(arguments, told)
        return [str(function["name"]), canonical(counted, frozenset(self.leave_out))]


def _without_made_up(value: Any, told: Told) -> Any:
    """The value without what each candidate makes up for itself."""
    if isinstance(value, dict):
        return {
            name: _without_made_up(each, told)
            for name, each in value.items()
            if not _is_made_up(name, each, told)
        }
    if isinstance(value, list):
        return [_without_made_up(each, told) for each in value if not _is_made_up("", each, told)]
    return value


def _is_made_up(name: str, value: Any, told: Told) -> bool:
    is_uuid = isinstance(value, str) and _UUID.fullmatch(value) is not None
    if name not in UNLIKE and not is_uuid:
        return False
    words = _WORD.findall(str(value).casefold()) if isinstance(value, (str, int, float)) else []
    return not words or not told().issuperset(words)


def _conversation(request: Request) -> str:
    """The texts of a conversation, with the arguments of the calls in it; the end of a long one."""
    texts = []
    for each in request.messages:
        texts.append(message_text(each))
        if calls := each.get("tool_calls"):
            texts.append(json.dumps(calls, ensure_ascii=False, default=str))
    return "\n".join(texts)[-READ:]


@functools.lru_cache(maxsize=16)
def _words_of(conversation: str) -> frozenset[str]:
    """Read once for all candidates."""
    return frozenset(_WORD.findall(conversation.casefold()))
