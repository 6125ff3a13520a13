"""Headers of a request: best-of-n for clients that can set a header, and nothing in the body.

Each stands for what a server or a profile says by itself, so that the body goes before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bestofn.support.error_text import faults, shortened
from bestofn.support.nearest import did_you_mean
from bestofn_server.errors import InvalidBodyError
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Name
from bestofn_server.wire.requests import BestOfNOptions, ChatRequest, CompletionRequest

_Body = TypeVar("_Body", ChatRequest, CompletionRequest, ChatRequest | CompletionRequest)


class BestOfNHeaders(BaseModel):
    """What the headers of a request say."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    best_of: int | None = Field(
        default=None,
        alias="X-Bestofn-Best-Of",
        ge=1,
        le=bounds.MAX_CANDIDATES,
        description="as `best_of`; of several choices, `n`, there are as many at least",
    )
    profile: Name | None = Field(
        default=None,
        alias="X-Bestofn-Profile",
        description="a profile, which then goes before the name of the model",
    )
    stop: Name | None = Field(
        default=None,
        alias="X-Bestofn-Stop",
        description="as `bestofn.stop` in a few words: `auto`, `accepted count=12`",
    )
    return_candidates: Literal["none", "summary", "full"] | None = Field(
        default=None,
        alias="X-Bestofn-Return-Candidates",
        description="as `bestofn.return_candidates`",
    )

    def on(self, body: _Body) -> _Body:
        """The body with what only the headers say.

        Raises:
            InvalidBodyError: there is no such rule or option.
        """
        if self is _NOTHING:
            return body
        changes: dict[str, Any] = {}
        if self.best_of is not None and body.best_of is None:
            changes["best_of"] = max(self.best_of, body.n or 1)
        given = {"stop": self.stop, "return_candidates": self.return_candidates}
        own = body.bestofn or BestOfNOptions()
        said = {
            name: value
            for name, value in given.items()
            if value is not None and name not in own.model_fields_set
        }
        if said:
            try:
                asked = BestOfNOptions.model_validate(said)
            except ValidationError as error:
                fault = faults(error)[0]
                option = fault.path.removeprefix("stop").lstrip(".")
                reason = f"{option}: {fault.message}" if option else fault.message
                name = "X-Bestofn-Stop"
                raise InvalidBodyError(f"{name}: {reason}", param=name) from None
            changes["bestofn"] = own.model_copy(
                update={name: getattr(asked, name) for name in said}
            )
        return body.model_copy(update=changes) if changes else body


_PREFIX = b"x-bestofn-"
"""What the names of all of them begin with, as a connection has them: small letters."""

_NAMES: Mapping[str, str] = {
    str(field.alias).lower(): str(field.alias) for field in BestOfNHeaders.model_fields.values()
}
"""As a connection has them -> as they are documented."""

_LISTED = ", ".join(_NAMES.values())

_NOTHING = BestOfNHeaders()


def asked_by(headers: Iterable[tuple[bytes, bytes]]) -> BestOfNHeaders:
    """What the headers of a request say.

    Args:
        headers: all of them, as ASGI has them.

    Raises:
        InvalidBodyError: one of bestofn's is none that is read: a name with a mistake in it would
            otherwise leave the server's default in silence. The sentence says which was meant.
        RequestValidationError: what one says is out of its bounds.
    """
    # Most requests have none, and a model made of nothing would cost each of them.
    found = [
        (n.decode("latin-1"), v.decode("latin-1")) for n, v in headers if n.startswith(_PREFIX)
    ]
    if not found:
        return _NOTHING
    given: dict[str, str] = {}
    for name, value in found:
        if name not in _NAMES:
            raise _unknown(name)
        if _NAMES[name] in given:
            raise InvalidBodyError(f"{_NAMES[name]}: it is there twice", param=_NAMES[name])
        given[_NAMES[name]] = value
    try:
        return BestOfNHeaders.model_validate(given)
    except ValidationError as error:
        placed = [{**each, "loc": ("header", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(placed) from None


def _unknown(name: str) -> InvalidBodyError:
    """What is said of a header that is not read: which was meant, else which there are."""
    said = shortened(name.title(), bounds.MAX_NAME)
    start = len(_PREFIX)  # all names begin alike, so that says nothing
    near = did_you_mean(said[start:], [each[start:] for each in _NAMES.values()])
    meant = near.replace("mean ", f"mean {said[:start]}", 1) or f"; there are {_LISTED}"
    return InvalidBodyError(
        f"{said}: there is no such header{meant}", param=said, code="unknown_parameter"
    )


def _parameters() -> list[dict[str, Any]]:
    schemas = BestOfNHeaders.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "schema": schema,
            "description": schema.get("description", ""),
        }
        for name, schema in schemas.items()
    ]


DOCUMENTED = {"parameters": _parameters()}
"""Of an operation on the OpenAPI page that reads them."""
