"""Filters that misbehave in the process that they are sent to; it loads this file and no more."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

from bestofn.core.filtering import LONG
from bestofn.core.types import Candidate, Rejection, Request


@dataclass(frozen=True)
class Says:
    """Rejects everything, and says in which process it does."""

    name: str = "says"
    portable: bool = True

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        return Rejection(self.name, "said", str(os.getpid()), certain=False)


@dataclass(frozen=True)
class Ends(Says):
    """Ends the process that it is asked in."""

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        os._exit(3)


@dataclass(frozen=True)
class Hangs(Says):
    """Never answers where the text is long."""

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        if len(candidate.text) >= LONG:
            threading.Event().wait()
        return None


@dataclass(frozen=True)
class Raises(Says):
    """Is broken."""

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        raise ZeroDivisionError("by zero")
