"""Rules of truncation for program text: docstrings, brackets, operators and blocks at its end."""

from __future__ import annotations

from bestofn.filters.truncation import source_code
from bestofn.filters.truncation.reading import Reading

_DOCSTRINGS = ('"""', "'''", "/*")


def open_docstring(reading: Reading) -> str | None:
    """A docstring or a comment without its end."""
    left_open = source_code.open_structure(reading.text)
    return f"its code leaves {left_open} open" if left_open in _DOCSTRINGS else None


def open_structure(reading: Reading) -> str | None:
    """A bracket, or a string at the very end, without its end."""
    left_open = source_code.open_structure(reading.text)
    if left_open is None or left_open in _DOCSTRINGS:
        return None
    return f"its code leaves {left_open} open"


def operator_at_end(reading: Reading) -> str | None:
    """A last line that goes on: an operator, a comma, an opened block."""
    if source_code.ends_in_operator(reading.text):
        return "its last line of code cannot end there"
    return None


def missing_block(reading: Reading) -> str | None:
    """A head without its block, or a comment that announces code."""
    if source_code.ends_before_its_block(reading.text):
        return "the block that its last line belongs to is missing"
    return None
