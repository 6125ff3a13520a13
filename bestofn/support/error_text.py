"""Owns how a foreign exception is put into one sentence."""

from __future__ import annotations

LONGEST = 240
"""Characters kept: enough for a cause, not for the conversation that some errors quote."""


def first_line(error: BaseException) -> str:
    """The error's class and the first line of its text, cut at `LONGEST` characters."""
    text = str(error).strip().partition("\n")[0]
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= LONGEST else line[:LONGEST] + "..."
