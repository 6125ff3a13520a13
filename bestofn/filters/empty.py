"""The filter of empty answers: candidates that say nothing and call no tool."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.types import Candidate, Rejection, Request


def calls_tools(candidate: Candidate) -> bool:
    """Whether the candidate calls a tool or (in OpenAI's older form) a function."""
    message = candidate.message
    return bool(message.get("tool_calls") or message.get("function_call"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyFilter:
    """Rejects candidates with neither content nor a tool call. Reasons: ``empty``,
    ``whitespace_only``."""

    @property
    def name(self) -> str:
        """The filter's name."""
        return "empty"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection where nothing was said and no tool was called."""
        text = candidate.text
        if text.strip() or calls_tools(candidate):
            return None
        if text:
            return Rejection(self.name, "whitespace_only", "the answer is only whitespace")
        return Rejection(self.name, "empty", "there is neither an answer nor a tool call")
