"""The JSON value in an answer, and the schema that the request's response_format asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bestofn.core.types import Request

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


def parse(text: str) -> Any:
    """The JSON value that `text` is, outer whitespace and one Markdown fence around it aside.

    Raises:
        ValueError: it is no JSON document, or one nested too deeply to read.
    """
    text = text.strip()
    if text.startswith("```") and (fenced := _FENCED.fullmatch(text)):
        text = fenced.group(1)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def may_begin(text: str) -> bool:
    """Whether `text` begins as a JSON object or array does, or as a fenced one."""
    return text.lstrip().startswith(("{", "[", "```"))


def is_document(text: str) -> bool:
    """Whether `text` is a JSON object or array that parses; looks no further at other texts."""
    if not may_begin(text):
        return False
    try:
        return isinstance(parse(text), dict | list)
    except ValueError:
        return False


def asked_for(request: Request) -> bool:
    """Whether the request's ``response_format`` wants JSON (json_object or json_schema)."""
    wanted = request.options.get("response_format")
    return isinstance(wanted, Mapping) and wanted.get("type") in ("json_object", "json_schema")


def schema_of(request: Request) -> Any:
    """The JSON schema in the request's ``response_format``; None where it names none."""
    wanted = request.options.get("response_format")
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return None
    named = wanted.get("json_schema")
    return named.get("schema") if isinstance(named, Mapping) else None
