"""Answers to vote on: a candidate and a request by their texts alone."""

from __future__ import annotations

from typing import Any

from bestofn.core.protocols import AnswerKey
from bestofn.core.types import Candidate, Request


def said(text: str | None, index: int = 0, **message: Any) -> Candidate:
    """A candidate that ended by itself."""
    return Candidate(index, {"role": "assistant", "content": text, **message}, "stop")


def key_of(kind: AnswerKey, text: str, prompt: str = "x", **options: Any) -> str | None:
    """The key of a text that answers a prompt."""
    return kind.key(Request.from_prompt(prompt, options=options), said(text))


def called(*calls: tuple[str, str], text: str | None = None) -> Candidate:
    """A candidate that calls tools: names and arguments, each call with an id of its own."""
    listed = [
        {"id": f"call_{hash((at, call))}", "type": "function"}
        | {"function": {"name": call[0], "arguments": call[1]}}
        for at, call in enumerate(calls)
    ]
    return said(text, tool_calls=listed)
