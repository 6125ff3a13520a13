"""What a server was found not to do, for requests of one kind and for a while.

One client's request says nothing about others with other fields: a model may refuse
log-probabilities while it reasons, or streams beside tools, and give them otherwise.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Literal

from bestofn.core.errors import RequestError
from bestofn.core.types import Request
from bestofn.openai_api.completions import NoChoicesError
from bestofn.openai_api.faults import UnimplementedError

KEPT_SECONDS = 600.0
"""After which it is found out again: servers are restarted with other settings."""

MOST_KEPT = 1024
"""Things that are remembered; clients choose the fields, so that there may be many kinds."""

_SAYS_NOTHING = frozenset(
    {"model", "user", "metadata", "safety_identifier", "prompt_cache_key", "store", "service_tier"}
)
_VALUES = ("reasoning_effort", "tool_choice")
"""Fields of which the value, not only that they are there, decides what a server takes."""

NOT_TAKEN = (RequestError, UnimplementedError, NoChoicesError)
"""What a server answers that does not do something; where it is the request that is wrong, the same
comes without it."""

Missing = Literal["logprobs", "streams"]


def kind_of(request: Request, default: str) -> Hashable:
    """Requests that a server treats alike, as far as the names of their fields say so.

    Args:
        request: one of them.
        default: the model of a request that names none.
    """
    model = request.options.get("model", default)
    values = (
        value if isinstance(value := request.options.get(name), str) else None for name in _VALUES
    )
    return request.endpoint, str(model), frozenset(request.options.keys() - _SAYS_NOTHING), *values


class FoundOut:
    """What is known of one server; all of it is forgotten after `KEPT_SECONDS`.

    Args:
        clock: in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def lacks(self, what: Missing, kind: Hashable) -> bool:
        """Whether the server does not do it for this kind."""
        return self._number(what, kind) is not None

    def does_without(self, what: Missing, kind: Hashable) -> bool:
        """The server was found not to do it; whether that is news."""
        news = not self.lacks(what, kind)
        self._put(what, kind, 1)
        return news

    def gives(self, count: int, kind: Hashable) -> bool:
        """Whether so many answers are known to come for one request."""
        return count <= (self._number("given", kind) or 0)

    def may_give(self, count: int, kind: Hashable) -> bool:
        """Whether so many answers are not known to be refused for one request."""
        least = self._number("refused", kind)
        return least is None or count < least

    def gave(self, count: int, kind: Hashable) -> None:
        """So many answers came for one request; fewer say nothing about as many as before."""
        if count >= (self._number("given", kind) or 0):
            self._put("given", kind, count)
        if not self.may_give(count, kind):
            del self._known["refused", kind]

    def gave_less_than(self, count: int, kind: Hashable) -> None:
        """For one request not so many answers came, or none and a refusal."""
        self._put("refused", kind, min(count, self._number("refused", kind) or count))
        if self.gives(count, kind):
            del self._known["given", kind]

    def _number(self, what: str, kind: Hashable) -> int | None:
        until, number = self._known.get((what, kind), (0.0, 0))
        return number if self._clock() < until else None

    def _put(self, what: str, kind: Hashable, number: int) -> None:
        self._known[what, kind] = (self._clock() + KEPT_SECONDS, number)
        self._known.move_to_end((what, kind))
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
