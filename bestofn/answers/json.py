"""JSON values: the same whatever their layout, order of members and spelling of numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bestofn.core.types import Candidate, Request
from bestofn.support import json_answer
from bestofn.support.thoughts import without_thoughts


@dataclass(frozen=True, slots=True)
class JsonKey:
    """The JSON value that an answer is, alone or in one Markdown fence; None where it is none.

    Args:
        leave_out: names of members that do not count, at any depth.
    """

    kind: ClassVar[str] = "json"

    leave_out: Sequence[str] = ()

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        try:
            value = json_answer.parse(without_thoughts(candidate.text))
            return canonical(value, frozenset(self.leave_out))
        except (ValueError, RecursionError):
            return None


def canonical(value: Any, leave_out: frozenset[str] = frozenset()) -> str:
    """A JSON value as one text: members in order of name, 2.0 as 2."""
    return json.dumps(_plain(value, leave_out), sort_keys=True, ensure_ascii=False)


def _plain(value: Any, leave_out: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _plain(each, leave_out) for name, each in value.items() if name not in leave_out
        }
    if isinstance(value, list):
        return [_plain(each, leave_out) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
