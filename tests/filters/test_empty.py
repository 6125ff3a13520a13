"""Tests the empty filter."""

from __future__ import annotations

import pytest

from bestofn.filters.empty import EmptyFilter
from tests.support.filter_checking import reason, rejection

FILTER = EmptyFilter()
CALL = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "empty"),
        ("", "empty"),
        (" ", "whitespace_only"),
        ("\n\t\u3000", "whitespace_only"),
        ("0", None),
        (".", None),
    ],
)
def test_text(text: str | None, expected: str | None) -> None:
    assert reason(FILTER, text) == expected


def test_tool_calls_without_content_are_kept() -> None:
    assert rejection(FILTER, None, "tool_calls", tool_calls=CALL) is None
    assert rejection(FILTER, "", "function_call", function_call=CALL[0]["function"]) is None
    found = rejection(FILTER, None, "stop", tool_calls=[])
    assert found is not None
    assert found.filter == "empty"
    assert "neither an answer nor a tool call" in found.detail
