"""What pydantic finds wrong, in the words of a page of settings rather than of a validator.

plain("greater_than_equal", {"ge": 1}, "Input should be ...")      "must be at least 1"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("missing", "missing_argument", "missing_keyword_only_argument"), "has to be given"
    ),
    **dict.fromkeys(("extra_forbidden", "unexpected_keyword_argument"), "there is no such option"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type"), "must be a mapping"
    ),
    **dict.fromkeys(("path_type", "url_type"), "must be a text"),
    **dict.fromkeys(("literal_error", "enum"), "must be {expected}"),
    **dict.fromkeys(("int_parsing_size", "int_too_large"), "is too large a number"),
    "finite_number": "must be a finite number",
    "string_type": "must be a text",
    "list_type": "must be a list",
    "none_required": "must not be given",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "frozen_field": "cannot be changed",
}
"""By pydantic's names of errors; the fields are of its context."""


_EMPTY = frozenset({"too_short", "string_too_short"})


def plain(kind: str, context: Mapping[str, Any], message: str) -> str:
    """What is wrong, without a subject: the path of the field stands before it.

    Args:
        kind: pydantic's name for it.
        context: what it says besides.
        message: its own sentence, which is kept where there is no other.
    """
    words = _WORDS.get(kind)
    if kind in _EMPTY and context.get("min_length") == 1:
        words = "must not be empty"
    if words is None:
        return message
    try:
        return words.format_map({name: _short(value) for name, value in context.items()})
    except KeyError:  # another version says less
        return message


def _short(value: Any) -> Any:
    """A whole number as one: a bound of a float is 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
