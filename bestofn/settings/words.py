"""Sections in a few words, as flags and variables hold them: ``name=large share=2``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json


def read_words(
    text: str, before: Mapping[str, Any] | None = None, *, like: str = "share=2"
) -> dict[str, Any]:
    """The section that a few words stand for, or JSON.

    Args:
        text: ``option=value`` each, with spaces between.
        before: options that stand before them.
        like: an example, for the error.

    Raises:
        ValueError: an option has no value, or stands there twice; or it is no JSON.
    """
    if text.lstrip().startswith("{"):
        read: dict[str, Any] = from_json(text)
        return read
    found = dict(before or {})
    for each in text.split():
        name, sign, value = each.partition("=")
        if not (name and sign and value):
            raise ValueError(f"{each!r} is no option with a value, like {like}")
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = value
    return found
