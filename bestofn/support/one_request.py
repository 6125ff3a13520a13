"""One request: what is asked of another server on behalf of one client, however many calls it is.

    with one_request(request.id):
        ...                        # here, and in the tasks that are started here, `asking` is it

A server says it once for each request of a client, and the samplings where nobody has. Who counts
the faults of another server tells by it whether they are all of one prompt.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Hashable, Iterator

_asking: contextvars.ContextVar[Hashable] = contextvars.ContextVar("bestofn_asking", default=None)


@contextlib.contextmanager
def one_request(identity: Hashable) -> Iterator[None]:
    """Within it all is asked for one request; of two such the outer one counts."""
    before = _asking.get()
    token = _asking.set(identity if before is None else before)
    try:
        yield
    finally:
        _asking.reset(token)


def asking() -> Hashable:
    """What the request is called for which is asked; None: nobody has said."""
    return _asking.get()
