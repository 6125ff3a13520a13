"""Constraints of structured output (grammar, schema, pattern, choice) that vLLM's engine takes and
then cannot follow.

vLLM parses a constraint when it reads a request, and compiles it in the engine. What parses and
does not compile, or compiles and leaves no token to go on with (``root ::= root root`` recurses for
ever), ends its candidate with finish_reason "error", which vLLM's OpenAI layer tells as a fault of
the server. It is the request's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.core.errors import RequestError

_FORMATS = frozenset({"json_object", "json_schema", "structural_tag"})
"""Types of `response_format` that constrain."""


class ConstraintError(RequestError):
    """The engine cannot follow the constraint of a request."""


def constraint_of(body: Mapping[str, Any]) -> str | None:
    """The field of a request's body that constrains what is sampled; None: none does.

    A tool that has to be called does, since vLLM holds the call against the tool's schema.
    """
    if body.get("structured_outputs"):
        return "structured_outputs"
    asked = body.get("response_format")
    if isinstance(asked, Mapping) and str(asked.get("type")) in _FORMATS:
        return "response_format"
    choice = body.get("tool_choice")
    return "tool_choice" if choice == "required" or isinstance(choice, Mapping) else None


def unfollowed(body: Mapping[str, Any], configuration: Any) -> ConstraintError | None:
    """What is wrong with a request that the engine ended with "error"; None: that is no matter of
    its constraint.

    Args:
        body: of the request.
        configuration: vLLM's own, of the engine. Where it fetches caches from other engines a fault
            of theirs ends in "error" as well, so nothing is said of the constraint.
    """
    field = constraint_of(body)
    fetches = [getattr(configuration, f"{kind}_transfer_config", None) for kind in ("kv", "ec")]
    if field is None or any(each is not None for each in fetches):
        return None
    return ConstraintError(
        f"{field}: the engine cannot follow it: it does not compile, or leaves no token to go on "
        "with"
    )
