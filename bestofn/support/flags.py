"""Flags of a command, as vLLM's parser takes them: with dashes or underscores, and ``=`` or not."""

from __future__ import annotations


def flag_name(text: str) -> str:
    """The name of a flag as its documentation has it: ``--api_key=x`` is ``--api-key``. What is no
    flag, as a flag's value that stands by itself, stays as it is before its ``=``."""
    name = text.partition("=")[0]
    return name.replace("_", "-") if name.startswith("--") else name
