"""Errors on the OpenAPI page: the statuses that each group of paths answers with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bestofn_server.errors import ErrorEnvelope

_MEANINGS = {
    400: "the request is wrong, or contradicts itself",
    401: "a key is needed",
    403: "it would be run as code, and the operator allows none from clients",
    404: "there is no such model",
    413: "the body is too large",
    422: "nothing acceptable was sampled, and the policy is `error`",
    429: "too much is running: try again after Retry-After seconds",
    500: "the engine or the reward model failed",
    501: "the engine, or the upstream, has no tokenizer that can be asked",
    502: "the upstream failed",
    503: "the engine is gone, or the server is not ready",
    504: "the deadline or the server's own limit came before anything acceptable",
}


def errors(
    *statuses: int, envelope: type[BaseModel] = ErrorEnvelope
) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route for these statuses, each in the envelope of its API."""
    # FastAPI makes a validator of every model that is named, which over all statuses of all paths
    # took most of the time that the app needs to start. So one names it; the others refer to it.
    schema = {"$ref": f"#/components/schemas/{envelope.__name__}"}
    content: dict[str, Any] = {"content": {"application/json": {"schema": schema}}}
    first, *others = statuses
    documented = {first: {"model": envelope}, **dict.fromkeys(others, content)}
    return {
        status: {**shown, "description": _MEANINGS[status]} for status, shown in documented.items()
    }


def events_of(*schemas: str) -> dict[str, Any]:
    """The content of a stream, an event at a time: OpenAPI's own model of server-sent events.

    Args:
        schemas: names of the components that an event may hold besides an error.
    """
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in (*schemas, "ErrorEnvelope")]
    data = [
        {"const": "[DONE]", "description": "the last event"},
        {
            "type": "string",
            "description": "a chunk, or an error that came after the status",
            "contentMediaType": "application/json",
            "contentSchema": {"anyOf": refs},
        },
    ]
    event = {"type": "object", "required": ["data"], "properties": {"data": {"anyOf": data}}}
    return {"text/event-stream": {"itemSchema": event}}


def named_events(answer: str) -> dict[str, Any]:
    """The content of a stream of named events, of which the last hold a whole `answer`: OpenAPI's
    own model of server-sent events."""
    data = {
        "type": "string",
        "description": f"an event of the API; what it is made of is in {answer}",
        "contentMediaType": "application/json",
    }
    names = {"type": "string", "description": "the type of the event"}
    schema = {
        "type": "object",
        "required": ["event", "data"],
        "properties": {"event": names, "data": data},
    }
    return {"text/event-stream": {"itemSchema": schema}}


EVENTS = events_of("Completion")
"""What a stream of completions says."""

STATUSES = (400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504)
"""Of a request for an answer."""

COMPLETIONS = errors(*STATUSES)
SCORES = errors(400, 401, 403, 404, 413, 429, 500, 503)
TOKENS = errors(400, 401, 404, 413, 429, 500, 501, 502, 503, 504)
LISTS = errors(401, 500, 502, 503)
