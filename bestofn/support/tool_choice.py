"""`tool_choice` of chat completions: which of its forms demand a call of a tool.

forces("required")                                                          # True
forces({"type": "function", "function": {"name": "search"}})                # True
forces({"type": "allowed_tools", "allowed_tools": {"mode": "auto", ...}})   # False
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORCING = frozenset({"required", "any"})
"""Words that ask for some call: OpenAI's, and Mistral's."""


def forces(choice: Any) -> bool:
    """Whether the model has to call something; a form that OpenAI does not document demands
    nothing."""
    if not isinstance(choice, Mapping):
        return isinstance(choice, str) and choice in FORCING
    kind = choice.get("type")
    if kind == "allowed_tools":
        allowed = choice.get("allowed_tools")
        return isinstance(allowed, Mapping) and allowed.get("mode") == "required"
    return isinstance(kind, str) and kind in ("function", "custom", *FORCING)
