"""Fields of OpenAI's requests that no engine in this process has a use for.

They are taken as OpenAI documents them, so that a client need not be changed for the engine behind
its server: null is as if they were not there, and what has no effect on an answer's text is ignored
and told. What would change the answer is refused. A name that OpenAI does not document is nobody's.

    engine_fields({"store": True, "metadata": None, "top_p": 0.9}, known={"top_p"})
    ({"top_p": 0.9}, ["store"])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bestofn.core.errors import RequestError

IGNORED = frozenset(
    {
        "audio",
        "metadata",
        "modalities",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""Documented, and without an effect here (OpenAI's API reference, chat completions)."""

OLDER = {"functions": "tools", "function_call": "tool_choice"}
"""Documented, deprecated since 2023, and what replaced them."""


def engine_fields(
    fields: Mapping[str, Any], known: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """(the fields that an engine is given, the names of those that were ignored).

    Args:
        fields: of a request.
        known: names that the engine has; these go in untouched.

    Raises:
        RequestError: a field asks for what the engine cannot do.
    """
    given: dict[str, Any] = {}
    ignored: list[str] = []
    for name, value in fields.items():
        if name in known or not (name in IGNORED or name in OLDER):
            given[name] = value
        elif name in OLDER:
            if value:
                raise RequestError(f"{name} is not taken by this engine: send {OLDER[name]}")
        elif value is not None:
            ignored.append(name)
    modalities = fields.get("modalities")
    if "modalities" in ignored and modalities != ["text"]:
        raise RequestError('modalities: this engine answers with text, which is ["text"]')
    return given, ignored


def require_known(fields: Mapping[str, Any], known: Collection[str], engine: str) -> None:
    """Return if `fields` are only such as an engine has, or OpenAI's without an effect.

    Raises:
        RequestError: there is another.
    """
    given, _ = engine_fields(fields, known)
    if unknown := given.keys() - set(known):
        raise RequestError(f"{engine} does not take {', '.join(sorted(unknown))}; vLLM does")
