"""Labels of metrics that say what answered: the model and the profile, in bounded number."""

from __future__ import annotations

from typing import NamedTuple

from starlette.types import Scope

MOST = 256
"""Different models and profiles that metrics tell apart; adapters may come and go without end."""

OTHER = "other"
"""What those above it are called."""

_ENTRY = "bestofn.served"


class Served(NamedTuple):
    """What answered a request: names that the engine and the operator give, never a client.

    Args:
        model: as the engine calls it; '': the request did not come as far.
        profile: '': none.
    """

    model: str = ""
    profile: str = ""


NOBODY = Served()
"""Nothing has answered yet."""


class Bounded:
    """Lets so many different labels through, and calls the others `OTHER`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known = {NOBODY}

    def __call__(self, served: Served) -> Served:
        """The labels under which it is counted."""
        if served in self._known:
            return served
        if len(self._known) >= self._most:
            return Served(OTHER, OTHER)
        self._known.add(served)
        return served


def answered_by(scope: Scope, served: Served) -> None:
    """Note in a request's scope what answers it, for the metrics of its route."""
    scope[_ENTRY] = served


def served_in(scope: Scope) -> Served:
    """What answered a request."""
    served: Served = scope.get(_ENTRY, NOBODY)
    return served
