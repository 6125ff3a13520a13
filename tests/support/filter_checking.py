"""A candidate with a text, and what a filter says of it, for the filters' tests."""

from __future__ import annotations

from typing import Any

from bestofn.core.protocols import Filter
from bestofn.core.types import Candidate, Rejection, Request

REQUEST = Request.from_prompt("Say something.")


def candidate(text: str | None, finish_reason: str | None = "stop", **message: Any) -> Candidate:
    """A candidate with this content; `message` adds fields to its message."""
    return Candidate(0, {"role": "assistant", "content": text, **message}, finish_reason)


def rejection(
    judge: Filter, text: str | None, finish_reason: str | None = "stop", **message: Any
) -> Rejection | None:
    """What `judge` says of such a candidate."""
    return judge.check(REQUEST, candidate(text, finish_reason, **message))


def reason(judge: Filter, text: str | None, finish_reason: str | None = "stop") -> str | None:
    """The reason that `judge` gives, or None."""
    found = rejection(judge, text, finish_reason)
    return found.reason if found else None
