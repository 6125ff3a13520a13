"""Fields of OpenAI's requests that no engine in this process has a use for.

They are taken as OpenAI documents them, so that a client need not be changed for the engine behind
its server: null is as if they were not there, and what has no effect on an answer's text is ignored
and told. What would change the answer is refused. A name that OpenAI does not document is nobody's.

    engine_fields({"store": True, "metadata": None, "top_p": 0.9}, known={"top_p"})
    ({"top_p": 0.9}, ["store"])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from bestofn.core.errors import RequestError
from bestofn.core.types import Endpoint

IGNORED = frozenset(
    {
        "audio",
        "metadata",
        "modalities",
        "moderation",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
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

DOCUMENTED: Mapping[Endpoint, frozenset[str]] = {
    "chat/completions": frozenset(
        {
            *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
            *("max_completion_tokens", "max_tokens", "messages", "metadata", "modalities"),
            *("model", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty"),
            *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
            *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
            *("stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools"),
            *("top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
        }
    ),
    "completions": frozenset(
        {
            *("best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens"),
            *("model", "n", "presence_penalty", "prompt", "seed", "stop", "stream"),
            *("stream_options", "suffix", "temperature", "top_p", "user"),
        }
    ),
}
"""Fields of OpenAI's two requests, by its API reference (the types of openai-python 3.54)."""

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
                raise RequestError(
                    f"{name} is not taken by this engine: send {OLDER[name]}", param=name
                )
        elif value is not None:
            ignored.append(name)
    modalities = fields.get("modalities")
    if "modalities" in ignored and modalities != ["text"]:
        raise RequestError(
            'modalities: this engine answers with text, which is ["text"]', param="modalities"
        )
    return given, ignored


def require_known(fields: Mapping[str, Any], known: Collection[str], engine: str) -> None:
    """Return if `fields` are only such as an engine has, or OpenAI's without an effect.

    Raises:
        RequestError: there is another.
    """
    given, _ = engine_fields(fields, known)
    for name in sorted(given.keys() - set(known)):
        documented = frozenset().union(*DOCUMENTED.values())
        if name in documented:
            raise RequestError(f"{engine} does not take {name}; vLLM does", param=name)
        near = get_close_matches(name, documented | set(known), n=1)
        meant = f": did you mean {near[0]}?" if near else ""
        raise RequestError(f"{engine} knows no field {name}{meant}", param=name)
