"""Headers of a request: best-of-n for clients that can set a header, and nothing in the body.

Each stands for what a server or a profile says by itself, so that the body goes before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Header
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
                name = "X-Bestofn-Stop"
                raise InvalidBodyError(f"{name}: {faults(error)[0].message}", param=name) from None
            changes["bestofn"] = own.model_copy(
                update={name: getattr(asked, name) for name in said}
            )
        return body.model_copy(update=changes) if changes else body


PREFIX = "x-bestofn-"
"""What the names of all of them begin with."""

KNOWN = tuple(str(field.alias) for field in BestOfNHeaders.model_fields.values())
"""Their names."""


def require_known(names: Iterable[str]) -> None:
    """Return if a request has no header of bestofn's that nobody reads: a name with a mistake in it
    would otherwise leave the server's default in silence.

    Args:
        names: of all headers.

    Raises:
        InvalidBodyError: it has one; the sentence says which was meant.
    """
    known = {each.lower() for each in KNOWN}
    for name in names:
        if name.lower().startswith(PREFIX) and name.lower() not in known:
            said = shortened(name.title(), bounds.MAX_NAME)
            raise InvalidBodyError(
                f"{said}: there is no such header{did_you_mean(said, KNOWN)}",
                param=said,
                code="unknown_parameter",
            )


Asked = Annotated[BestOfNHeaders, Header()]
"""The headers, as a route's parameter."""
