"""Tool calls: which tools are called, with which arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bestofn.answers.json import canonical
from bestofn.core.types import Candidate, Request

UNLIKE = ("id", "uuid", "request_id", "call_id", "trace_id", "timestamp", "created_at", "nonce")
"""Names of arguments that differ between calls which mean the same."""

_UNLIKE_VALUE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"  # a moment, to the second
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",  # a UUID
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ToolCallsKey:
    """The calls of an answer in their order, without their ids; None where it calls nothing, or
    with arguments that are no JSON object.

    Args:
        leave_out: names of arguments that do not count, at any depth, besides `UNLIKE`.
        made_up: whether arguments called as in `UNLIKE`, and values that are UUIDs or moments to
            the second, which each candidate makes up for itself, count too.
    """

    kind: ClassVar[str] = "tool_calls"

    leave_out: Sequence[str] = ()
    made_up: bool = False

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        calls = candidate.message.get("tool_calls")
        if not isinstance(calls, list) or not calls:
            return None
        try:
            return json.dumps([self._call(each) for each in calls], ensure_ascii=False)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            return None

    def _call(self, call: Any) -> list[str]:
        function = call["function"]
        arguments = json.loads(function.get("arguments") or "{}")
        if not isinstance(arguments, dict):
            raise TypeError("the arguments are no object")
        names = frozenset(self.leave_out) | (frozenset() if self.made_up else frozenset(UNLIKE))
        counted = arguments if self.made_up else _without_made_up(arguments)
        return [str(function["name"]), canonical(counted, names)]


def _without_made_up(value: Any) -> Any:
    """The value without texts that each candidate makes up for itself."""
    if isinstance(value, dict):
        return {
            name: _without_made_up(each) for name, each in value.items() if not _is_made_up(each)
        }
    if isinstance(value, list):
        return [_without_made_up(each) for each in value]
    return value


def _is_made_up(value: Any) -> bool:
    return isinstance(value, str) and _UNLIKE_VALUE.fullmatch(value) is not None
