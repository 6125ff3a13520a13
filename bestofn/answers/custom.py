"""A user's own answer key: a function by its import path."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from bestofn.core.types import Candidate, Request
from bestofn.support.import_path import load_function

logger = logging.getLogger(__name__)

Function = Callable[[Request, Candidate], str | None]


@dataclass(frozen=True, slots=True)
class CustomKey:
    """What ``function(request, candidate)`` returns: a text, or None for one that does not vote.

    An answer on which the function raises, or for which it returns something else, does not vote;
    the log says so.

    Args:
        path: ``package.module:function``.

    Raises:
        ConfigError: nothing callable can be imported from the path.
    """

    kind: ClassVar[str] = "custom"

    path: str
    _function: Function = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_function", load_function(self.path, "answer key custom"))

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        try:
            found = self._function(request, candidate)
        except Exception:  # a user's code, whatever it raises
            logger.warning("the answer key %s raised", self.path, exc_info=True)
            return None
        if found is None or isinstance(found, str):
            return found
        logger.warning("the answer key %s returned %s", self.path, type(found).__name__)
        return None
